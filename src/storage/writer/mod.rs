//! The writer thread: group commit, and what happens when the disk fails.
//!
//! It takes whatever is waiting, runs every job in one write transaction, commits, and only then answers. There
//! is no timer and no waiting for more: while one commit is on its way to the disk, the jobs of the next one
//! gather. While nobody writes, it applies what is pending in the rotation journal.
//!
//! A batch in which no job wrote is aborted instead of committed, so that a refusal costs no sync. A job that
//! fails by itself (a record that does not decode, a panic) answers only its own caller: if it wrote before it
//! failed, the transaction is aborted and the other jobs are run again without it. A storage failure undoes the
//! batch.
//!
//! After a storage failure what the file holds is unknown: the failed commit may be there or not. So the
//! snapshot is withdrawn, which refuses everybody, the database is closed, and it is opened again until that
//! succeeds. Opening reads the truth from the disk.

pub mod completions;
mod job;
pub mod metrics;
mod published;
mod retry;

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread;
use std::time::{Duration, Instant};

use tokio::runtime::{Builder, Runtime};
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;

use crate::config::Config;
use crate::error::Failure;
use crate::logging::repeated::{Repeated, Summary, Taken};
use crate::storage::engine::open_table::guarded;
use crate::storage::engine::opening::Opening;
use crate::storage::engine::read::EngineRead;
use crate::storage::journal::Journal;
use crate::storage::journal::journaled::Journaled;
use crate::storage::journal::limits::JournalLimits;
use crate::storage::journal::unappliable::DAMAGE_ATTEMPTS;
use crate::storage::opening::Opener;
use crate::storage::transaction::write_txn::{OnCommit, WriteTxn};
use crate::storage::writer::completions::Completion;
use crate::storage::writer::job::{Job, PendingJob, Ran};
use crate::storage::writer::published::Published;
use crate::storage::writer::retry::Retry;

/// How often waiting jobs are refused while the database is not open.
const REFUSE_PAUSE: Duration = Duration::from_millis(5);

/// How long the writer pauses after each step of applying while nobody writes, in times that the step took:
/// readers, and everybody else on the host, hardly notice it.
const APPLY_PAUSES: u32 = 9;

/// How long background work pauses at most after a transaction.
const BACKGROUND_PAUSE_MAX: Duration = Duration::from_secs(5);

/// For how many causes failures of the storage are counted.
const FAILURE_CAUSES_MAX: usize = 8;

/// How much the writer takes on.
#[derive(Clone, Debug)]
pub struct WriterLimits {
    /// How many jobs may wait; one more is refused as [`Failure::Overloaded`].
    pub queue_jobs_max: usize,
    /// How many jobs one commit may hold.
    pub batch_jobs_max: usize,
    /// For how long the first opening is retried while it fails for a reason that may pass.
    pub start_retry: Duration,
    /// How long background work pauses at most after a transaction.
    pub background_pause_max: Duration,
    /// How changes of rows are journaled.
    pub journal: JournalLimits,
}

impl WriterLimits {
    /// The limits in the settings.
    pub fn new(config: &Config) -> Self {
        Self {
            queue_jobs_max: config.writer.queue_jobs_max.get(),
            batch_jobs_max: config.writer.batch_jobs_max.get(),
            start_retry: config.writer.start_retry,
            background_pause_max: BACKGROUND_PAUSE_MAX,
            journal: JournalLimits::new(config),
        }
    }
}

/// What the queue carries.
enum Message {
    Job(Box<dyn Job>),
    /// A reader met a storage failure.
    ReadFailed(Failure),
    /// Send a snapshot of the file.
    Snapshot(oneshot::Sender<Result<EngineRead, Failure>>),
    /// Finish, close the database, and report how that went.
    Close(oneshot::Sender<Result<(), Failure>>),
}

/// The callers' end of the writer thread.
#[derive(Clone, Debug)]
pub struct WriterHandle {
    queue: mpsc::Sender<Message>,
    published: Arc<Published>,
}

impl WriterHandle {
    /// What the writer publishes.
    pub fn published(&self) -> &Arc<Published> {
        &self.published
    }

