//! The writer thread: group commit, and what happens when the disk fails. It knows no resource.
//!
//! It takes whatever waits, runs every job in one write transaction, commits, and answers only then.
//! There is no timer and no waiting for more: while one commit is on its way to the disk, the jobs of
//! the next one gather by themselves. While nobody writes, it settles what the rotation journal holds.
//!
//! A batch in which no job wrote is aborted instead of committed, so that refusals cost no fsync. A
//! job that fails on a record of its own spoils nothing for the others; a storage failure, or a job
//! that fails after it wrote, undoes the batch.
//!
//! After a storage failure what the file holds is not known: the failed commit may be there or not. So
//! the snapshot is withdrawn, which refuses everyone, the database is closed, and it is opened again
//! until that goes well. Opening reads the truth from the disk.

pub mod completions;

use std::fmt;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::thread;
use std::time::{Duration, Instant};

use tokio::runtime::{Builder, Runtime};
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;

use crate::error::Failure;
use crate::storage::engine::read_txn::ReadTxn;
use crate::storage::engine::write_txn::{Afterwards, WriteTxn};
use crate::storage::journal::{Journal, JournalLimits};
use crate::storage::writer::completions::{Inbox, Outcome};
use crate::storage::{Opener, Opening, WriterLimits};

/// How long to wait before the second attempt to reopen a failed database; it doubles from there.
const REOPEN_PAUSE_MIN: Duration = Duration::from_millis(10);

/// The longest wait between attempts: how long a disk that works again may go unnoticed.
const REOPEN_PAUSE_MAX: Duration = Duration::from_millis(250);

/// How often waiting jobs are refused while the database is not open.
const REFUSE_PAUSE: Duration = Duration::from_millis(5);

/// How long the writer rests after each step of settling while nobody writes, in times that the step
/// took: readers, and everybody else on the host, hardly notice it.
const SETTLE_RESTS: u32 = 9;

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

    /// Withdraws a snapshot that turned out not to be readable; tells whether it was the newest.
    pub fn withdraw(&self, snapshot: &Arc<ReadTxn>) -> bool {
        let mut newest = self.newest.write().unwrap_or_else(PoisonError::into_inner);
        let is_newest = newest
            .as_ref()
            .is_some_and(|newest| Arc::ptr_eq(newest, snapshot));
        if is_newest {
            *newest = None;
        }
        is_newest
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
    /// A reader met a storage failure.
    ReadFailed(Failure),
    /// Finish, close the database, and tell how that went.
    Close(oneshot::Sender<Result<(), Failure>>),
}

/// A piece of work in two steps, so that the commit can stand between them.
pub trait Job: Send {
    /// Does the work. An `Err` undoes the whole batch.
    fn run(&mut self, txn: &WriteTxn) -> Result<(), Failure>;

    /// Tells the caller: its own verdict if the batch is on disk, else why it is not.
    fn answer(self: Box<Self>, batch: Outcome);

    /// Where the caller is answered, if its thread has an inbox.
    fn inbox(&self) -> Option<&Arc<Inbox>>;
}

/// A caller's closure on its way through [`Job::run`] and [`Job::answer`].
pub struct Pending<W, T> {
    work: Option<W>,
    verdict: Option<Result<T, Failure>>,
    caller: oneshot::Sender<Result<T, Failure>>,
    inbox: Option<Arc<Inbox>>,
}

impl<W, T> Pending<W, T> {
    pub fn new(work: W) -> (Self, oneshot::Receiver<Result<T, Failure>>) {
        let (caller, answer) = oneshot::channel();
        let job = Self {
            work: Some(work),
            verdict: None,
            caller,
            inbox: completions::inbox(),
        };
        (job, answer)
    }
}

