//! The data directory: its lock, and the database file in it.

pub mod stopped;
mod unfinished;

use std::fs::{self, DirBuilder, File, OpenOptions, Permissions, TryLockError};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{self, Path, PathBuf};

use rustix::fs::Advice;

use crate::error::{Failure, describe};
use crate::storage::engine::read::EngineRead;
use crate::storage::engine::{Engine, EngineOptions};
use crate::storage::opening::Opening;

/// The database file's name.
const DATABASE: &str = "rememberd.redb";

/// The name of a database file that is being created.
const UNFINISHED: &str = "rememberd.redb.unfinished";

/// The name of the file that records that there was a database, even if the database file is gone.
const MARKER: &str = "rememberd.marker";

/// The text in the marker, for the person who opens it.
const MARKER_TEXT: &str = "The database beside this file holds persistent logins.\n\
     rememberd does not replace it by an empty one. To start over, remove this file too.\n";

/// The name of the file that is locked while the directory is in use.
const LOCK: &str = "rememberd.lock";

/// The mode of every file: they hold secrets, so only the owner may read them.
const FILE_MODE: u32 = 0o600;

/// The mode of a directory that is created.
const DIRECTORY_MODE: u32 = 0o700;

/// A data directory, locked against other processes until this is dropped.
#[derive(Debug)]
pub struct DataDirectory {
    /// Absolute, so that messages are clear whatever the working directory.
    path: PathBuf,
    _lock: File,
}

impl DataDirectory {
    /// Creates the directory if it is missing, and locks it.
    ///
    /// # Errors
    ///
    /// [`Failure::Unusable`] if it cannot be created or locked, and if another process has locked it.
    pub fn lock(path: &Path) -> Result<Self, Failure> {
        let path =
            path::absolute(path).map_err(|error| Failure::unusable_file(path, describe(&error)))?;
        let described = |error: io::Error| match error.kind() {
            ErrorKind::AlreadyExists => Failure::unusable_file(&path, "it is not a directory"),
            _ => Failure::unusable_file(&path, describe(&error)),
        };
        DirBuilder::new()
            .recursive(true)
            .mode(DIRECTORY_MODE)
            .create(&path)
            .map_err(described)?;
        let lock = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .mode(FILE_MODE)
            .open(path.join(LOCK))
            .map_err(described)?;
        match lock.try_lock() {
            Ok(()) => Ok(Self { path, _lock: lock }),
            Err(TryLockError::WouldBlock) => Err(Failure::unusable_file(
                &path,
                "it is in use by another server",
            )),
            Err(TryLockError::Error(error)) => Err(described(error)),
        }
    }

    /// The database file's path.
    pub fn database_path(&self) -> PathBuf {
        self.path.join(DATABASE)
    }

    /// Opens the database, or creates it if there never was one. A marker beside the file records that there was
    /// one; nothing is created in its place then, because an empty database would log everyone out. At a start,
    /// a database that was closed cleanly is given to `check` before anything in it is changed.
    ///
    /// # Errors
    ///
    /// [`Failure::Unusable`] if the database file is gone or not accessible, [`Failure::Damaged`],
    /// [`Failure::Storage`] for what may pass, and what `check` fails with. They name the file.
    pub fn open_database(
        &self,
        options: &EngineOptions,
        opening: Opening,
        check: impl FnOnce(&EngineRead) -> Result<(), Failure>,
    ) -> Result<Engine, Failure> {
        let path = self.database_path();
        if opening == Opening::AfterFailure {
            drop_cached_pages(&path).map_err(|error| Failure::of_access(&path, &error))?;
        }
        let marker = self.path.join(MARKER);
        let is_marked = marker
            .try_exists()
            .map_err(|error| Failure::of_access(&marker, &error))?;
        if is_missing(&path).map_err(|error| Failure::of_access(&path, &error))? {
            if is_marked {
                return Err(Failure::unusable_file(
                    &path,
                    format_args!(
                        "it is missing or empty, but {MARKER} beside it shows that it held a database; restore \
                         it, or remove {MARKER} to start over"
                    ),
                ));
            }
            self.create_database(options)?;
        } else if opening == Opening::Start {
            let file = File::open(&path).map_err(|error| Failure::of_access(&path, &error))?;
            Engine::look_into(file, check).map_err(|failure| self.name(failure))?;
        }
        let engine = open_engine(&path, options).map_err(|failure| self.name(failure))?;
        if !is_marked {
            self.mark()?;
        }
        Ok(engine)
    }

    /// The failure with the name of the database file before its cause.
    pub fn name(&self, failure: Failure) -> Failure {
        failure.of_file(&self.database_path().display().to_string())
    }

    /// Records durably, for later starts, that there is a database.
    fn mark(&self) -> Result<(), Failure> {
        let marker = self.path.join(MARKER);
        let write = || {
            let mut file = OpenOptions::new()
                .create(true)
                .truncate(true)
                .write(true)
                .mode(FILE_MODE)
                .open(&marker)?;
            file.write_all(MARKER_TEXT.as_bytes())?;
            file.sync_all()?;
            self.sync_names()
        };
        write().map_err(|error| Failure::of_access(&marker, &error))
    }

