//! The writer thread: group commit. It knows no resource.
//!
//! It takes whatever waits, runs every job in one write transaction, commits, and answers only then.
//! There is no timer and no waiting for more: while one commit is on its way to the disk, the jobs of
//! the next one gather by themselves.
//!
//! A batch in which no job wrote is aborted instead of committed, so that refusals cost no fsync. A
//! job that fails on a record of its own spoils nothing for the others; a storage failure, or a job
//! that fails after it wrote, undoes the batch.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::thread;
use std::time::Instant;

use tokio::sync::{mpsc, oneshot};

use crate::error::{Error, Failure};
use crate::store::Opener;
use crate::store::engine::{Engine, ReadTxn, WriteTxn};

/// What readers and the writer thread both hold.
#[derive(Default)]
pub struct Shared {
    /// `None` while the database is not open.
    engine: RwLock<Option<Engine>>,
    /// Set by a storage failure: what the database holds is not certain any more.
    failed: AtomicBool,
    commits: AtomicU64,
}

impl Shared {
    pub fn snapshot(&self) -> Result<ReadTxn, Failure> {
        let engine = self.engine.read().unwrap_or_else(PoisonError::into_inner);
        let engine = engine.as_ref().ok_or(Failure::Unavailable)?;
        engine.begin_read()
    }

    pub fn is_open(&self) -> bool {
        let engine = self.engine.read().unwrap_or_else(PoisonError::into_inner);
        engine.is_some() && !self.failed.load(Ordering::Acquire)
    }

    pub fn commits(&self) -> u64 {
        self.commits.load(Ordering::Relaxed)
    }

    fn begin_write(&self) -> Result<WriteTxn, Failure> {
        let engine = self.engine.read().unwrap_or_else(PoisonError::into_inner);
        let engine = engine.as_ref().ok_or(Failure::Unavailable)?;
        engine.begin_write()
    }

    fn put_engine(&self, engine: Engine) {
        *self.engine.write().unwrap_or_else(PoisonError::into_inner) = Some(engine);
    }

    fn take_engine(&self) -> Option<Engine> {
        let mut engine = self.engine.write().unwrap_or_else(PoisonError::into_inner);
        engine.take()
    }
}

impl fmt::Debug for Shared {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Shared")
            .field("open", &self.is_open())
            .field("commits", &self.commits())
            .finish_non_exhaustive()
    }
}

/// What travels through the queue.
pub enum Message {
    Job(Box<dyn Job>),
    /// Finish, close the database, and tell how that went.
    Close(oneshot::Sender<Result<(), Failure>>),
}

/// A piece of work in two steps, so that the commit can stand between them.
pub trait Job: Send {
    /// Does the work. An `Err` undoes the whole batch.
    fn run(&mut self, txn: &WriteTxn) -> Result<(), Failure>;

    /// Tells the caller: its own verdict if the batch is on disk, else why it is not.
    fn answer(self: Box<Self>, batch: Result<(), Failure>);
}

/// A caller's closure on its way through [`Job::run`] and [`Job::answer`].
pub struct Pending<W, T> {
    work: Option<W>,
    verdict: Option<Result<T, Error>>,
    caller: oneshot::Sender<Result<T, Error>>,
}

impl<W, T> Pending<W, T> {
    pub fn new(work: W) -> (Self, oneshot::Receiver<Result<T, Error>>) {
        let (caller, answer) = oneshot::channel();
        let job = Self {
            work: Some(work),
            verdict: None,
            caller,
        };
        (job, answer)
    }
}

