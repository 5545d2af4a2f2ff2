//! How the answers of a commit get back to those who wait for them.
//!
//! Waking a caller on another thread costs a lock and often a call of the system, for each of the
//! callers of a commit. A thread that serves many callers therefore has an inbox: the writer puts all of
//! its answers there and wakes it once, and [`deliver`] wakes the callers from inside. Whoever calls from
//! a thread without one is answered by the writer itself.

use std::cell::RefCell;
use std::convert::Infallible;
use std::mem;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use crate::error::Failure;
use crate::storage::writer::Job;

/// What came of the batch that a job was in.
pub type Outcome = Result<(), Failure>;

thread_local! {
    static INBOX: RefCell<Option<Arc<Inbox>>> = const { RefCell::new(None) };
}

/// Delivers to the callers of this thread what the writer answers, until it is dropped. The thread's
/// runtime must be of this thread alone.
pub async fn deliver() -> Infallible {
    let inbox = Open::new();
    let mut answered = Vec::new();
    loop {
        inbox.0.filled.notified().await;
        mem::swap(&mut *inbox.0.lock(), &mut answered);
        for (job, outcome) in answered.drain(..) {
            job.answer(outcome);
        }
    }
}

/// The inbox of the thread from which the caller of a job calls, if it has one.
pub fn inbox() -> Option<Arc<Inbox>> {
    INBOX.with_borrow(Option::clone)
}

/// The answers for the callers of one thread that were not delivered yet.
#[derive(Default)]
pub struct Inbox {
    answered: Mutex<Vec<(Box<dyn Job>, Outcome)>>,
    filled: Notify,
}

impl Inbox {
    fn lock(&self) -> MutexGuard<'_, Vec<(Box<dyn Job>, Outcome)>> {
        self.answered.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The inbox of this thread, as long as somebody delivers from it.
struct Open(Arc<Inbox>);

impl Open {
    fn new() -> Self {
        let inbox = Arc::default();
        INBOX.set(Some(Arc::clone(&inbox)));
        Self(inbox)
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        INBOX.set(None);
    }
}

/// Answers every job of a batch.
pub fn answer(batch: impl IntoIterator<Item = Box<dyn Job>>, outcome: &Outcome) {
    let mut filled: Vec<Arc<Inbox>> = Vec::new();
    for job in batch {
        let Some(inbox) = job.inbox().cloned() else {
            job.answer(outcome.clone());
            continue;
        };
        inbox.lock().push((job, outcome.clone()));
        if !filled.iter().any(|other| Arc::ptr_eq(other, &inbox)) {
            filled.push(inbox);
        }
    }
    for inbox in filled {
        inbox.filled.notify_one();
    }
}
