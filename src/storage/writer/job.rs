//! A piece of work for the writer, from its caller to its answer.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use tokio::sync::oneshot;

use crate::error::Failure;
use crate::storage::transaction::write_txn::WriteTxn;
use crate::storage::writer::completions::{self, Completion, CompletionQueue, Outcome};

/// What a batch goes on with after a job.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Ran {
    /// The next job.
    Whole,
    /// Another transaction: the job failed by itself, after it had written something.
    Spoiled,
}

/// A piece of work in two steps, so that the commit can stand between them.
pub trait Job: Completion {
    /// Does the work. It may be done again in another transaction, if this one was spoiled by another job; a
    /// job that failed by itself does nothing more.
    ///
    /// # Errors
    ///
    /// [`Failure::Storage`], which undoes the whole batch.
    fn run(&mut self, txn: &WriteTxn) -> Result<Ran, Failure>;
}

/// A caller's closure on its way through the writer.
pub struct PendingJob<W, T> {
    work: W,
    verdict: Option<Result<T, Failure>>,
    caller: oneshot::Sender<Result<T, Failure>>,
    queue: Option<Arc<CompletionQueue>>,
}

impl<W, T> PendingJob<W, T> {
    /// The job, and where its answer comes from.
    pub fn new(work: W) -> (Self, oneshot::Receiver<Result<T, Failure>>) {
        let (caller, answer) = oneshot::channel();
        let job = Self {
            work,
            verdict: None,
            caller,
            queue: completions::current_queue(),
        };
        (job, answer)
    }
}

impl<W, T> Job for PendingJob<W, T>
where
    W: Fn(&WriteTxn) -> Result<T, Failure> + Send,
    T: Send,
{
    fn run(&mut self, txn: &WriteTxn) -> Result<Ran, Failure> {
        if let Some(Err(_)) = self.verdict {
            return Ok(Ran::Whole);
        }
        let (writes, on_commit) = (txn.writes(), txn.on_commit_count());
        let verdict = catch_unwind(AssertUnwindSafe(|| (self.work)(txn)))
            .unwrap_or_else(|_| Err(Failure::Internal("a job of the writer panicked".to_owned())));
        let ran = match &verdict {
            Ok(_) => Ran::Whole,
            Err(failure @ Failure::Storage(_)) => return Err(failure.clone()),
            Err(_) => {
                // What it asked to be recorded did not happen.
                txn.truncate_on_commit(on_commit);
                if txn.writes() == writes {
                    Ran::Whole
                } else {
                    Ran::Spoiled
                }
            }
        };
        self.verdict = Some(verdict);
        Ok(ran)
    }
}

impl<W: Send, T: Send> Completion for PendingJob<W, T> {
    fn complete(self: Box<Self>, batch: Outcome) {
        let answer = match (batch, self.verdict) {
            (Ok(()), Some(verdict)) => verdict,
            (Ok(()), None) => Err(Failure::Internal("a job was not run".to_owned())),
            (Err(failure), _) => Err(failure),
        };
        // A caller that is gone needs no answer.
        let _ = self.caller.send(answer);
    }

    fn queue(&self) -> Option<&Arc<CompletionQueue>> {
        self.queue.as_ref()
    }
}
