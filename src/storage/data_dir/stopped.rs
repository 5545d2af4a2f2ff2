//! A database that no server uses, to be read and not changed.

use std::fs::{File, TryLockError};
use std::path::{self, Path, PathBuf};

use crate::error::{Failure, describe};
use crate::storage::data_dir::{DATABASE, LOCK};
use crate::storage::engine::opening::Opening;
use crate::storage::engine::{Engine, EngineOptions};
use crate::storage::key_file::KEY_FILE;
use crate::storage::library_panics::unreported;
use crate::storage::regular_file;

const OPTIONS: EngineOptions = EngineOptions {
    cache_bytes: 1 << 20,
    two_phase_commit: false,
};

/// A database file, in a data directory or by itself. No server can be started on it until this is dropped.
#[derive(Debug)]
pub struct StoppedDatabase {
    /// The file's absolute path.
    pub file: PathBuf,
    /// Where its key file is, by default.
    pub key_file: PathBuf,
    _lock: ServersOut,
}

/// No server can be started on a data directory until this is dropped.
#[derive(Debug)]
pub struct ServersOut {
    _lock: Option<File>,
}

impl ServersOut {
    /// Keeps servers from `directory`, in which nothing changes: without the file of the lock no server uses it.
    ///
    /// # Errors
    ///
    /// [`TryLockError::WouldBlock`] if a server uses it, and those of the operating system.
    pub fn of(directory: &Path) -> Result<Self, TryLockError> {
        let lock = regular_file::open(&directory.join(LOCK)).ok();
        if let Some(lock) = &lock {
            lock.try_lock_shared()?;
        }
        Ok(Self { _lock: lock })
    }
}

impl StoppedDatabase {
    /// The database at `path`: the file, or the directory that it is in.
    ///
    /// # Errors
    ///
    /// [`Failure::Unusable`] if it is not there or in use.
    pub fn at(path: &Path) -> Result<Self, Failure> {
        let path =
            path::absolute(path).map_err(|error| Failure::unusable_file(path, describe(&error)))?;
        let file = if path.is_dir() {
            path.join(DATABASE)
        } else {
            path
        };
        let metadata = file
            .metadata()
            .map_err(|error| Failure::of_access(&file, &error))?;
        regular_file::refuse_others(metadata.file_type())
            .map_err(|error| Failure::of_access(&file, &error))?;
        let directory = file.parent().unwrap_or(Path::new("/"));
        let lock = ServersOut::of(directory).map_err(|error| match error {
            TryLockError::WouldBlock => {
                let cause = "it is in use by a server: stop it, or use a backup, which \"rememberd backup FILE\" makes \
                             while it runs";
                Failure::unusable_file(&file, cause)
            }
            TryLockError::Error(error) => Failure::of_access(&file, &error),
        })?;
        Ok(Self {
            key_file: directory.join(KEY_FILE),
            file,
            _lock: lock,
        })
    }

    /// Opens the database as a server does, without changing its file. A file that may not be written is not opened.
    ///
    /// # Errors
    ///
    /// Why a server cannot open it.
    pub fn open_unchanged(&self) -> Result<(), Failure> {
        let writable = File::options().read(true).write(true).open(&self.file);
        if writable.is_err() {
            return Ok(());
        }
        open_unchanged(&self.file)
    }

    /// Opens the database to be read: what opening it changes, as after a crash, is held back, and dropped.
    ///
    /// # Errors
    ///
    /// Why a server cannot open it.
    pub fn open(&self) -> Result<Engine, Failure> {
        unreported(|| open_deferred(&self.file))
    }

    /// The file's name for messages.
    pub fn name(&self) -> String {
        self.file.display().to_string()
    }
}

/// Opens the database file at `path`, which nobody writes, without changing it.
///
/// # Errors
///
/// Why a server cannot open it.
pub fn open_unchanged(path: &Path) -> Result<(), Failure> {
    unreported(|| open_deferred(path)?.close())
}

fn open_deferred(path: &Path) -> Result<Engine, Failure> {
    let file = regular_file::open_with(path, File::options().read(true).write(true))
        .map_err(|error| Failure::of_access(path, &error))?;
    Engine::open_file(file, &OPTIONS, Opening::Start)
}
