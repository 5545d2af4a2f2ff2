//! A database file that is put together outside of a data directory: it has its name once it is complete.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, ErrorKind};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{self, Path, PathBuf};

use rustix::fs::Advice;

use crate::error::{Failure, describe};
use crate::storage::engine::opening::Opening;
use crate::storage::engine::{Engine, EngineOptions};
use crate::storage::library_panics::unreported;
use crate::storage::regular_file;
use crate::storage::whole_file::{UNFINISHED, unfinished};

/// The mode of the file: it holds secrets, so only the owner may read it.
const FILE_MODE: u32 = 0o600;

/// A database file under an unfinished name. It is removed if it is not published.
#[derive(Debug)]
pub struct NewFile {
    path: PathBuf,
    unfinished: PathBuf,
    /// Locked for as long as the unfinished name is its own.
    file: File,
    replaces: bool,
    is_published: bool,
}

impl NewFile {
    /// Creates an empty file for the database that is to be at `path`. What an earlier attempt left is removed.
    ///
    /// # Errors
    ///
    /// [`Failure::Unusable`] if there is a file and it is not to be replaced, or another process writes one there;
    /// as of an access to the file. They name it.
    pub fn create(path: &Path, replaces: bool) -> Result<Self, Failure> {
        let path =
            path::absolute(path).map_err(|error| Failure::unusable_file(path, describe(&error)))?;
        refuse_existing(&path, replaces)?;
        let unfinished = unfinished(&path);
        let access = |error: io::Error| Failure::of_access(&unfinished, &error);
        if !remove_left(&unfinished)? {
            return Err(in_use(&unfinished));
        }
        let mut options = OpenOptions::new();
        options
            .create_new(true)
            .read(true)
            .write(true)
            .mode(FILE_MODE);
        let file = options.open(&unfinished).map_err(|error| {
            if error.kind() == ErrorKind::NotFound {
                Failure::unusable_file(&path, "there is no such directory")
            } else {
                access(error)
            }
        })?;
        let created = Self {
            path,
            unfinished,
            file,
            replaces,
            is_published: false,
        };
        created.lock()?;
        Ok(created)
    }

    /// Holds the lock that says that somebody writes the file. The library gives it back where it closes the database,
    /// so that until this is called again another process may take the name for a file of its own.
    fn lock(&self) -> Result<(), Failure> {
        match self.file.try_lock() {
            Ok(()) if regular_file::is_at(&self.file, &self.unfinished) => Ok(()),
            Ok(()) | Err(TryLockError::WouldBlock) => Err(in_use(&self.path)),
            Err(TryLockError::Error(error)) => Err(Failure::of_access(&self.unfinished, &error)),
        }
    }

    /// The path that it has until it is published.
    pub fn unfinished_path(&self) -> &Path {
        &self.unfinished
    }

    /// Opens the database in it. Closing it leaves what was committed in the file.
    ///
    /// # Errors
    ///
    /// [`Failure::Storage`].
    pub fn open(&self, options: &EngineOptions) -> Result<Engine, Failure> {
        let engine = self.open_deferred(options)?;
        engine.release()?;
        Ok(engine)
    }

    /// Syncs the file after the database in it was closed, and has what is read from now on come from the disk.
    ///
    /// # Errors
    ///
    /// As of an access to the file.
    pub fn sync(&self) -> Result<(), Failure> {
        self.lock()?;
        let synced = self
            .file
            .sync_all()
            .and_then(|()| drop_cached_pages(&self.file));
        synced.map_err(|error| Failure::of_access(&self.unfinished, &error))
    }

    /// Opens the database as a server does, without changing the file.
    ///
    /// # Errors
    ///
    /// Why a server could not open it.
    pub fn open_unchanged(&self, options: &EngineOptions) -> Result<(), Failure> {
        // What opening it changes is held back, and dropped.
        unreported(|| self.open_deferred(options)?.close())?;
        self.lock()
    }

    fn open_deferred(&self, options: &EngineOptions) -> Result<Engine, Failure> {
        let file = self
            .file
            .try_clone()
            .map_err(|error| Failure::of_access(&self.unfinished, &error))?;
        Engine::open_file(file, options, Opening::Start)
    }

    /// Gives it its name, durably.
    ///
    /// # Errors
    ///
    /// [`Failure::Unusable`] if there is a file by now and it is not to be replaced; as of an access to the file.
    pub fn publish(mut self) -> Result<(), Failure> {
        refuse_existing(&self.path, self.replaces)?;
        let rename = || {
            self.file.sync_all()?;
            fs::rename(&self.unfinished, &self.path)
        };
        rename().map_err(|error| Failure::of_access(&self.path, &error))?;
        self.is_published = true;
        // A sync of a file does not cover its name.
        let directory = self.path.parent().unwrap_or(Path::new("/"));
        File::open(directory)
            .and_then(|directory| directory.sync_all())
            .map_err(|error| Failure::of_access(directory, &error))
    }
}

impl Drop for NewFile {
    fn drop(&mut self) {
        // Under a name that was taken by another process is its file.
        if !self.is_published && self.lock().is_ok() {
            let _ = fs::remove_file(&self.unfinished);
        }
    }
}