    /// Queues `work`, without waiting. What is returned receives its verdict after the commit that holds its
    /// effects is on disk; if it receives nothing, the work was not run.
    ///
    /// # Errors
    ///
    /// [`Failure::Unavailable`] or [`Failure::Overloaded`]: the work is not run.
    pub fn submit<T: Send + 'static>(
        &self,
        work: impl Fn(&WriteTxn) -> Result<T, Failure> + Send + 'static,
    ) -> Result<oneshot::Receiver<Result<T, Failure>>, Failure> {
        if !self.published.is_open() {
            return Err(Failure::Unavailable);
        }
        let (job, answer) = PendingJob::new(work);
        match self.queue.try_send(Message::Job(Box::new(job))) {
            Ok(()) => Ok(answer),
            Err(mpsc::error::TrySendError::Full(_)) => Err(Failure::Overloaded),
            Err(mpsc::error::TrySendError::Closed(_)) => Err(Failure::Unavailable),
        }
    }

    /// How many jobs wait, and how many may.
    pub fn queue_jobs(&self) -> (usize, usize) {
        let max = self.queue.max_capacity();
        (max - self.queue.capacity(), max)
    }

    /// A snapshot of the file, as of a moment between two commits. Waits for it.
    ///
    /// # Errors
    ///
    /// [`Failure::Unavailable`]; [`Failure::Storage`].
    pub fn file_snapshot(&self) -> Result<EngineRead, Failure> {
        if !self.published.is_open() {
            return Err(Failure::Unavailable);
        }
        let (sender, snapshot) = oneshot::channel();
        let sent = self.queue.blocking_send(Message::Snapshot(sender));
        sent.map_err(|_| Failure::Unavailable)?;
        // Nothing is sent if the storage has failed meanwhile.
        snapshot
            .blocking_recv()
            .unwrap_or(Err(Failure::Unavailable))
    }

    /// Reports that a snapshot, which was withdrawn, could not be read.
    pub fn report_read_failure(&self, failure: Failure) {
        // If the queue is full, the writer finds out after the batch that it is at.
        let _ = self.queue.try_send(Message::ReadFailed(failure));
    }

    /// Lets the writer finish what is queued, closes the database and returns how that went.
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

/// Starts the thread. It opens the database first and reports to the returned receiver how that went; if it
/// fails, the thread ends.
///
/// # Errors
///
/// [`Failure::Internal`] if the thread cannot be started.
pub fn spawn(
    opener: Opener,
    tables: &'static [&'static dyn Journaled],
    limits: &WriterLimits,
) -> Result<(WriterHandle, oneshot::Receiver<Result<(), Failure>>), Failure> {
    let cannot_start =
        |error: io::Error| Failure::Internal(format!("cannot start the writer thread: {error}"));
    let timer = Builder::new_current_thread()
        .enable_time()
        .build()
        .map_err(cannot_start)?;
    let (sender, queue) = mpsc::channel(limits.queue_jobs_max);
    let (opened, when_opened) = oneshot::channel();
    let published = Arc::new(Published::default());
    let handle = WriterHandle {
        queue: sender,
        published: Arc::clone(&published),
    };
    let mut writer = Writer {
        opener,
        tables,
        queue,
        timer,
        published,
        batch_jobs_max: limits.batch_jobs_max,
        start_retry: limits.start_retry,
        journal_limits: limits.journal.clone(),
        name: None,
        last_step: None,
        version: 0,
        failures: Repeated::new(1, FAILURE_CAUSES_MAX),
        failed_at: None,
    };
    let run = move || match writer.open_first() {
        Ok(journal) => {
            let _ = opened.send(Ok(()));
            let (close, outcome) = writer.serve(journal);
            // Before the answer: whoever has it may open the data directory again.
            drop(writer);
            match (close, outcome) {
                (Some(close), outcome) => {
                    let _ = close.send(outcome);
                }
                (None, Err(failure)) => tracing::error!(%failure, "closing the database failed"),
                (None, Ok(())) => {}
            }
        }
        Err(NotOpened::Failed(failure)) => {
            drop(writer);
            let _ = opened.send(Err(failure));
        }
        Err(NotOpened::Closed(close)) => {
            drop(writer);
            if let Some(close) = close {
                let _ = close.send(Ok(()));
            }
        }
    };
    thread::Builder::new()
        .name("writer".to_owned())
        .spawn(run)
        .map_err(cannot_start)?;
    Ok((handle, when_opened))
}