impl<W, T> Job for Pending<W, T>
where
    W: FnOnce(&WriteTxn) -> Result<T, Failure> + Send,
    T: Send,
{
    fn run(&mut self, txn: &WriteTxn) -> Result<(), Failure> {
        let Some(work) = self.work.take() else {
            return Ok(());
        };
        let writes_before = txn.writes();
        let verdict = catch_unwind(AssertUnwindSafe(|| work(txn))).unwrap_or_else(|_panic| {
            Err(Failure::Internal("a job of the writer panicked".to_owned()))
        });
        if let Err(failure) = &verdict {
            let spoils_batch =
                matches!(failure, Failure::Storage(_)) || txn.writes() != writes_before;
            if spoils_batch {
                return Err(failure.clone());
            }
        }
        self.verdict = Some(verdict);
        Ok(())
    }

    fn answer(self: Box<Self>, batch: Outcome) {
        let answer = match (batch, self.verdict) {
            (Ok(()), Some(verdict)) => verdict,
            (Ok(()), None) => Err(Failure::Internal("a job was not run".to_owned())),
            (Err(failure), _) => Err(failure),
        };
        // A caller that is gone no longer wants to know.
        let _ = self.caller.send(answer);
    }

    fn inbox(&self) -> Option<&Arc<Inbox>> {
        self.inbox.as_ref()
    }
}

/// Starts the thread. It opens the database first and tells `opened` how that went; when that fails,
/// the thread ends.
pub fn spawn(
    opener: Opener,
    opened: oneshot::Sender<Result<(), Failure>>,
    queue: mpsc::Receiver<Message>,
    shared: Arc<Shared>,
    limits: &WriterLimits,
) -> Result<(), Failure> {
    let cannot_start =
        |error: io::Error| Failure::Internal(format!("cannot start the writer thread: {error}"));
    let timer = Builder::new_current_thread()
        .enable_time()
        .build()
        .map_err(cannot_start)?;
    let mut writer = Writer {
        opener,
        queue,
        timer,
        shared,
        batch_jobs_max: limits.batch_jobs_max,
        journal_limits: limits.journal.clone(),
        settling: None,
        version: 0,
    };
    let run = move || match writer.open(Opening::Start) {
        Ok(journal) => {
            let _ = opened.send(Ok(()));
            writer.serve(journal);
        }
        Err(failure) => {
            let _ = opened.send(Err(failure));
        }
    };
    thread::Builder::new()
        .name("writer".to_owned())
        .spawn(run)
        .map_err(cannot_start)?;
    Ok(())
}

struct Writer {
    opener: Opener,
    queue: mpsc::Receiver<Message>,
    /// What the thread waits on where it does not wait for ever.
    timer: Runtime,
    shared: Arc<Shared>,
    batch_jobs_max: usize,
    journal_limits: JournalLimits,
    /// How long the last step of settling took, if nobody has written since.
    settling: Option<Duration>,
    /// The version that the next journal begins with.
    version: u64,
}

/// A wish to close that waits for its answer; `None` if everyone who could have one is gone.
type Close = Option<oneshot::Sender<Result<(), Failure>>>;

/// What ends a wait for messages.
enum Wait {
    Message(Message),
    /// Nobody wrote for a while.
    Idle,
    /// Everyone who could write is gone.
    Over,
}

/// What ends the gathering of a batch early.
enum Interruption {
    Close(oneshot::Sender<Result<(), Failure>>),
    ReadFailed(Failure),
}

/// A storage failure, and the wish to close that came with the batch that met it.
struct Broken {
    failure: Failure,
    close: Close,
}

