//! Notices that the database or the key file is removed, moved or replaced while the server runs. What the next start
//! would fail with fails at once then, while it can be mended, instead of being lost.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use crate::app::{App, Keys};
use crate::error::Failure;
use crate::storage::data_dir::DataDirectory;
use crate::storage::key_file::KeyFile;

/// How often it is looked: a few system calls each time.
const INTERVAL: Duration = Duration::from_secs(1);

/// The files that a server needs to stay where they are.
pub struct WatchedFiles {
    directory: Arc<DataDirectory>,
    key_file: PathBuf,
    keys: Mutex<Option<KnownKeys>>,
    is_displaced: AtomicBool,
}

/// The keys at the start, and the file in which they were found last.
struct KnownKeys {
    keys: KeyFile,
    stamp: Stamp,
    /// Those that the server uses: an operator can drop one.
    used: Keys,
}

/// What changes with a file: its device and number, its length, and when it was changed.
type Stamp = (u64, u64, u64, i64, i64);

/// A thread that looks after the files, until this is dropped.
pub struct Watch {
    _running: Sender<()>,
}

impl WatchedFiles {
    /// The database in `directory`, and the key file at an absolute path.
    pub fn new(directory: Arc<DataDirectory>, key_file: PathBuf) -> Self {
        Self {
            directory,
            key_file,
            keys: Mutex::default(),
            is_displaced: AtomicBool::default(),
        }
    }

    /// Checks that the files are where they were.
    ///
    /// # Errors
    ///
    /// [`Failure::Unusable`] with the file and what to do.
    pub fn check(&self) -> Result<(), Failure> {
        let checked = self
            .directory
            .check_in_place()
            .and_then(|()| self.check_keys());
        self.is_displaced.store(checked.is_err(), Ordering::Relaxed);
        checked
    }

    /// As [`WatchedFiles::check`], if the last one failed. A database that failed in another way may be restored from a
    /// backup, as another file.
    ///
    /// # Errors
    ///
    /// As there.
    pub fn check_again(&self) -> Result<(), Failure> {
        if self.is_displaced.load(Ordering::Relaxed) {
            self.check()
        } else {
            Ok(())
        }
    }

    /// Watches the files from now on, and has the database closed once they are not in place, and opened again once
    /// they are.
    ///
    /// # Errors
    ///
    /// If the key file cannot be read, or the thread cannot be started.
    pub fn watch(self: &Arc<Self>, app: &Arc<App>) -> Result<Watch, Failure> {
        let known = KnownKeys {
            stamp: self.stamp()?,
            keys: KeyFile::look_at(&self.key_file)?,
            used: app.keys.clone(),
        };
        *self.keys.lock().unwrap_or_else(PoisonError::into_inner) = Some(known);
        let (running, stopped) = channel();
        let (files, app) = (Arc::clone(self), Arc::downgrade(app));
        let look = move || {
            while stopped.recv_timeout(INTERVAL) == Err(RecvTimeoutError::Timeout) {
                let Some(app) = app.upgrade() else {
                    return;
                };
                if app.store.is_open()
                    && let Err(failure) = files.check()
                {
                    app.store.reopen(failure);
                }
            }
        };
        // Of its own, because a look at a disk that hangs hangs too.
        let started = thread::Builder::new().name("watch".to_owned()).spawn(look);
        started.map_err(|error| {
            Failure::Internal(format!(
                "cannot start the thread that watches files: {error}"
            ))
        })?;
        Ok(Watch { _running: running })
    }

    fn check_keys(&self) -> Result<(), Failure> {
        let mut known = self.keys.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(known) = &mut *known else {
            return Ok(());
        };
        let stamp = self.stamp()?;
        if stamp == known.stamp {
            return Ok(());
        }
        let found = KeyFile::look_at(&self.key_file)?;
        let used = Arc::clone(known.used.get()?);
        known.keys.retain(|number| used.get(number).is_some());
        if !found.has_all(&known.keys) {
            return Err(Failure::unusable_file(
                &self.key_file,
                "it was replaced while the server was running, and lacks a key that the server uses; put the \
                 former one back",
            ));
        }
        known.keys = found;
        known.stamp = stamp;
        Ok(())
    }

    fn stamp(&self) -> Result<Stamp, Failure> {
        let metadata = fs::metadata(&self.key_file).map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => Failure::unusable_file(
                &self.key_file,
                "it was removed or moved while the server was running; put it back",
            ),
            _ => Failure::of_access(&self.key_file, &error),
        })?;
        Ok((
            metadata.dev(),
            metadata.ino(),
            metadata.len(),
            metadata.ctime(),
            metadata.ctime_nsec(),
        ))
    }
}
