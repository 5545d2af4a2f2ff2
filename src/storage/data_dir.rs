//! The data directory: who may use it, and the database file in it.

use std::fmt::Display;
use std::fs::{self, DirBuilder, File, OpenOptions, Permissions, TryLockError};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::Advice;

use crate::error::Failure;
use crate::storage::engine::read::EngineRead;
use crate::storage::engine::{Engine, EngineOptions};
use crate::storage::opening::Opening;

/// The database file's name.
const DATABASE: &str = "rememberd.redb";

/// The database file's name until it is whole.
const UNFINISHED: &str = "rememberd.redb.unfinished";

/// The name of the file that tells that there is a database, even if its file is gone.
const MARKER: &str = "rememberd.marker";

/// What the marker says to whoever opens it.
const MARKER_TEXT: &str = "The database beside this file holds persistent logins.\n\
     rememberd does not start with an empty one in its place. To begin anew, remove this file too.\n";

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
        let described = |error: io::Error| {
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

    /// Opens the database, or creates it if there never was one. Where there was one, there is a marker beside
    /// the file, and nothing is created in its place: an empty database would log everyone out. At a start, a
    /// database that was closed cleanly is given to `check` before anything in it is changed.
    ///
    /// # Errors
    ///
    /// [`Failure::Storage`] and what `check` fails with, naming the file.
    pub fn open_database(
        &self,
        options: &EngineOptions,
        opening: Opening,
        check: impl FnOnce(&EngineRead) -> Result<(), Failure>,
    ) -> Result<Engine, Failure> {
        let path = self.database_path();
        if opening == Opening::AfterFailure {
            forget_cached(&path).map_err(|error| named(&path, error))?;
        }
        let marker = self.path.join(MARKER);
        let is_marked = marker.try_exists().map_err(|error| named(&marker, error))?;
        if is_missing(&path).map_err(|error| named(&path, error))? {
            if is_marked {
                return Err(named(
                    &path,
                    format_args!(
                        "it is missing or empty, and {MARKER} beside it tells that it held a \
                         database; restore it, or remove {MARKER} to begin anew"
                    ),
                ));
            }
            self.make_database(&path, options)?;
        } else if opening == Opening::Start {
            let file = File::open(&path).map_err(|error| named(&path, error))?;
            Engine::look_into(file, check).map_err(|failure| self.name(failure))?;
        }
        let engine = open_engine(&path, options)?;
        if !is_marked {
            self.mark(&marker).map_err(|error| named(&marker, error))?;
        }
        Ok(engine)
    }

    /// The failure with the name of the database file before its cause.
    pub fn name(&self, failure: Failure) -> Failure {
        let path = self.database_path();
        match failure {
            Failure::Storage(cause) => named(&path, cause),
            Failure::Unusable(cause) => Failure::Unusable(format!("{}: {cause}", path.display())),
            other => other,
        }
    }

    /// Tells later starts, durably, that there is a database.
    fn mark(&self, marker: &Path) -> io::Result<()> {
        let mut file = OpenOptions::new()
            .create(true)
            .truncate(true)
            .write(true)
            .mode(FILE_MODE)
            .open(marker)?;
        file.write_all(MARKER_TEXT.as_bytes())?;
        file.sync_all()?;
        self.sync_names()
    }

    /// Makes an empty database under another name and renames it when it is whole: a crash in between
    /// must not leave a file behind that is neither empty nor a database.
    fn make_database(&self, path: &Path, options: &EngineOptions) -> Result<(), Failure> {
        let unfinished = self.path.join(UNFINISHED);
        match fs::remove_file(&unfinished) {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                return Err(named(&unfinished, error));
            }
            Ok(()) | Err(_) => {}
        }
        open_engine(&unfinished, options)?.close()?;
        self.put_in_place(&unfinished, path)
            .map_err(|error| named(path, error))
    }

    fn put_in_place(&self, unfinished: &Path, path: &Path) -> io::Result<()> {
        File::open(unfinished)?.sync_all()?;
        fs::rename(unfinished, path)?;
        self.sync_names()
    }

    /// A sync of a file does not cover its name, which power loss could take away.
    fn sync_names(&self) -> io::Result<()> {
        File::open(&self.path)?.sync_all()
    }
}