struct Writer {
    opener: Opener,
    tables: &'static [&'static dyn Journaled],
    queue: mpsc::Receiver<Message>,
    /// What the thread waits on where it waits for a limited time.
    timer: Runtime,
    published: Arc<Published>,
    batch_jobs_max: usize,
    start_retry: Duration,
    journal_limits: JournalLimits,
    /// What messages call the database, once it was opened.
    name: Option<String>,
    /// How long the last step of applying took, if nobody has written since.
    last_step: Option<Duration>,
    /// The version that the next journal begins with.
    version: u64,
    /// Failures of the storage.
    failures: Repeated<Failure>,
    /// When the failure was logged that lasts, so that its end is logged too.
    failed_at: Option<Instant>,
}

/// A request to close that waits for its answer; `None` if nobody is left who could request anything.
type Close = Option<oneshot::Sender<Result<(), Failure>>>;

/// Why the database was not opened.
enum NotOpened {
    Failed(Failure),
    /// There was a request to close before.
    Closed(Close),
}

/// What ends a wait for messages.
enum Wait {
    Message(Message),
    /// Nobody wrote for a while.
    Idle,
    /// Nobody is left who could write.
    Over,
}

/// What ends the gathering of a batch early.
enum Interruption {
    Snapshot(oneshot::Sender<Result<EngineRead, Failure>>),
    Close(oneshot::Sender<Result<(), Failure>>),
    ReadFailed(Failure),
}

/// A storage failure, and the request to close that came with the batch that met it.
struct Broken {
    failure: Failure,
    close: Close,
}

impl Writer {
    /// Serves until a request to close, through any number of storage failures. Returns the request and how
    /// closing the database went.
    fn serve(&mut self, mut journal: Journal) -> (Close, Result<(), Failure>) {
        loop {
            match self.serve_journal(&mut journal) {
                Ok(close) => {
                    self.queue.close();
                    self.published.publish(None);
                    self.log_repeated_failures(Taken::All);
                    let closed = guarded(|| journal.close());
                    return (close, closed.map_err(|failure| self.named(failure)));
                }
                Err(Broken { failure, close }) => {
                    let failure = self.named(failure);
                    let failures = &self.published.metrics().failures;
                    failures.fetch_add(1, Ordering::Relaxed);
                    self.log_failure(&failure);
                    self.published.publish(None);
                    // What could not be written cannot be closed cleanly; the next open repairs it.
                    // What was committed last may not be what any reader has seen.
                    self.version = journal.version() + 2;
                    let _ = guarded(|| journal.close_after_failure());
                    let reopened = match close {
                        Some(close) => Err(Some(close)),
                        None => self.reopen(&failure),
                    };
                    match reopened {
                        Ok(reopened) => journal = reopened,
                        Err(close) => return (close, Err(failure)),
                    }
                }
            }
        }
    }

    /// Commits batch after batch until a request to close, or a storage failure.
    fn serve_journal(&mut self, journal: &mut Journal) -> Result<Close, Broken> {
        let mut batch = Vec::with_capacity(self.batch_jobs_max);
        loop {
            let (done, interruption) = match self.wait(journal) {
                Wait::Message(message) => {
                    let interruption = self.gather(message, &mut batch);
                    (self.commit(journal, &mut batch), interruption)
                }
                Wait::Idle => (self.apply(journal), None),
                Wait::Over => return Ok(None),
            };
            let done = done.and_then(|()| {
                if self.published.is_open() {
                    return Ok(());
                }
                // The message of the reader that withdrew the snapshot may have found the queue full.
                Err(Failure::Storage("a reader failed".to_owned()))
            });
            match (done, interruption) {
                (Ok(()), None) => {}
                (Ok(()), Some(Interruption::Snapshot(sender))) => {
                    // Whoever wanted it may be gone.
                    let _ = sender.send(journal.file_snapshot());
                }
                (Ok(()), Some(Interruption::Close(close))) => return Ok(Some(close)),
                (Err(failure), Some(Interruption::Close(close))) => {
                    let close = Some(close);
                    return Err(Broken { failure, close });
                }
                (_, Some(Interruption::ReadFailed(failure)))
                | (Err(failure), None | Some(Interruption::Snapshot(_))) => {
                    return Err(Broken {
                        failure,
                        close: None,
                    });
                }
            }
        }
    }

