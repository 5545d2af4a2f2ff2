//! The storage floor: journaled tables of records in one embedded database file. It depends on no resource.
//!
//! [`Store`] is what the services see: [`Store::read`] runs a closure on a snapshot, [`Store::write`]
//! hands a closure to the one writer thread and answers after the commit that holds its effects is on
//! disk.

mod cache;
pub mod codec;
pub mod data_dir;
pub mod engine;
pub mod journal;
pub mod key_file;
mod library_panics;
pub mod new_file;
pub mod opening;
mod pace;
pub mod pages;
pub mod regular_file;
pub mod secret_text;
mod snapshots;
pub mod table;
pub mod transaction;
mod whole_file;
pub mod writer;

use std::future::Future;
use std::sync::Arc;
use std::time::Instant;

use tokio::sync::{Mutex, oneshot};

use crate::error::Failure;
use crate::storage::cache::rows::{Lookups, RowCache};
use crate::storage::engine::damage::DamagedPlace;
use crate::storage::engine::read::EngineRead;
use crate::storage::journal::journaled::Journaled;
use crate::storage::opening::Opener;
use crate::storage::pace::Pace;
use crate::storage::transaction::read_txn::ReadTxn;
use crate::storage::transaction::write_txn::WriteTxn;
use crate::storage::writer::metrics::WriterMetrics;
use crate::storage::writer::{WriterHandle, WriterLimits};

/// The database with its writer thread, shared by all readers and writers.
#[derive(Debug)]
pub struct Store {
    writer: WriterHandle,
    /// Held by the background work that writes, or waits until it may.
    background: Mutex<Pace>,
}

