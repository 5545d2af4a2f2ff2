//! Makes a backup, on a thread of its own.

use std::path::{self, PathBuf};
use std::sync::Arc;
use std::thread;
use std::time::Instant;

use crate::app::App;
use crate::audit::event::Event;
use crate::audit::subject::Subject;
use crate::clock::Timestamp;
use crate::error::Failure;
use crate::service::backup::pace::Pace;
use crate::service::backup::refusal::BackupRefusal;
use crate::service::context::OpContext;
use crate::service::error::Error;
use crate::storage::Store;
use crate::storage::data_dir::last_backup;
use crate::storage::engine::open_table::guarded;
use crate::storage::key_file::{KEY_FILE, KeyFile};
use crate::storage::new_file::NewFile;
use crate::storage::regular_file;
use crate::tables::backup::source::Source;
use crate::tables::backup::status::{Backups, Made, Stage};
use crate::tables::backup::target::refuse_own_files;
use crate::tables::backup::{finish, write};
use crate::tables::meta;

/// Below others, so that those who wait for a response have the processors first.
const NICE: i32 = 10;

/// Begins a backup that the local operator asks for in `file`, which it may replace if `replaces`. Returns its number
/// in [`App::backups`], where its outcome will be.
///
/// # Errors
///
/// See [`BackupRefusal`]; [`Failure::Internal`] if no thread can be started.
pub fn start(app: &App, file: PathBuf, replaces: bool) -> Result<u64, Error<BackupRefusal>> {
    start_as(&OpContext::as_local_operator(app), app, file, replaces)
}

/// Begins a backup by schedule in `file`, which must not be there. Returns its number, as [`start`].
///
/// # Errors
///
/// As there.
pub fn start_scheduled(app: &App, file: PathBuf) -> Result<u64, Error<BackupRefusal>> {
    start_as(&OpContext::as_system(app), app, file, false)
}

fn start_as(
    context: &OpContext,
    app: &App,
    file: PathBuf,
    replaces: bool,
) -> Result<u64, Error<BackupRefusal>> {
    if !file.is_absolute() {
        return Err(BackupRefusal::RelativePath.into());
    }
    let data_dir = data_dir(app);
    let key_file = app.config.data.key_file.clone();
    let work = Work {
        store: Arc::clone(&app.store),
        backups: Arc::clone(&app.backups),
        key_file: key_file.unwrap_or_else(|| data_dir.join(KEY_FILE)),
        data_dir,
        file: file.clone(),
        replaces,
        time: context.now.time(),
    };
    let subject = Subject::Backup(file.display().to_string());
    let number = app.backups.begin(file).ok_or(BackupRefusal::Busy)?;
    let backups = Arc::clone(&app.backups);
    let started = thread::Builder::new()
        .name("backup".to_owned())
        .spawn(move || work.run());
    if let Err(error) = started {
        let failure = Failure::Internal(format!("cannot start the backup thread: {error}"));
        backups.end(Err(failure.clone()));
        return Err(failure.into());
    }
    context.record_subject_now(Event::Backup, &subject);
    Ok(number)
}

/// The data directory, as backups name it.
fn data_dir(app: &App) -> PathBuf {
    let data_dir = &app.config.data.data_dir;
    path::absolute(data_dir).unwrap_or_else(|_| data_dir.clone())
}

/// The database that backups of this server are of; `None` while it has no key of fingerprints yet.
///
/// # Errors
///
/// Of the storage.
pub fn source(app: &App) -> Result<Option<Source>, Failure> {
    let key = app.store.read(meta::fingerprint_key)?;
    Ok(key.map(|key| Source::new(&data_dir(app), key)))
}

/// Loads when the last good backup was begun, which may be before this process was started. A time in the future, of a
/// clock that was wrong, is ignored.
pub fn load_last(app: &App) {
    let now = app.clock.now().time();
    if let Some(time) = last_backup::read(&data_dir(app)).filter(|time| *time <= now) {
        app.backups.note_good(time);
    }
}

struct Work {
    store: Arc<Store>,
    backups: Arc<Backups>,
    data_dir: PathBuf,
    key_file: PathBuf,
    file: PathBuf,
    replaces: bool,
    time: Timestamp,
}

impl Work {
    fn run(self) {
        lower_priority();
        let made = guarded(|| self.make());
        let file = self.file.display();
        match &made {
            Ok(made) => {
                let Made {
                    entries,
                    bytes,
                    millis,
                    ..
                } = *made;
                tracing::info!(%file, entries, bytes, millis, "a backup was made");
                for number in &made.missing_keys {
                    let path = made.key_file.display();
                    tracing::warn!(%file, number, %path, "a key that logins in the backup need is missing");
                }
                if let Err(failure) = last_backup::save(&self.data_dir, made.time) {
                    tracing::warn!(%failure, "the time of the backup cannot be saved for the next start");
                }
            }
            Err(failure) => tracing::warn!(%file, %failure, "a backup failed"),
        }
        self.backups.end(made);
    }

    fn make(&self) -> Result<Made, Failure> {
        let began = Instant::now();
        refuse_own_files(&self.file, &self.data_dir, &self.key_file)?;
        let file = NewFile::create(&self.file, self.replaces)?;
        let of_file = |failure: Failure| failure.of_file(&self.file.display().to_string());
        let mut pace = Pace::new(&self.store);
        let snapshot = self.store.file_snapshot()?;
        // A key is in the file before logins need it: so it has all that those in the snapshot need.
        let keys = KeyFile::look_at(&self.key_file)?;
        let is_within = regular_file::is_within(keys.path(), &self.data_dir);
        let has_keys = is_within && !keys.keys().is_empty();
        let mut proceed = |table: &str, done: u64, of: u64| {
            // While the snapshot is open, the database cannot be closed and opened again.
            if !self.store.is_open() {
                return Err(Failure::Unavailable);
            }
            pace.step();
            self.backups.proceed(Stage::Copying, table, done, of)
        };
        let included = has_keys.then_some(&keys);
        write(
            &snapshot,
            &file,
            self.time,
            &self.data_dir,
            included,
            &mut proceed,
        )
        .map_err(of_file)?;
        // What it has kept from being used again is free.
        drop(snapshot);
        let mut proceed = |table: &str, done: u64, of: u64| {
            pace.step();
            self.backups.proceed(Stage::Verifying, table, done, of)
        };
        let verified = finish(file, &mut proceed).map_err(of_file)?;
        let bytes = regular_file::length(&self.file).unwrap_or(0);
        Ok(Made {
            time: self.time,
            entries: verified.entries(),
            bytes,
            millis: u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX),
            missing_keys: verified.missing_keys(&keys),
            key_file: keys.path().to_owned(),
            has_keys,
        })
    }
}

/// Lowers the priority of this thread. Without that, the backup is made all the same.
fn lower_priority() {
    // Elsewhere the priority is that of the process.
    if cfg!(target_os = "linux") {
        let _ = rustix::process::setpriority_process(None, NICE);
    }
}