    /// Waits for a message; for a limited time while the journal is not drained.
    fn wait(&mut self, journal: &Journal) -> Wait {
        let received = match self.queue.try_recv() {
            Ok(message) => Some(message),
            Err(mpsc::error::TryRecvError::Disconnected) => None,
            Err(mpsc::error::TryRecvError::Empty) if journal.is_drained() => {
                self.queue.blocking_recv()
            }
            Err(mpsc::error::TryRecvError::Empty) => {
                let pause = match self.last_step {
                    Some(step) => APPLY_PAUSES * step,
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
        self.last_step = None;
        received.map_or(Wait::Over, Wait::Message)
    }

    /// Applies some of what is pending in the journal.
    fn apply(&mut self, journal: &mut Journal) -> Result<(), Failure> {
        let began = Instant::now();
        let applied = guarded(|| journal.apply_some());
        applied.inspect_err(|_| self.published.publish(None))?;
        self.publish(journal);
        self.last_step = Some(began.elapsed());
        Ok(())
    }

    /// Moves `first` and what waits behind it into `batch`, up to its limit or to an interruption.
    fn gather(&mut self, first: Message, batch: &mut Vec<Box<dyn Job>>) -> Option<Interruption> {
        let mut next = first;
        loop {
            match next {
                Message::Job(job) => batch.push(job),
                Message::ReadFailed(failure) => return Some(Interruption::ReadFailed(failure)),
                Message::Snapshot(sender) => return Some(Interruption::Snapshot(sender)),
                Message::Close(close) => return Some(Interruption::Close(close)),
            }
            if batch.len() == self.batch_jobs_max {
                return None;
            }
            next = self.queue.try_recv().ok()?;
        }
    }

    /// Runs and answers a batch. Fails if the storage did, after that was answered.
    fn commit(&self, journal: &mut Journal, batch: &mut Vec<Box<dyn Job>>) -> Result<(), Failure> {
        if batch.is_empty() {
            return Ok(());
        }
        let outcome = guarded(|| self.run_batch(journal, batch));
        if matches!(outcome, Err(Failure::Storage(_))) {
            // Before the answers: whoever has one must not read what may be undone.
            self.published.publish(None);
        }
        let answer = outcome.as_ref().map(drop).map_err(Clone::clone);
        let jobs = batch.drain(..).map(|job| job as Box<dyn Completion>);
        completions::complete(jobs, &answer);
        match outcome {
            Ok(on_commit) => {
                on_commit.into_iter().for_each(run_on_commit);
                Ok(())
            }
            Err(failure @ Failure::Storage(_)) => Err(failure),
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
    ) -> Result<Vec<OnCommit>, Failure> {
        for _ in 1..DAMAGE_ATTEMPTS {
            match self.try_batch(journal, batch) {
                // Of an applied row, or of an entry of the journal: each time less of that is tried.
                Err(Failure::Unreadable(_)) => {}
                done => return done,
            }
        }
        self.try_batch(journal, batch)
    }

    fn try_batch(
        &self,
        journal: &mut Journal,
        batch: &mut [Box<dyn Job>],
    ) -> Result<Vec<OnCommit>, Failure> {
        let txn = run_jobs(journal, batch)?;
        self.published.count_job_opens(txn.file().opens());
        let on_commit = txn.take_on_commit();
        if txn.writes() == 0 {
            let (file, _) = txn.into_parts();
            file.abort()?;
            return Ok(on_commit);
        }
        let began = Instant::now();
        journal.commit(txn)?;
        let metrics = self.published.metrics();
        metrics.commit_duration.record_duration(began.elapsed());
        metrics.batch_jobs.record(batch.len() as u64);
        self.published.count_commit();
        // Before the answers: whoever has one must find its write.
        self.publish(journal);
        Ok(on_commit)
    }

    fn publish(&self, journal: &mut Journal) {
        self.published.metrics().set_backlog(journal.backlog());
        self.published.publish(Some(journal.newest()));
        journal.sweep();
    }

    /// Opens the database and publishes its snapshot.
    fn open(&mut self, opening: Opening) -> Result<Journal, Failure> {
        let began = Instant::now();
        let mut journal = guarded(|| {
            let engine = (self.opener)(opening)?;
            self.name = engine.name().map(str::to_owned);
            Journal::open(engine, self.tables, &self.journal_limits, self.version)
        })
        .map_err(|failure| self.named(failure))?;
        self.publish(&mut journal);
        match opening {
            Opening::Start => {
                let open_ms = began.elapsed().as_micros() as f64 / 1_000.0;
                tracing::info!(open_ms, "database opened");
            }
            Opening::AfterFailure => {
                if let Some(failed_at) = self.failed_at.take() {
                    let outage_ms = failed_at.elapsed().as_micros() as f64 / 1_000.0;
                    tracing::warn!(outage_ms, "the database is open again");
                }
            }
        }
        Ok(journal)
    }

    /// Logs the first failure with this cause; more of them are counted. A full disk lets the database be opened, and
    /// then fails the next write, again and again.
    fn log_failure(&mut self, failure: &Failure) {
        let now = Instant::now();
        if self.failures.count(failure, now, || ()).is_some() {
            self.failed_at = Some(now);
            tracing::error!(%failure, "the storage failed; closing and reopening it");
        }
        self.log_repeated_failures(Taken::Due);
    }

    fn log_repeated_failures(&self, taken: Taken) {
        for Summary { key, count, within } in self.failures.take(taken, Instant::now()) {
            let failure =
                key.map_or_else(|| "various".to_owned(), |(failure, ())| failure.to_string());
            let seconds = within.as_secs();
            tracing::error!(failure, count, seconds, "the storage failed again");
        }
    }

    /// The failure with the database's name before its cause.
    fn named(&self, failure: Failure) -> Failure {
        match &self.name {
            Some(name) => failure.of_file(name),
            None => failure,
        }
    }

    /// Opens the database when the server starts. While that fails for a reason that may pass, it is tried again for
    /// a limited time.
    fn open_first(&mut self) -> Result<Journal, NotOpened> {
        let began = Instant::now();
        let mut retry = Retry::default();
        loop {
            let attempt = Instant::now();
            match self.open(Opening::Start) {
                Ok(journal) => return Ok(journal),
                Err(failure @ Failure::Storage(_)) if began.elapsed() < self.start_retry => {
                    if retry.is_news(&failure) {
                        tracing::warn!(%failure, "opening the database failed; retrying");
                    }
                }
                Err(failure) => return Err(NotOpened::Failed(failure)),
            }
            let pause = retry.pause_after(attempt.elapsed());
            self.refuse_for(pause).map_err(NotOpened::Closed)?;
        }
    }

    /// Opens the database again and again until that succeeds, or there is a request to close. `failure` is logged.
    fn reopen(&mut self, failure: &Failure) -> Result<Journal, Close> {
        let mut retry = Retry::after(failure);
        loop {
            let attempt = Instant::now();
            match self.open(Opening::AfterFailure) {
                Ok(journal) => return Ok(journal),
                Err(failure) => {
                    if retry.is_news(&failure) {
                        tracing::error!(%failure, "reopening the database failed; retrying");
                    }
                }
            }
            self.refuse_for(retry.pause_after(attempt.elapsed()))?;
        }
    }

    /// Refuses whatever comes, for about as long as `pause`.
    fn refuse_for(&mut self, pause: Duration) -> Result<(), Close> {
        let end = Instant::now() + pause;
        loop {
            match self.queue.try_recv() {
                Ok(Message::Job(job)) => job.complete(Err(Failure::Unavailable)),
                Ok(Message::ReadFailed(_) | Message::Snapshot(_)) => {}
                Ok(Message::Close(close)) => return Err(Some(close)),
                Err(mpsc::error::TryRecvError::Disconnected) => return Err(None),
                Err(mpsc::error::TryRecvError::Empty) if Instant::now() >= end => return Ok(()),
                Err(mpsc::error::TryRecvError::Empty) => thread::sleep(REFUSE_PAUSE),
            }
        }
    }
}

/// Runs the jobs of a batch in one write transaction, which is returned.
fn run_jobs(journal: &Journal, batch: &mut [Box<dyn Job>]) -> Result<WriteTxn, Failure> {
    // Each transaction that is spoiled leaves one job less to be run.
    'transaction: loop {
        let txn = journal.begin_write()?;
        for job in &mut *batch {
            if job.run(&txn)? == Ran::Spoiled {
                tracing::error!("a job failed after it had written; running its batch without it");
                let (file, _) = txn.into_parts();
                file.abort()?;
                continue 'transaction;
            }
        }
        return Ok(txn);
    }
}

/// Runs what a job left for after its commit: nothing in it concerns the database any more.
fn run_on_commit(work: OnCommit) {
    if catch_unwind(AssertUnwindSafe(work)).is_err() {
        tracing::error!("what was to be done after a commit panicked");
    }
}

#[cfg(test)]
mod tests;
