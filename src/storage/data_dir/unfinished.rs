//! A data directory whose database is being put together: a server can use it only once it is finished.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io::ErrorKind;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{self, Path, PathBuf};
use std::sync::atomic::Ordering;

use crate::error::{Failure, describe};
use crate::storage::data_dir::{DataDirectory, FILE_MODE, LOCK, MARKER, UNFINISHED, open_engine};
use crate::storage::engine::opening::Opening;
use crate::storage::engine::{Engine, EngineOptions};
use crate::storage::key_file::KEY_FILE;

/// What an attempt that was not finished leaves in a directory.
const LEFT_BEHIND: [&str; 5] = [
    UNFINISHED,
    MARKER,
    "rememberd.marker.unfinished",
    KEY_FILE,
    "rememberd.keys.unfinished",
];

impl DataDirectory {
    /// Creates the directory, or takes an empty one or one that an earlier attempt did not finish, and locks it.
    ///
    /// # Errors
    ///
    /// [`Failure::Unusable`] if there is something else in it; else as [`DataDirectory::lock`].
    pub fn lock_empty(path: &Path) -> Result<Self, Failure> {
        let absolute =
            path::absolute(path).map_err(|error| Failure::unusable_file(path, describe(&error)))?;
        let mut names = Vec::new();
        match fs::read_dir(&absolute) {
            Ok(entries) => {
                for entry in entries {
                    names.push(
                        entry
                            .map_err(|error| Failure::of_access(&absolute, &error))?
                            .file_name(),
                    );
                }
            }
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => return Err(Failure::of_access(&absolute, &error)),
        }
        let is_unfinished = names.iter().any(|name| name == UNFINISHED);
        let is_ours = |name: &OsString| {
            name == LOCK || is_unfinished && LEFT_BEHIND.iter().any(|ours| name == ours)
        };
        if !names.iter().all(is_ours) {
            let cause = "it is not empty; name a directory that does not exist yet";
            return Err(Failure::unusable_file(&absolute, cause));
        }
        Self::lock(path)
    }

    /// The directory's absolute path.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Where the database is until it is finished.
    pub fn unfinished_path(&self) -> PathBuf {
        self.path.join(UNFINISHED)
    }

    /// Creates an empty database that is not finished. Until it is, no server starts in this directory.
    ///
    /// # Errors
    ///
    /// Of the storage.
    pub fn create_unfinished(&self, options: &EngineOptions) -> Result<Engine, Failure> {
        self.remove_unfinished()?;
        let path = self.unfinished_path();
        let mut new = OpenOptions::new();
        let created = new.write(true).create_new(true).mode(FILE_MODE).open(&path);
        created.map_err(|error| Failure::of_access(&path, &error))?;
        self.mark_early()?;
        self.open_unfinished(options)
    }

    /// Opens the database that is not finished.
    ///
    /// # Errors
    ///
    /// Of the storage.
    pub fn open_unfinished(&self, options: &EngineOptions) -> Result<Engine, Failure> {
        let path = self.unfinished_path();
        let opened = open_engine(&path, options, Opening::Start).and_then(|engine| {
            engine.release()?;
            Ok(engine)
        });
        opened.map_err(|failure| failure.of_file(&path.display().to_string()))
    }

    /// Finishes the database durably, open or not: from now on it is there.
    ///
    /// # Errors
    ///
    /// Of the storage. The database is not there then, unless its name could not be made durable.
    pub fn finish(&self) -> Result<(), Failure> {
        let path = self.database_path();
        let rename = || {
            let unfinished = self.unfinished_path();
            File::open(&unfinished)?.sync_all()?;
            // It needs room on the disk, and must not be there before the database.
            let marker = self.prepare_marker()?;
            fs::rename(&unfinished, &path)?;
            self.is_unfinished.store(false, Ordering::Release);
            self.is_marked_early.store(false, Ordering::Release);
            self.sync_names()?;
            marker.publish()
        };
        rename().map_err(|error| Failure::of_access(&path, &error))
    }

    /// Removes what an earlier attempt left, if it did.
    ///
    /// # Errors
    ///
    /// As of an access to the file.
    pub fn remove_unfinished(&self) -> Result<(), Failure> {
        let path = self.unfinished_path();
        match fs::remove_file(&path) {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                Err(Failure::of_access(&path, &error))
            }
            Ok(()) | Err(_) => Ok(()),
        }
    }
}
