//! The data directory: who may use it, and the database file in it.

use std::fs::{self, DirBuilder, File, OpenOptions, Permissions, TryLockError};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use crate::error::Failure;
use crate::store::engine::{Engine, EngineOptions};

/// The database file's name.
const DATABASE: &str = "rememberd.redb";

/// The name of the file whose lock tells that the directory is in use.
const LOCK: &str = "rememberd.lock";

/// Secrets lie in it: only its owner may read it.
const FILE_MODE: u32 = 0o600;

/// The mode of a directory that we make.
const DIRECTORY_MODE: u32 = 0o700;

/// A data directory that this process alone uses, for as long as the value lives.
#[derive(Debug)]
pub struct DataDirectory {
    path: PathBuf,
    _lock: File,
}

impl DataDirectory {
    /// Makes the directory if it is missing, and locks it.
    ///
    /// # Errors
    ///
    /// [`Failure::Storage`] if it cannot be made or locked; the message says if another server holds
    /// it.
    pub fn lock(path: &Path) -> Result<Self, Failure> {
        let described = |error: std::io::Error| {
            Failure::Storage(format!("data directory {}: {error}", path.display()))
        };
        DirBuilder::new()
            .recursive(true)
            .mode(DIRECTORY_MODE)
            .create(path)
            .map_err(described)?;
        let lock = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .mode(FILE_MODE)
            .open(path.join(LOCK))
            .map_err(described)?;
        match lock.try_lock() {
            Ok(()) => Ok(Self {
                path: path.to_owned(),
                _lock: lock,
            }),
            Err(TryLockError::WouldBlock) => Err(Failure::Storage(format!(
                "data directory {} is in use by another server",
                path.display()
            ))),
            Err(TryLockError::Error(error)) => Err(described(error)),
        }
    }

    /// The database file's path.
    pub fn database_path(&self) -> PathBuf {
        self.path.join(DATABASE)
    }

    /// Opens the database, or makes it if there is none.
    ///
    /// # Errors
    ///
    /// [`Failure::Storage`], naming the file.
    pub fn open_database(&self, options: &EngineOptions) -> Result<Engine, Failure> {
        let path = self.database_path();
        let file = self
            .open_file(&path)
            .map_err(|error| Failure::Storage(format!("{}: {error}", path.display())))?;
        Engine::open_file(file, options).map_err(|failure| match failure {
            Failure::Storage(cause) => Failure::Storage(format!("{}: {cause}", path.display())),
            other => other,
        })
    }

    fn open_file(&self, path: &Path) -> std::io::Result<File> {
        let is_new = !path.try_exists()?;
        let file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .read(true)
            .write(true)
            .mode(FILE_MODE)
            .open(path)?;
        // A file restored from a copy may have any mode.
        if file.metadata()?.permissions().mode() & 0o777 != FILE_MODE {
            fs::set_permissions(path, Permissions::from_mode(FILE_MODE))?;
        }
        if is_new {
            // A commit syncs the file, not its name: without this, power loss could take the file away.
            File::open(&self.path)?.sync_all()?;
        }
        Ok(file)
    }
}