impl Writer {
    /// Serves until it is asked to close, through any number of storage failures.
    fn serve(&mut self, mut journal: Journal) {
        loop {
            let (close, outcome) = match self.serve_journal(&mut journal) {
                Ok(close) => {
                    self.queue.close();
                    self.shared.publish(None);
                    (close, caught(|| journal.close()))
                }
                Err(Broken { failure, close }) => {
                    tracing::error!(%failure, "the storage failed; closing and reopening it");
                    self.shared.publish(None);
                    // What it failed to write it fails to close; the next open repairs it.
                    // What it may have committed last is not what anybody has seen.
                    self.version = journal.version() + 2;
                    let _ = caught(|| journal.abandon());
                    let reopened = match close {
                        Some(close) => Err(Some(close)),
                        None => self.reopen(),
                    };
                    match reopened {
                        Ok(reopened) => {
                            journal = reopened;
                            continue;
                        }
                        Err(close) => (close, Err(failure)),
                    }
                }
            };
            match (close, outcome) {
                (Some(close), outcome) => {
                    let _ = close.send(outcome);
                }
                (None, Err(failure)) => tracing::error!(%failure, "closing the database failed"),
                (None, Ok(())) => {}
            }
            return;
        }
    }

    /// Commits batch after batch until a wish to close, or a storage failure.
    fn serve_journal(&mut self, journal: &mut Journal) -> Result<Close, Broken> {
        let mut batch = Vec::with_capacity(self.batch_jobs_max);
        loop {
            let (done, interruption) = match self.wait(journal) {
                Wait::Message(message) => {
                    let interruption = self.gather(message, &mut batch);
                    (self.commit(journal, &mut batch), interruption)
                }
                Wait::Idle => (self.settle(journal), None),
                Wait::Over => return Ok(None),
            };
            let done = done.and_then(|()| {
                if self.shared.is_open() {
                    return Ok(());
                }
                // The message of the reader that withdrew it may have found the queue full.
                Err(Failure::Storage("a reader failed".to_owned()))
            });
            match (done, interruption) {
                (Ok(()), None) => {}
                (Ok(()), Some(Interruption::Close(close))) => return Ok(Some(close)),
                (Err(failure), Some(Interruption::Close(close))) => {
                    let close = Some(close);
                    return Err(Broken { failure, close });
                }
                (_, Some(Interruption::ReadFailed(failure))) | (Err(failure), None) => {
                    return Err(Broken {
                        failure,
                        close: None,
                    });
                }
            }
        }
    }

    /// Waits for a message; not for long while the journal is not at rest.
    fn wait(&mut self, journal: &Journal) -> Wait {
        let received = match self.queue.try_recv() {
            Ok(message) => Some(message),
            Err(mpsc::error::TryRecvError::Disconnected) => None,
            Err(mpsc::error::TryRecvError::Empty) if journal.is_at_rest() => {
                self.queue.blocking_recv()
            }
            Err(mpsc::error::TryRecvError::Empty) => {
                let pause = match self.settling {
                    Some(step) => SETTLE_RESTS * step,
                    None => journal.idle_after(),
                };
                let next = self.queue.recv();
                let timed = async { timeout(pause, next).await };
                match self.timer.block_on(timed) {
                    Ok(received) => received,
                    Err(_elapsed) => return Wait::Idle,
                }
            }
        };
        self.settling = None;
        received.map_or(Wait::Over, Wait::Message)
    }

    /// Takes the journal one step further towards rest.
    fn settle(&mut self, journal: &mut Journal) -> Result<(), Failure> {
        let began = Instant::now();
        let settled = caught(|| {
            journal.settle_some()?;
            journal.begin_read()
        });
        let snapshot = settled.inspect_err(|_| self.shared.publish(None))?;
        self.shared.publish(Some(snapshot));
        self.settling = Some(began.elapsed());
        Ok(())
    }

    /// Moves `first` and what waits behind it into `batch`, up to its limit or to an interruption.
    fn gather(&mut self, first: Message, batch: &mut Vec<Box<dyn Job>>) -> Option<Interruption> {
        let mut next = first;
        loop {
            match next {
                Message::Job(job) => batch.push(job),
                Message::ReadFailed(failure) => return Some(Interruption::ReadFailed(failure)),
                Message::Close(close) => return Some(Interruption::Close(close)),
            }
            if batch.len() == self.batch_jobs_max {
                return None;
            }
            next = self.queue.try_recv().ok()?;
        }
    }