impl<W, T> Job for Pending<W, T>
where
    W: FnOnce(&WriteTxn) -> Result<T, Error> + Send,
    T: Send,
{
    fn run(&mut self, txn: &WriteTxn) -> Result<(), Failure> {
        let Some(work) = self.work.take() else {
            return Ok(());
        };
        let writes_before = txn.writes();
        let verdict = catch_unwind(AssertUnwindSafe(|| work(txn))).unwrap_or_else(|_panic| {
            Err(Failure::Internal("a job of the writer panicked".to_owned()).into())
        });
        if let Err(Error::Failed(failure)) = &verdict {
            let spoils_batch =
                matches!(failure, Failure::Storage(_)) || txn.writes() != writes_before;
            if spoils_batch {
                return Err(failure.clone());
            }
        }
        self.verdict = Some(verdict);
        Ok(())
    }

    fn answer(self: Box<Self>, batch: Result<(), Failure>) {
        let answer = match (batch, self.verdict) {
            (Ok(()), Some(verdict)) => verdict,
            (Ok(()), None) => Err(Failure::Internal("a job was not run".to_owned()).into()),
            (Err(failure), _) => Err(failure.into()),
        };
        // A caller that is gone no longer wants to know.
        let _ = self.caller.send(answer);
    }
}

/// Starts the thread. It opens the database first and tells `opened` how that went.
pub fn spawn(
    opener: Opener,
    opened: oneshot::Sender<Result<(), Failure>>,
    queue: mpsc::Receiver<Message>,
    shared: Arc<Shared>,
    batch_jobs_max: usize,
) -> Result<(), Failure> {
    let writer = Writer {
        queue,
        shared,
        batch_jobs_max,
    };
    thread::Builder::new()
        .name("writer".to_owned())
        .spawn(move || writer.run(opener, opened))
        .map_err(|error| Failure::Internal(format!("cannot start the writer thread: {error}")))?;
    Ok(())
}

struct Writer {
    queue: mpsc::Receiver<Message>,
    shared: Arc<Shared>,
    batch_jobs_max: usize,
}

impl Writer {
    fn run(mut self, mut opener: Opener, opened: oneshot::Sender<Result<(), Failure>>) {
        let began = Instant::now();
        let outcome = opener().map(|engine| self.shared.put_engine(engine));
        let is_open = outcome.is_ok();
        if is_open {
            let open_ms = began.elapsed().as_secs_f64() * 1_000.0;
            tracing::info!(open_ms, "database opened");
        }
        let _ = opened.send(outcome);
        if is_open {
            self.serve();
        }
    }

    fn serve(&mut self) {
        let mut batch = Vec::with_capacity(self.batch_jobs_max);
        while let Some(message) = self.queue.blocking_recv() {
            let close = self.gather(message, &mut batch);
            if !batch.is_empty() {
                self.commit(&mut batch);
            }
            if let Some(closed) = close {
                let _ = closed.send(self.close());
                return;
            }
        }
        if let Err(failure) = self.close() {
            tracing::error!(%failure, "closing the database failed");
        }
    }

    /// Moves `first` and what waits behind it into `batch`, up to its limit or to a wish to close.
    fn gather(
        &mut self,
        first: Message,
        batch: &mut Vec<Box<dyn Job>>,
    ) -> Option<oneshot::Sender<Result<(), Failure>>> {
        let mut next = first;
        loop {
            match next {
                Message::Job(job) => batch.push(job),
                Message::Close(closed) => return Some(closed),
            }
            if batch.len() == self.batch_jobs_max {
                return None;
            }
            next = self.queue.try_recv().ok()?;
        }
    }

    fn commit(&self, batch: &mut Vec<Box<dyn Job>>) {
        let outcome = self.run_batch(batch);
        if let Err(failure) = &outcome {
            tracing::error!(%failure, jobs = batch.len(), "a batch was not committed");
            if matches!(failure, Failure::Storage(_)) {
                self.shared.failed.store(true, Ordering::Release);
            }
        }
        for job in batch.drain(..) {
            job.answer(outcome.clone());
        }
    }

    fn run_batch(&self, batch: &mut [Box<dyn Job>]) -> Result<(), Failure> {
        let txn = self.shared.begin_write()?;
        for job in batch {
            job.run(&txn)?;
        }
        if txn.writes() == 0 {
            return txn.abort();
        }
        txn.commit()?;
        self.shared.commits.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }

    fn close(&mut self) -> Result<(), Failure> {
        self.queue.close();
        match self.shared.take_engine() {
            Some(engine) => engine.close(),
            None => Ok(()),
        }
    }
}
