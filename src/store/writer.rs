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
use std::sync::atomic::{AtomicU64, Ordering};
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
    /// The newest commit, for everyone to read; `None` while the database is not open or has failed.
    /// One snapshot for all readers of a commit spares each of them to open its own.
    newest: RwLock<Option<Arc<ReadTxn>>>,
    commits: AtomicU64,
}

impl Shared {
    pub fn snapshot(&self) -> Result<Arc<ReadTxn>, Failure> {
        let newest = self.newest.read().unwrap_or_else(PoisonError::into_inner);
        newest.as_ref().map(Arc::clone).ok_or(Failure::Unavailable)
    }

    pub fn is_open(&self) -> bool {
        let newest = self.newest.read().unwrap_or_else(PoisonError::into_inner);
        newest.is_some()
    }

    pub fn commits(&self) -> u64 {
        self.commits.load(Ordering::Relaxed)
    }

    fn publish(&self, snapshot: Option<ReadTxn>) {
        let mut newest = self.newest.write().unwrap_or_else(PoisonError::into_inner);
        *newest = snapshot.map(Arc::new);
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
    mut opener: Opener,
    opened: oneshot::Sender<Result<(), Failure>>,
    queue: mpsc::Receiver<Message>,
    shared: Arc<Shared>,
    batch_jobs_max: usize,
) -> Result<(), Failure> {
    let run = move || match open(&mut opener, &shared) {
        Ok(engine) => {
            let _ = opened.send(Ok(()));
            let writer = Writer {
                engine,
                queue,
                shared,
                batch_jobs_max,
            };
            writer.serve();
        }
        Err(failure) => {
            let _ = opened.send(Err(failure));
        }
    };
    thread::Builder::new()
        .name("writer".to_owned())
        .spawn(run)
        .map_err(|error| Failure::Internal(format!("cannot start the writer thread: {error}")))?;
    Ok(())
}

fn open(opener: &mut Opener, shared: &Shared) -> Result<Engine, Failure> {
    let began = Instant::now();
    let engine = opener()?;
    shared.publish(Some(engine.begin_read()?));
    let open_ms = began.elapsed().as_secs_f64() * 1_000.0;
    tracing::info!(open_ms, "database opened");
    Ok(engine)
}

struct Writer {
    engine: Engine,
    queue: mpsc::Receiver<Message>,
    shared: Arc<Shared>,
    batch_jobs_max: usize,
}

impl Writer {
    fn serve(mut self) {
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
                self.shared.publish(None);
            }
        }
        for job in batch.drain(..) {
            job.answer(outcome.clone());
        }
    }

    fn run_batch(&self, batch: &mut [Box<dyn Job>]) -> Result<(), Failure> {
        let txn = self.engine.begin_write()?;
        for job in batch {
            job.run(&txn)?;
        }
        if txn.writes() == 0 {
            return txn.abort();
        }
        txn.commit()?;
        self.shared.commits.fetch_add(1, Ordering::Relaxed);
        // Before the answers: whoever has one must find its write.
        self.shared.publish(Some(self.engine.begin_read()?));
        Ok(())
    }

    fn close(mut self) -> Result<(), Failure> {
        self.queue.close();
        self.shared.publish(None);
        self.engine.close()
    }
}