/// Drops the pages of a file that are on the disk from the host's page cache.
///
/// # Errors
///
/// Those of the operating system.
pub fn drop_cached_pages(file: &File) -> io::Result<()> {
    rustix::fs::fadvise(file, 0, None, Advice::DontNeed)?;
    Ok(())
}

/// The names of all files in `directory`, as far as they are text.
///
/// # Errors
///
/// As of an access to the directory.
pub fn names_in(directory: &Path) -> Result<Vec<String>, Failure> {
    let list = || {
        let mut names = Vec::new();
        for entry in fs::read_dir(directory)? {
            names.extend(entry?.file_name().into_string().ok());
        }
        Ok(names)
    };
    list().map_err(|error| Failure::of_access(directory, &error))
}

/// Whether nothing is at `path`, and no file is being written that is to be there.
pub fn is_free(path: &Path) -> bool {
    let is_missing = |path: &Path| {
        fs::symlink_metadata(path).is_err_and(|error| error.kind() == ErrorKind::NotFound)
    };
    is_missing(path) && is_missing(&unfinished(path))
}

/// The name that a file under the unfinished name `name` is to have; `None` if that is none.
pub fn finished_name(name: &str) -> Option<&str> {
    name.strip_suffix(UNFINISHED)
}

/// Removes the file at `path`.
///
/// # Errors
///
/// As of an access to the file.
pub fn remove(path: &Path) -> Result<(), Failure> {
    fs::remove_file(path).map_err(|error| Failure::of_access(path, &error))
}

fn refuse_existing(path: &Path, replaces: bool) -> Result<(), Failure> {
    match fs::symlink_metadata(path) {
        Ok(_) if !replaces => Err(Failure::unusable_file(
            path,
            "there is such a file already; name another, or replace it with --force",
        )),
        Ok(found) if !found.is_file() => {
            Err(Failure::unusable_file(path, "it is not a regular file"))
        }
        Ok(_) => Ok(()),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        Err(error) => Err(Failure::of_access(path, &error)),
    }
}

/// Removes the file under an unfinished name that an attempt left which has ended, if it did. Returns `false` if
/// another process writes the file.
///
/// # Errors
///
/// As of an access to the file.
pub fn remove_left(unfinished: &Path) -> Result<bool, Failure> {
    let access = |error: io::Error| Failure::of_access(unfinished, &error);
    let left = match regular_file::open(unfinished) {
        Ok(left) => left,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(true),
        Err(error) => return Err(access(error)),
    };
    // Whoever writes it holds the lock until it has its name; the file that is locked may have got it meanwhile.
    match left.try_lock() {
        Ok(()) if regular_file::is_at(&left, unfinished) => {
            fs::remove_file(unfinished).map_err(access)?;
            Ok(true)
        }
        Ok(()) | Err(TryLockError::WouldBlock) => Ok(false),
        Err(TryLockError::Error(error)) => Err(access(error)),
    }
}

fn in_use(path: &Path) -> Failure {
    Failure::unusable_file(path, "another process is writing it")
}

#[cfg(test)]
mod tests {
    use super::*;

    const OPTIONS: EngineOptions = EngineOptions {
        cache_bytes: 1 << 20,
        two_phase_commit: false,
    };

    #[test]
    fn a_file_has_its_name_once_it_is_complete_and_replaces_none_by_itself() {
        let home = tempfile::tempdir().expect("a temporary directory");
        let path = home.path().join("copy.redb");
        let count = || fs::read_dir(home.path()).expect("a directory").count();
        fs::write(home.path().join("copy.redb.unfinished"), "left").expect("it is written");
        let file = NewFile::create(&path, false).expect("it is created");
        file.open(&OPTIONS)
            .expect("it opens")
            .close()
            .expect("it closes");
        file.sync().expect("it is synced");
        assert!(!path.exists());
        let second = NewFile::create(&path, false).expect_err("it is being written");
        assert!(second.to_string().contains("another process"), "{second}");
        file.publish().expect("it is renamed");
        assert!(path.exists() && count() == 1);
        assert!(NewFile::create(&path, false).is_err());
        drop(NewFile::create(&path, true).expect("it may be replaced"));
        assert!(path.exists() && count() == 1);
        let refused = NewFile::create(&home.path().join("no/file"), false);
        let refused = refused.expect_err("there is no directory").to_string();
        assert!(refused.contains("no such directory"), "{refused}");
    }

    #[test]
    fn a_name_that_another_took_while_the_file_was_not_locked_is_left_to_it() {
        let home = tempfile::tempdir().expect("a temporary directory");
        let path = home.path().join("copy.redb");
        let first = NewFile::create(&path, false).expect("it is created");
        let engine = first.open(&OPTIONS).expect("it opens");
        engine.close().expect("it closes, which unlocks it");
        let second = NewFile::create(&path, false).expect("the first is not locked");
        let engine = second.open(&OPTIONS).expect("it opens");
        let taken = first.sync().expect_err("the other one has the name");
        assert!(taken.to_string().contains("another process"), "{taken}");
        drop(first);
        engine.close().expect("it closes");
        let taken = second.sync();
        taken
            .and_then(|()| second.publish())
            .expect("it is its own");
        assert!(path.exists());
    }
}