/// Drops what the host's page cache holds of the file, so that it is read from the disk.
///
/// After a sync that failed, Linux keeps the pages that it could not write and takes them for written:
/// read from there, a commit looks whole of which the disk knows nothing, and everything that is built
/// on it is lost with the power.
fn forget_cached(path: &Path) -> io::Result<()> {
    let file = File::open(path)?;
    rustix::fs::fadvise(&file, 0, None, Advice::DontNeed)?;
    Ok(())
}

/// Whether there is nothing in the file: it is not there, or it is empty.
fn is_missing(path: &Path) -> io::Result<bool> {
    match fs::metadata(path) {
        Ok(metadata) => Ok(metadata.len() == 0),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(true),
        Err(error) => Err(error),
    }
}

fn open_engine(path: &Path, options: &EngineOptions) -> Result<Engine, Failure> {
    let file = open_file(path).map_err(|error| named(path, error))?;
    Engine::open_file(file, options).map_err(|failure| match failure {
        Failure::Storage(cause) => named(path, cause),
        other => other,
    })
}

fn open_file(path: &Path) -> io::Result<File> {
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
    Ok(file)
}

fn named(path: &Path, cause: impl Display) -> Failure {
    Failure::Storage(format!("{}: {cause}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const OPTIONS: EngineOptions = EngineOptions {
        cache_bytes: 1 << 20,
        two_phase_commit: false,
    };

    #[test]
    fn a_database_is_made_whatever_an_interrupted_start_left_behind() {
        let home = tempfile::tempdir().expect("a temporary directory");
        let directory = DataDirectory::lock(home.path()).expect("the directory is ours");
        fs::write(home.path().join(UNFINISHED), [0; 4_096]).expect("it is written");
        fs::write(directory.database_path(), []).expect("it is written");
        let engine = directory
            .open_database(&OPTIONS, Opening::Start, |_| Ok(()))
            .expect("it is made");
        engine.close().expect("it closes");
        assert!(!home.path().join(UNFINISHED).exists());
        let metadata = fs::metadata(directory.database_path()).expect("it is there");
        assert_eq!(metadata.permissions().mode() & 0o777, FILE_MODE);
        directory
            .open_database(&OPTIONS, Opening::Start, |_| Ok(()))
            .expect("it opens again");
    }

    #[test]
    fn no_empty_database_takes_the_place_of_one_with_history() {
        let home = tempfile::tempdir().expect("a temporary directory");
        let directory = DataDirectory::lock(home.path()).expect("the directory is ours");
        drop(
            directory
                .open_database(&OPTIONS, Opening::Start, |_| Ok(()))
                .expect("it is made"),
        );
        fs::write(directory.database_path(), []).expect("it is emptied");
        let refused = directory
            .open_database(&OPTIONS, Opening::Start, |_| Ok(()))
            .err();
        assert!(refused.is_some_and(|failure| failure.to_string().contains(MARKER)));
        fs::remove_file(directory.database_path()).expect("it was there");
        assert!(
            directory
                .open_database(&OPTIONS, Opening::Start, |_| Ok(()))
                .is_err()
        );
        assert!(!directory.database_path().exists());
        fs::remove_file(home.path().join(MARKER)).expect("it was there");
        directory
            .open_database(&OPTIONS, Opening::Start, |_| Ok(()))
            .expect("it is made anew");
    }

    #[test]
    fn what_is_no_database_is_left_alone() {
        let home = tempfile::tempdir().expect("a temporary directory");
        let directory = DataDirectory::lock(home.path()).expect("the directory is ours");
        fs::write(directory.database_path(), "something else").expect("it is written");
        assert!(
            directory
                .open_database(&OPTIONS, Opening::Start, |_| Ok(()))
                .is_err()
        );
        let kept = fs::read(directory.database_path()).expect("it is there");
        assert_eq!(kept, b"something else");
    }
}
