//! Parts of the file that cannot be read, while the rest is served.
//!
//! Two things can be wrong with a page: the disk returns an error for it, or it returns other bytes than were
//! written. After one error the database's library refuses everything, a clean close included, and the repair at the
//! next open reads every page. So an error within a [`guard`] never gets to the library: the backend returns bytes that
//! no page begins with, the library panics over them or reports them, as it does over most pages that were overwritten,
//! and the guard turns that into the failure of one read. Outside of a guard, which is where the library opens, commits
//! and closes, errors are what they are.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use redb::StorageBackend;

use crate::error::Failure;
use crate::storage::engine::guarded_file::{self, FileRange, GuardedFile};

/// What is reported as the table where none is known.
pub(super) const ALL_TABLES: &str = "of any kind";

/// How many damaged places are remembered and logged; a disk that has more is not worth a longer list.
const PLACES_MAX: usize = 64;

/// How often it is tried, at most, whether bytes that could not be read can be read again.
const RETRY_PAUSE: Duration = Duration::from_secs(1);

/// A part of the database that cannot be read.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct DamagedPlace {
    /// The table in which it was met.
    pub table: &'static str,
    /// The bytes for which the disk returned an error; `None` if it returned wrong ones, whose place is not known.
    pub range: Option<FileRange>,
}

impl fmt::Display for DamagedPlace {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let table = self.table;
        match self.range {
            Some(FileRange { offset, length }) => write!(
                formatter,
                "table {table}: {length} bytes at offset {offset} of the file cannot be read"
            ),
            None => write!(formatter, "table {table}: a page is not what was written"),
        }
    }
}

/// The file of a database, and which parts of it are known to be damaged. Clones are the same.
#[derive(Clone, Debug)]
pub struct Damage(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    file: Arc<dyn StorageBackend>,
    is_known: AtomicBool,
    places: Mutex<Places>,
}

#[derive(Default, Debug)]
struct Places {
    found: Vec<DamagedPlace>,
    last_retry: Option<Instant>,
}

impl Damage {
    /// None is known of this file.
    pub fn new(file: impl StorageBackend) -> Self {
        Self(Arc::new(Inner {
            file: Arc::new(file),
            is_known: AtomicBool::new(false),
            places: Mutex::default(),
        }))
    }

    /// The file itself.
    pub(super) fn file(&self) -> Arc<dyn StorageBackend> {
        Arc::clone(&self.0.file)
    }

    /// The file as the library uses it.
    pub(super) fn backend(&self) -> GuardedFile {
        GuardedFile::new(Arc::clone(&self.0.file))
    }

    /// Whether any is known.
    pub fn is_known(&self) -> bool {
        self.0.is_known.load(Ordering::Relaxed)
    }

    /// Whether any is known in this table.
    pub(super) fn is_known_in(&self, table: &str) -> bool {
        self.is_known() && self.lock().found.iter().any(|place| place.table == table)
    }

    /// What is known, at most a few dozens of places.
    pub fn places(&self) -> Vec<DamagedPlace> {
        if self.is_known() {
            self.lock().found.clone()
        } else {
            Vec::new()
        }
    }

    /// The failure with which the database is to be opened again, if what could not be read can be read by now.
    pub fn recovery(&self) -> Option<Failure> {
        let is_over = self.is_known() && self.lock().can_be_read_again(&*self.0.file);
        is_over.then(readable_again)
    }

    /// Remembers and logs that something in `table` is not what was written. Returns the failure of the read that
    /// met it.
    pub(super) fn report(&self, table: &'static str) -> Failure {
        self.found(table, None)
    }

    fn found(&self, table: &'static str, range: Option<FileRange>) -> Failure {
        let mut places = self.lock();
        if range.is_none() && places.can_be_read_again(&*self.0.file) {
            return readable_again();
        }
        // A page that could not be read is met again where it is cached: that is no other place.
        let is_same = |place: &&DamagedPlace| {
            place.table == table && (place.range == range || range.is_none())
        };
        let place = match places.found.iter().find(is_same) {
            Some(place) => place.clone(),
            None => {
                let place = DamagedPlace { table, range };
                if places.found.len() < PLACES_MAX {
                    tracing::error!(
                        %place,
                        "a part of the database cannot be read; the rest is served"
                    );
                    places.found.push(place.clone());
                }
                place
            }
        };
        self.0.is_known.store(true, Ordering::Relaxed);
        Failure::Unreadable(place.to_string())
    }

    fn lock(&self) -> MutexGuard<'_, Places> {
        self.0.places.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The library may have what it got instead in its cache, which an open empties.
fn readable_again() -> Failure {
    Failure::Storage("what could not be read of the file can be read again".to_owned())
}

impl Places {
    /// Whether all for which the disk returned an error can be read now; not tried more often than it may be.
    fn can_be_read_again(&mut self, file: &dyn StorageBackend) -> bool {
        let mut ranges = self.found.iter().filter_map(|place| place.range).peekable();
        let is_early = |last: Instant| last.elapsed() < RETRY_PAUSE;
        if ranges.peek().is_none() || self.last_retry.is_some_and(is_early) {
            return false;
        }
        self.last_retry = Some(Instant::now());
        ranges.all(|FileRange { offset, length }| file.read(offset, &mut vec![0; length]).is_ok())
    }
}

/// Runs a call of the library that reads pages of `table`. It may panic over what is on the disk.
///
/// # Errors
///
/// [`Failure::Unreadable`] if it met something that cannot be read; what `call` fails with.
pub(super) fn guard<T>(
    damage: &Damage,
    table: &'static str,
    call: impl FnOnce() -> Result<T, Failure>,
) -> Result<T, Failure> {
    let (outcome, unreadable) = guarded_file::run(|| catch_unwind(AssertUnwindSafe(call)));
    match (outcome, unreadable) {
        (_, Some(range)) => Err(damage.found(table, Some(range))),
        (Err(_), None) | (Ok(Err(Failure::Unreadable(_))), None) => Err(damage.report(table)),
        (Ok(outcome), None) => outcome,
    }
}
