//! The data directory: its lock, and the database file in it.

mod held;
mod in_place;
pub mod last_backup;
pub mod replacement;
pub mod secret_file;
pub mod stopped;
mod unfinished;

use std::fs::{self, DirBuilder, File, OpenOptions, Permissions, TryLockError};
use std::io::{self, ErrorKind};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{self, Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::error::{Failure, describe};
use crate::storage::data_dir::held::Held;
use crate::storage::engine::opening::Opening;
use crate::storage::engine::read::EngineRead;
use crate::storage::engine::{Engine, EngineOptions};
use crate::storage::library_panics::unreported;
use crate::storage::whole_file::WholeFile;
use crate::storage::{new_file, regular_file};

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

/// The bits of a mode by which the group and others may write.
const OTHERS_WRITE: u32 = 0o022;

/// A data directory, locked against other processes until this is dropped.
#[derive(Debug)]
pub struct DataDirectory {
    /// Absolute, so that messages are clear whatever the working directory.
    path: PathBuf,
    lock: File,
    /// What locking it created: the file of the lock, and directories, the innermost first.
    created: Vec<PathBuf>,
    /// Whether a database was created in it that is not finished yet.
    is_unfinished: AtomicBool,
    /// Whether the marker is of a database that is not finished yet, where there was none before.
    is_marked_early: AtomicBool,
    /// The database file that was opened last.
    held: Mutex<Option<Held>>,
}

impl DataDirectory {
    /// Creates the directory if it is missing, and locks it.
    ///
    /// # Errors
    ///
    /// [`Failure::Unusable`] if it cannot be created or locked, if others may write to it, and if another process has
    /// locked it.
    pub fn lock(path: &Path) -> Result<Self, Failure> {
        let locked = Self::try_lock(path)?;
        locked.ok_or_else(|| {
            let path = path::absolute(path).unwrap_or_else(|_| path.to_owned());
            Failure::unusable_file(&path, "it is in use by a server")
        })
    }

    /// The same; `None` if another process has locked it.
    ///
    /// # Errors
    ///
    /// As [`DataDirectory::lock`] otherwise.
    pub fn try_lock(path: &Path) -> Result<Option<Self>, Failure> {
        let path =
            path::absolute(path).map_err(|error| Failure::unusable_file(path, describe(&error)))?;
        let described = |error: io::Error| match error.kind() {
            ErrorKind::AlreadyExists => Failure::unusable_file(&path, "it is not a directory"),
            _ => Failure::unusable_file(&path, describe(&error)),
        };
        let lock_path = path.join(LOCK);
        let is_missing = |path: &&Path| !path.exists();
        let created = [lock_path.as_path()].into_iter().chain(path.ancestors());
        let created = created.take_while(is_missing).map(Path::to_owned).collect();
        DirBuilder::new()
            .recursive(true)
            .mode(DIRECTORY_MODE)
            .create(&path)
            .map_err(described)?;
        refuse_if_others_write(&path)?;
        let lock = regular_file::open_to_lock(&lock_path)
            .map_err(|error| Failure::unusable_file(&lock_path, describe(&error)))?;
        match lock.try_lock() {
            // A server whose start is refused removes the file that it has locked: a lock of that file excludes nobody.
            Ok(()) if !regular_file::is_at(&lock, &lock_path) => Ok(None),
            Ok(()) => Ok(Some(Self {
                path,
                lock,
                created,
                is_unfinished: AtomicBool::new(false),
                is_marked_early: AtomicBool::new(false),
                held: Mutex::default(),
            })),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(described(error)),
        }
    }

    /// The database file's path.
    pub fn database_path(&self) -> PathBuf {
        database_path(&self.path)
    }

    /// Whether there is a database.
    ///
    /// # Errors
    ///
    /// As [`holds_database`].
    pub fn has_database(&self) -> Result<bool, Failure> {
        holds_database(&self.path)
    }

    /// Opens the database. At a start, one that was closed cleanly is given to `check` before anything in it is
    /// changed.
    ///
    /// # Errors
    ///
    /// [`Failure::Unusable`] if the database file is missing or not accessible, [`Failure::Damaged`],
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
        if !self.has_database()? {
            return Err(Failure::unusable_file(&path, "it is missing or empty"));
        }
        if opening == Opening::Start {
            let file = File::open(&path).map_err(|error| Failure::of_access(&path, &error))?;
            unreported(|| Engine::look_into(file, check)).map_err(|failure| self.name(failure))?;
        }
        let engine = open_engine(&path, options, opening).map_err(|failure| self.name(failure))?;
        self.hold(&path, &engine)?;
        if !is_marked(&self.path)? {
            self.mark()?;
        }
        Ok(engine)
    }

    /// Creates an empty database. Until it is [finished](DataDirectory::finish) it has another name, so that a crash
    /// leaves either all of what a database begins with or no database.
    ///
    /// # Errors
    ///
    /// Of the storage.
    pub fn create_database(&self, options: &EngineOptions) -> Result<Engine, Failure> {
        self.remove_unfinished()?;
        self.is_unfinished.store(true, Ordering::Release);
        let engine = self.open_unfinished(options)?;
        self.hold(&self.unfinished_path(), &engine)?;
        // It is renamed while it is open.
        Ok(engine.named(self.database_path().display().to_string()))
    }

    /// Whether a database was created and is not finished.
    pub fn is_unfinished(&self) -> bool {
        self.is_unfinished.load(Ordering::Acquire)
    }

    /// Removes what was created, and the files `others` of a database that is not finished, if there is no database:
    /// nothing is left of a start that was refused.
    pub fn discard(&self, others: &[PathBuf]) {
        if !regular_file::is_at(&self.lock, &self.path.join(LOCK)) {
            return;
        }
        // While the unfinished file is there, it stays marked: no server may create an empty database in its place.
        if self.is_marked_early.load(Ordering::Acquire) && self.remove_unfinished().is_ok() {
            let _ = fs::remove_file(self.path.join(MARKER));
        }
        if !matches!(self.has_database(), Ok(false)) {
            return;
        }
        if self.is_unfinished() {
            for path in others.iter().chain([&self.unfinished_path()]) {
                // It may not have been created.
                let _ = fs::remove_file(path);
            }
        }
        for path in &self.created {
            // A directory with something else in it stays.
            let _ = fs::remove_file(path).or_else(|_| fs::remove_dir(path));
        }
    }

    /// The failure with the name of the database file before its cause.
    pub fn name(&self, failure: Failure) -> Failure {
        failure.of_file(&self.database_path().display().to_string())
    }

    /// Records durably, for later starts, that there is a database.
    fn mark(&self) -> Result<(), Failure> {
        let write = || self.prepare_marker()?.publish();
        write().map_err(|error| Failure::of_access(&self.path.join(MARKER), &error))
    }

    /// The same before the database is finished: it is taken back by [`DataDirectory::discard`] if it is not, unless
    /// there was one before.
    fn mark_early(&self) -> Result<(), Failure> {
        if matches!(self.has_database(), Ok(false)) {
            self.is_marked_early.store(true, Ordering::Release);
        }
        self.mark()
    }

    fn prepare_marker(&self) -> io::Result<WholeFile> {
        WholeFile::prepare(&self.path.join(MARKER), MARKER_TEXT.as_bytes())
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
    new_file::drop_cached_pages(&File::open(path)?)
}

/// The path of the database's file in the directory at `path`.
pub fn database_path(path: &Path) -> PathBuf {
    path.join(DATABASE)
}

/// Whether there is a database in the directory at `path`, which need not exist. A marker beside the file records that
/// there was one; nothing is created in its place then, because an empty database would log everyone out.
///
/// # Errors
///
/// [`Failure::Unusable`] if there was a database and its file is gone, and if that cannot be found out.
pub fn holds_database(path: &Path) -> Result<bool, Failure> {
    let path =
        path::absolute(path).map_err(|error| Failure::unusable_file(path, describe(&error)))?;
    let database = path.join(DATABASE);
    if !is_missing(&database).map_err(|error| Failure::of_access(&database, &error))? {
        return Ok(true);
    }
    if !is_marked(&path)? {
        return Ok(false);
    }
    Err(Failure::unusable_file(
        &database,
        format_args!(
            "it is missing or empty, but {MARKER} beside it shows that it held a database; restore it, or remove \
             {MARKER} to start over"
        ),
    ))
}

fn is_marked(directory: &Path) -> Result<bool, Failure> {
    let marker = directory.join(MARKER);
    marker
        .try_exists()
        .map_err(|error| Failure::of_access(&marker, &error))
}

/// Refuses a directory in which others could put a database, a key or a file of their own.
pub fn refuse_if_others_write(path: &Path) -> Result<(), Failure> {
    let metadata = fs::metadata(path).map_err(|error| Failure::of_access(path, &error))?;
    let mode = metadata.permissions().mode();
    if mode & OTHERS_WRITE == 0 {
        return Ok(());
    }
    let shown = path.display();
    Err(Failure::unusable_file(
        path,
        format_args!(
            "other users may write to it (mode {:03o}); mend that by \"chmod go-w {shown}\", or name a directory in it",
            mode & 0o777
        ),
    ))
}

/// Whether the file is missing or empty. What is there and is not a regular file is an error.
fn is_missing(path: &Path) -> io::Result<bool> {
    match fs::metadata(path) {
        Ok(metadata) => {
            regular_file::refuse_others(metadata.file_type())?;
            Ok(metadata.len() == 0)
        }
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(true),
        Err(error) => Err(error),
    }
}

fn open_engine(path: &Path, options: &EngineOptions, opening: Opening) -> Result<Engine, Failure> {
    let file = open_file(path).map_err(|error| Failure::of_access(path, &error))?;
    let engine = unreported(|| Engine::open_file(file, options, opening))?;
    Ok(engine.named(path.display().to_string()))
}

fn open_file(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options
        .create(true)
        .truncate(false)
        .read(true)
        .write(true)
        .mode(FILE_MODE);
    let file = regular_file::open_with(path, &mut options)?;
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

    fn open(directory: &DataDirectory) -> Result<Engine, Failure> {
        directory.open_database(&OPTIONS, Opening::Start, |_| Ok(()))
    }

    fn create(directory: &DataDirectory) {
        let engine = directory.create_database(&OPTIONS).expect("it is created");
        engine.close().expect("it closes");
        directory.finish().expect("it is finished");
    }

    fn names(directory: &Path) -> Vec<String> {
        let entries = fs::read_dir(directory).expect("a directory");
        let name = |entry: io::Result<fs::DirEntry>| entry.expect("an entry").file_name();
        let mut names: Vec<_> = entries
            .map(|entry| name(entry).to_string_lossy().into_owned())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn a_database_is_created_whatever_an_interrupted_start_left_behind() {
        let home = tempfile::tempdir().expect("a temporary directory");
        let directory = DataDirectory::lock(home.path()).expect("the directory is free");
        fs::write(home.path().join(UNFINISHED), [0; 4_096]).expect("it is written");
        fs::write(directory.database_path(), []).expect("it is written");
        create(&directory);
        let expected = [LOCK, MARKER, DATABASE].map(str::to_owned);
        assert_eq!(names(home.path()), expected);
        let metadata = fs::metadata(directory.database_path()).expect("it exists");
        assert_eq!(metadata.permissions().mode() & 0o777, FILE_MODE);
        open(&directory).expect("it opens");
    }

    #[test]
    fn a_database_that_is_not_finished_is_none_and_can_be_discarded() {
        let home = tempfile::tempdir().expect("a temporary directory");
        let path = home.path().join("deep").join("inside");
        let directory = DataDirectory::lock(&path).expect("the directory is free");
        let engine = directory.create_database(&OPTIONS).expect("it is created");
        fs::write(path.join("secret"), "x").expect("it is written");
        assert_eq!(directory.has_database(), Ok(false));
        assert!(open(&directory).is_err());
        drop(engine);
        directory.discard(&[path.join("secret")]);
        assert_eq!(names(home.path()), [""; 0]);

        let directory = DataDirectory::lock(&path).expect("the directory is free");
        create(&directory);
        directory.discard(&[]);
        open(&directory).expect("it opens");
    }

    #[test]
    fn a_database_that_is_gone_is_not_replaced_by_an_empty_one() {
        let home = tempfile::tempdir().expect("a temporary directory");
        let directory = DataDirectory::lock(home.path()).expect("the directory is free");
        create(&directory);
        fs::write(directory.database_path(), []).expect("it is emptied");
        let refused = directory.has_database().err();
        assert!(refused.is_some_and(|failure| failure.to_string().contains(MARKER)));
        fs::remove_file(directory.database_path()).expect("it existed");
        assert!(directory.has_database().is_err());
        assert!(open(&directory).is_err());
        assert!(!directory.database_path().exists());
        fs::remove_file(home.path().join(MARKER)).expect("it existed");
        assert_eq!(directory.has_database(), Ok(false));
    }

    #[test]
    fn a_directory_that_others_may_write_to_is_refused() {
        let home = tempfile::tempdir().expect("a temporary directory");
        for mode in [0o777, 0o770, 0o702, 0o1777] {
            fs::set_permissions(home.path(), Permissions::from_mode(mode)).expect("it is ours");
            let refused = DataDirectory::lock(home.path()).expect_err("others may write");
            let mend = format!("chmod go-w {}", home.path().display());
            assert!(refused.to_string().contains(&mend), "{refused}");
            assert_eq!(names(home.path()), [""; 0]);
        }
        fs::set_permissions(home.path(), Permissions::from_mode(0o755)).expect("it is ours");
        DataDirectory::lock(home.path()).expect("others may only read");
    }

    #[test]
    fn a_lock_whose_file_was_removed_is_none() {
        let home = tempfile::tempdir().expect("a temporary directory");
        let first = DataDirectory::lock(home.path()).expect("the directory is free");
        let lock = home.path().join(LOCK);
        assert!(regular_file::is_at(&first.lock, &lock));
        first.discard(&[]);
        assert!(!lock.exists());
        let second = DataDirectory::lock(home.path()).expect("the directory is free");
        assert!(
            !regular_file::is_at(&first.lock, &lock) && regular_file::is_at(&second.lock, &lock)
        );
    }

    #[test]
    fn a_directory_that_is_in_use_is_named_by_its_absolute_path() {
        let home = tempfile::tempdir().expect("a temporary directory");
        let _locked = DataDirectory::lock(home.path()).expect("the directory is free");
        let refused = DataDirectory::lock(home.path()).expect_err("it is locked");
        let path = home.path().display();
        let expected = format!("{path}: it is in use by a server");
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
        assert!(open(&directory).is_err());
        let kept = fs::read(directory.database_path()).expect("it exists");
        assert_eq!(kept, b"something else");
    }
}