impl Store {
    /// Starts the writer thread, which opens the database with `opener`; rows of `tables` are journaled. Until
    /// the returned receiver reports that this succeeded, reads and writes are [`Failure::Unavailable`].
    ///
    /// # Errors
    ///
    /// [`Failure::Internal`] if the thread cannot be started.
    pub fn start(
        opener: Opener,
        tables: &'static [&'static dyn Journaled],
        limits: &WriterLimits,
    ) -> Result<(Self, oneshot::Receiver<Result<(), Failure>>), Failure> {
        let (writer, opened) = writer::spawn(opener, tables, limits)?;
        let background = Mutex::new(Pace::new(limits.background_pause_max));
        Ok((Self { writer, background }, opened))
    }

    /// Runs `look` on a snapshot of everything that was answered so far. It must be short: a snapshot keeps
    /// replaced pages from being used again.
    ///
    /// # Errors
    ///
    /// What `look` fails with, or why there is no snapshot.
    pub fn read<T>(&self, look: impl FnOnce(&ReadTxn) -> Result<T, Failure>) -> Result<T, Failure> {
        let snapshot = self.writer.published().snapshot()?;
        let outcome = look(&snapshot);
        if let Err(failure @ Failure::Storage(_)) = &outcome {
            self.withdraw(&snapshot, failure.clone());
        }
        outcome
    }

    /// Has the database closed because of `failure`, which no access has met, and opened again as soon as that
    /// succeeds.
    pub fn reopen(&self, failure: Failure) {
        if let Ok(snapshot) = self.writer.published().snapshot() {
            self.withdraw(&snapshot, failure);
        }
    }

    /// Has the database opened again because of `failure`, unless that is done already.
    fn withdraw(&self, snapshot: &Arc<ReadTxn>, failure: Failure) {
        if self.writer.published().withdraw(snapshot) {
            self.writer.report_read_failure(failure);
        }
    }

    /// Runs `work` inside the next write transaction; the returned future answers after the commit that holds
    /// its effects is on disk, and dropping it does not stop the work. `work` decides first and then writes,
    /// and returns its verdict; only a failure undoes what it wrote. It runs on the writer thread, so it must
    /// not wait for anything, and it may run again if another job of its batch spoiled the transaction.
    ///
    /// # Errors
    ///
    /// What `work` fails with. [`Failure::Overloaded`] and [`Failure::Unavailable`]: certainly not
    /// applied. [`Failure::Storage`]: applied or not, so a retry must be safe.
    pub fn write<T, W>(&self, work: W) -> impl Future<Output = Result<T, Failure>> + use<T, W>
    where
        T: Send + 'static,
        W: Fn(&WriteTxn) -> Result<T, Failure> + Send + 'static,
    {
        let submitted = self.writer.submit(work);
        async {
            // The writer drops a job only without having run it.
            submitted?.await.unwrap_or(Err(Failure::Unavailable))
        }
    }

    /// As [`Store::write`], for work that nobody waits for: it waits until the pause after the last such work is over,
    /// so that all of it together takes a small part of the writer's time while others write.
    ///
    /// # Errors
    ///
    /// As there.
    pub async fn write_in_background<T, W>(&self, work: W) -> Result<T, Failure>
    where
        T: Send + 'static,
        W: Fn(&WriteTxn) -> Result<T, Failure> + Send + 'static,
    {
        let mut pace = self.background.lock().await;
        pace.wait(|| self.commits()).await;
        let began = Instant::now();
        let written = self.write(work).await;
        pace.written(began.elapsed(), self.commits());
        written
    }

    /// What is known of parts of the database that cannot be read, while the rest is served.
    pub fn damage(&self) -> Vec<DamagedPlace> {
        let Ok(snapshot) = self.writer.published().snapshot() else {
            return Vec::new();
        };
        let damage = snapshot.file().damage();
        if let Some(failure) = damage.recovery() {
            self.withdraw(&snapshot, failure);
        }
        damage.places()
    }

    /// A snapshot of the file alone, which may be kept open for long: nothing is kept in memory for it, and the writer
    /// goes on. What is replaced meanwhile is not used again before it is dropped, so that the file grows. Waits for
    /// the writer, so that it must not be called by a task.
    ///
    /// # Errors
    ///
    /// [`Failure::Unavailable`] if the database is not open; [`Failure::Storage`].
    pub fn file_snapshot(&self) -> Result<EngineRead, Failure> {
        self.writer.file_snapshot()
    }

    /// Whether the database is open and no storage failure was seen.
    pub fn is_open(&self) -> bool {
        self.writer.published().is_open()
    }

    /// The number of commits since the start, without those that only applied what was journaled.
    pub fn commits(&self) -> u64 {
        self.writer.published().commits()
    }

    /// What the writer thread counts.
    pub fn metrics(&self) -> &WriterMetrics {
        self.writer.published().metrics()
    }

    /// How many writes wait in the queue, and how many may.
    pub fn queue_jobs(&self) -> (usize, usize) {
        self.writer.queue_jobs()
    }

    /// How often a row was looked for in memory, for each journaled table, since the database was opened.
    pub fn cache_lookups(&self) -> Vec<Lookups> {
        let Ok(snapshot) = self.writer.published().snapshot() else {
            return Vec::new();
        };
        snapshot
            .state()
            .rows
            .iter()
            .map(RowCache::lookups)
            .collect()
    }

    /// The size of the database's file in bytes.
    ///
    /// # Errors
    ///
    /// If the database is not open, or the file cannot be asked.
    pub fn file_bytes(&self) -> Result<u64, Failure> {
        self.writer.published().snapshot()?.file().file_bytes()
    }

    /// The number of times that a write had to open a table of its transaction, instead of reading from the
    /// snapshot of the last commit and the caches.
    pub fn job_opens(&self) -> u64 {
        self.writer.published().job_opens()
    }

    /// Lets the writer finish what is queued, closes the database and returns how that went. Nothing may be
    /// read or written afterwards.
    ///
    /// # Errors
    ///
    /// [`Failure::Storage`] if the database could not be closed cleanly.
    pub async fn close(&self) -> Result<(), Failure> {
        self.writer.close().await
    }
}
