//! The storage floor: tables of records in one embedded database file.
//!
//! [`Store`] is what the services see: [`Store::read`] runs a closure on a snapshot, [`Store::write`]
//! hands a closure to the one writer thread and answers after the commit that holds its effects is on
//! disk.

pub mod cache;
pub mod codec;
pub mod data_dir;
pub mod engine;
pub mod journal;
pub mod memo;
pub mod rotated;
pub mod seen;
pub mod snapshots;
pub mod writer;

use std::future::Future;
use std::sync::Arc;

use tokio::sync::{mpsc, oneshot};

use crate::config::Config;
use crate::error::Failure;
use crate::storage::engine::Engine;
use crate::storage::engine::read_txn::ReadTxn;
use crate::storage::engine::write_txn::WriteTxn;
use crate::storage::journal::JournalLimits;
use crate::storage::writer::{Message, Pending, Shared};

/// Opens the database; called by the writer thread, which may block.
pub type Opener = Box<dyn FnMut(Opening) -> Result<Engine, Failure> + Send>;

/// Why the database is being opened.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Opening {
    /// The server starts.
    Start,
    /// The storage failed, so that what the host remembers of the file may not be what is on the disk.
    AfterFailure,
}

/// How much the writer takes on.
#[derive(Clone, Debug)]
pub struct WriterLimits {
    /// How many jobs may wait; one more is refused as [`Failure::Overloaded`].
    pub queue_jobs_max: usize,
    /// How many jobs one commit may hold.
    pub batch_jobs_max: usize,
    /// How rotations are journaled.
    pub journal: JournalLimits,
}

impl WriterLimits {
    /// The limits that the settings ask for.
    pub fn new(config: &Config) -> Self {
        Self {
            queue_jobs_max: config.queue_jobs_max.get(),
            batch_jobs_max: config.batch_jobs_max.get(),
            journal: JournalLimits::new(config),
        }
    }
}

/// The database with its writer thread, shared by everyone who reads or writes.
#[derive(Debug)]
pub struct Store {
    shared: Arc<Shared>,
    queue: mpsc::Sender<Message>,
}

impl Store {
    /// Starts the writer thread, which opens the database with `opener`. Until the returned receiver
    /// tells that this went well, reads and writes are [`Failure::Unavailable`].
    ///
    /// # Errors
    ///
    /// [`Failure::Internal`] if the thread cannot be started.
    pub fn start(
        opener: Opener,
        limits: &WriterLimits,
    ) -> Result<(Self, oneshot::Receiver<Result<(), Failure>>), Failure> {
        let (queue, jobs) = mpsc::channel(limits.queue_jobs_max);
        let (opened, when_opened) = oneshot::channel();
        let shared = Arc::new(Shared::default());
        writer::spawn(opener, opened, jobs, Arc::clone(&shared), limits)?;
        let store = Self { shared, queue };
        Ok((store, when_opened))
    }

    /// Like [`Store::start`], and waits until the database is open.
    ///
    /// # Errors
    ///
    /// What `opener` fails with.
    pub async fn open(opener: Opener, limits: &WriterLimits) -> Result<Self, Failure> {
        let (store, opened) = Self::start(opener, limits)?;
        opened.await.map_err(|_| Failure::Unavailable)??;
        Ok(store)
    }

    /// Runs `look` on a snapshot of everything that was answered so far. It must be short: a snapshot
    /// keeps replaced pages from being used again.
    ///
    /// # Errors
    ///
    /// What `look` comes to, or why there is no snapshot.
    pub fn read<T>(&self, look: impl FnOnce(&ReadTxn) -> Result<T, Failure>) -> Result<T, Failure> {
        let snapshot = self.shared.snapshot()?;
        let seen = look(&snapshot);
        if let Err(failure @ Failure::Storage(_)) = &seen
            && self.shared.withdraw(&snapshot)
        {
            // If the queue is full, the writer finds out after the batch that it is at.
            let _ = self.queue.try_send(Message::ReadFailed(failure.clone()));
        }
        seen
    }

    /// Runs `work` inside the next write transaction; the returned future answers after the commit that
    /// holds its effects is on disk, and whoever drops it does not hinder the work. `work` decides first
    /// and writes then, and returns its verdict; only a failure undoes what it wrote. It runs on the writer
    /// thread: it must not wait for anything.
    ///
    /// # Errors
    ///
    /// What `work` comes to. [`Failure::Overloaded`] and [`Failure::Unavailable`]: certainly not
    /// applied. [`Failure::Storage`]: applied or not, so a retry must be safe.
    pub fn write<T, W>(&self, work: W) -> impl Future<Output = Result<T, Failure>> + use<T, W>
    where
        T: Send + 'static,
        W: FnOnce(&WriteTxn) -> Result<T, Failure> + Send + 'static,
    {
        let queued = self.enqueue(work);
        async {
            // The writer drops a job only without having run it.
            queued?.await.unwrap_or(Err(Failure::Unavailable))
        }
    }

    fn enqueue<T: Send + 'static>(
        &self,
        work: impl FnOnce(&WriteTxn) -> Result<T, Failure> + Send + 'static,
    ) -> Result<oneshot::Receiver<Result<T, Failure>>, Failure> {
        if !self.is_open() {
            return Err(Failure::Unavailable);
        }
        let (job, answer) = Pending::new(work);
        match self.queue.try_send(Message::Job(Box::new(job))) {
            Ok(()) => Ok(answer),
            Err(mpsc::error::TrySendError::Full(_)) => Err(Failure::Overloaded),
            Err(mpsc::error::TrySendError::Closed(_)) => Err(Failure::Unavailable),
        }
    }

    /// Whether the database is open and no storage failure has been seen.
    pub fn is_open(&self) -> bool {
        self.shared.is_open()
    }

    /// How many commits have succeeded since the start.
    pub fn commits(&self) -> u64 {
        self.shared.commits()
    }

    /// Lets the writer finish what is queued, closes the database and reports how that went. Nothing
    /// may be read or written afterwards.
    ///
    /// # Errors
    ///
    /// [`Failure::Storage`] if the database could not be closed cleanly.
    pub async fn close(&self) -> Result<(), Failure> {
        let (closed, when_closed) = oneshot::channel();
        self.queue
            .send(Message::Close(closed))
            .await
            .map_err(|_| Failure::Unavailable)?;
        when_closed.await.map_err(|_| Failure::Unavailable)?
    }
}