    /// Creates an empty database under another name and renames it when it is complete: a crash in between must
    /// not leave a file behind that is neither empty nor a database.
    fn create_database(&self, options: &EngineOptions) -> Result<(), Failure> {
        self.remove_unfinished()?;
        self.open_unfinished(options)?.close()?;
        self.finish()
    }

    /// Syncs the directory: a sync of a file does not cover its name, which a power loss could undo.
    fn sync_names(&self) -> io::Result<()> {
        File::open(&self.path)?.sync_all()
    }
}

/// Drops the file's pages from the host's page cache, so that they are read from the disk.
///
/// After a sync that failed, Linux keeps the pages that it could not write and marks them as written. Read
/// from the cache, a commit would look complete that is not on the disk, and everything that is built on it
/// would be lost at the next power loss.
fn drop_cached_pages(path: &Path) -> io::Result<()> {
    let file = File::open(path)?;
    rustix::fs::fadvise(&file, 0, None, Advice::DontNeed)?;
    Ok(())
}

/// Whether the file is missing or empty.
fn is_missing(path: &Path) -> io::Result<bool> {
    match fs::metadata(path) {
        Ok(metadata) => Ok(metadata.len() == 0),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(true),
        Err(error) => Err(error),
    }
}

fn open_engine(path: &Path, options: &EngineOptions) -> Result<Engine, Failure> {
    let file = open_file(path).map_err(|error| Failure::of_access(path, &error))?;
    let engine = Engine::open_file(file, options)?;
    Ok(engine.named(path.display().to_string()))
}

fn open_file(path: &Path) -> io::Result<File> {
    let file = OpenOptions::new()
        .create(true)
        .truncate(false)
        .read(true)
        .write(true)
        .mode(FILE_MODE)
        .open(path)?;
    // A file that was restored from a copy may have any mode.
    if file.metadata()?.permissions().mode() & 0o777 != FILE_MODE {
        fs::set_permissions(path, Permissions::from_mode(FILE_MODE))?;
    }
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    const OPTIONS: EngineOptions = EngineOptions {
        cache_bytes: 1 << 20,
        two_phase_commit: false,
    };

    #[test]
    fn a_database_is_created_whatever_an_interrupted_start_left_behind() {
        let home = tempfile::tempdir().expect("a temporary directory");
        let directory = DataDirectory::lock(home.path()).expect("the directory is free");
        fs::write(home.path().join(UNFINISHED), [0; 4_096]).expect("it is written");
        fs::write(directory.database_path(), []).expect("it is written");
        let engine = directory
            .open_database(&OPTIONS, Opening::Start, |_| Ok(()))
            .expect("it is created");
        engine.close().expect("it closes");
        assert!(!home.path().join(UNFINISHED).exists());
        let metadata = fs::metadata(directory.database_path()).expect("it exists");
        assert_eq!(metadata.permissions().mode() & 0o777, FILE_MODE);
        directory
            .open_database(&OPTIONS, Opening::Start, |_| Ok(()))
            .expect("it opens again");
    }

    #[test]
    fn a_database_that_is_gone_is_not_replaced_by_an_empty_one() {
        let home = tempfile::tempdir().expect("a temporary directory");
        let directory = DataDirectory::lock(home.path()).expect("the directory is free");
        drop(
            directory
                .open_database(&OPTIONS, Opening::Start, |_| Ok(()))
                .expect("it is created"),
        );
        fs::write(directory.database_path(), []).expect("it is emptied");
        let refused = directory
            .open_database(&OPTIONS, Opening::Start, |_| Ok(()))
            .err();
        assert!(refused.is_some_and(|failure| failure.to_string().contains(MARKER)));
        fs::remove_file(directory.database_path()).expect("it existed");
        assert!(
            directory
                .open_database(&OPTIONS, Opening::Start, |_| Ok(()))
                .is_err()
        );
        assert!(!directory.database_path().exists());
        fs::remove_file(home.path().join(MARKER)).expect("it existed");
        directory
            .open_database(&OPTIONS, Opening::Start, |_| Ok(()))
            .expect("it is created again");
    }

    #[test]
    fn a_directory_that_is_in_use_is_named_by_its_absolute_path() {
        let home = tempfile::tempdir().expect("a temporary directory");
        let _locked = DataDirectory::lock(home.path()).expect("the directory is free");
        let refused = DataDirectory::lock(home.path()).expect_err("it is locked");
        let path = home.path().display();
        let expected = format!("{path}: it is in use by another server");
        assert_eq!(refused.to_string(), expected);
        let file = home.path().join("file");
        fs::write(&file, []).expect("it is written");
        let refused = DataDirectory::lock(&file).expect_err("it is no directory");
        assert_eq!(
            refused.to_string(),
            format!("{path}/file: it is not a directory")
        );
    }

    #[test]
    fn a_file_that_is_not_a_database_is_not_changed() {
        let home = tempfile::tempdir().expect("a temporary directory");
        let directory = DataDirectory::lock(home.path()).expect("the directory is free");
        fs::write(directory.database_path(), "something else").expect("it is written");
        assert!(
            directory
                .open_database(&OPTIONS, Opening::Start, |_| Ok(()))
                .is_err()
        );
        let kept = fs::read(directory.database_path()).expect("it exists");
        assert_eq!(kept, b"something else");
    }
}