    /// Runs and answers a batch. Fails if the storage did, after having told so in the answers.
    fn commit(&self, journal: &mut Journal, batch: &mut Vec<Box<dyn Job>>) -> Result<(), Failure> {
        if batch.is_empty() {
            return Ok(());
        }
        let outcome = caught(|| self.run_batch(journal, batch));
        if matches!(outcome, Err(Failure::Storage(_))) {
            // Before the answers: whoever has one must not read what may be undone.
            self.shared.publish(None);
        }
        let told = outcome.as_ref().map(|_| ()).map_err(Clone::clone);
        completions::answer(batch.drain(..), &told);
        match outcome {
            Ok(afterwards) => {
                afterwards.into_iter().for_each(|work| work());
                Ok(())
            }
            Err(Failure::Storage(cause)) => Err(Failure::Storage(cause)),
            Err(failure) => {
                tracing::error!(%failure, "a batch was undone");
                Ok(())
            }
        }
    }

    fn run_batch(
        &self,
        journal: &mut Journal,
        batch: &mut [Box<dyn Job>],
    ) -> Result<Vec<Afterwards>, Failure> {
        let txn = journal.begin_write()?;
        for job in batch {
            job.run(&txn)?;
        }
        let afterwards = txn.take_afterwards();
        if txn.writes() == 0 {
            txn.abort()?;
            return Ok(afterwards);
        }
        journal.commit(txn)?;
        self.shared.commits.fetch_add(1, Ordering::Relaxed);
        // Before the answers: whoever has one must find its write.
        self.shared.publish(Some(journal.begin_read()?));
        Ok(afterwards)
    }

    /// Opens the database and shows it to the readers.
    fn open(&mut self, opening: Opening) -> Result<Journal, Failure> {
        let began = Instant::now();
        let mut journal =
            caught(|| Journal::open((self.opener)(opening)?, &self.journal_limits, self.version))?;
        self.shared.publish(Some(journal.begin_read()?));
        let open_ms = began.elapsed().as_secs_f64() * 1_000.0;
        tracing::info!(open_ms, "database opened");
        Ok(journal)
    }

    /// Opens the database again and again until it goes well, or a wish to close comes.
    fn reopen(&mut self) -> Result<Journal, Close> {
        let mut pause = REOPEN_PAUSE_MIN;
        let mut told = None;
        loop {
            match self.open(Opening::AfterFailure) {
                Ok(journal) => return Ok(journal),
                // A disk may be away for days: what stays the same is told once.
                Err(failure) if told.as_ref() == Some(&failure) => {}
                Err(failure) => {
                    tracing::error!(%failure, "reopening the database failed; trying on");
                    told = Some(failure);
                }
            }
            self.refuse_for(pause)?;
            pause = (2 * pause).min(REOPEN_PAUSE_MAX);
        }
    }

    /// Drops what comes, which refuses it, for about as long as `pause`.
    fn refuse_for(&mut self, pause: Duration) -> Result<(), Close> {
        let end = Instant::now() + pause;
        loop {
            match self.queue.try_recv() {
                Ok(Message::Job(job)) => job.answer(Err(Failure::Unavailable)),
                Ok(Message::ReadFailed(_)) => {}
                Ok(Message::Close(close)) => return Err(Some(close)),
                Err(mpsc::error::TryRecvError::Disconnected) => return Err(None),
                Err(mpsc::error::TryRecvError::Empty) if Instant::now() >= end => return Ok(()),
                Err(mpsc::error::TryRecvError::Empty) => thread::sleep(REFUSE_PAUSE),
            }
        }
    }
}

/// Runs `work`, and makes a storage failure of a panic in it: a library that trips over what is on the
/// disk must not take the writer with it.
fn caught<T>(work: impl FnOnce() -> Result<T, Failure>) -> Result<T, Failure> {
    catch_unwind(AssertUnwindSafe(work))
        .unwrap_or_else(|_panic| Err(Failure::Storage("the database panicked".to_owned())))
}
