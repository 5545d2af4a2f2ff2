//! How the answers of a commit get back to their callers.
//!
//! Waking a caller on another thread costs a lock and often a system call, for each of the callers of a commit.
//! A thread that serves many callers therefore has a completion queue: the writer puts all of its answers there
//! and wakes it once, and [`dispatch`] wakes the callers from inside. A caller from a thread without a queue is
//! answered by the writer itself.

use std::cell::RefCell;
use std::convert::Infallible;
use std::mem;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use crate::error::Failure;

/// What became of the batch that a job was in.
pub type Outcome = Result<(), Failure>;

/// Something that is answered once its batch is on disk.
pub trait Completion: Send {
    /// Answers the caller: with its own verdict if the batch is on disk, else with why it is not.
    fn complete(self: Box<Self>, batch: Outcome);

    /// Where the caller is answered, if its thread has a queue.
    fn queue(&self) -> Option<&Arc<CompletionQueue>>;
}

thread_local! {
    static QUEUE: RefCell<Option<Arc<CompletionQueue>>> = const { RefCell::new(None) };
}

/// Answers the callers of this thread, until it is dropped. The thread's runtime must be of this thread alone.
pub async fn dispatch() -> Infallible {
    let queue = ThreadQueue::new();
    let mut completed = Vec::new();
    loop {
        queue.0.filled.notified().await;
        mem::swap(&mut *queue.0.lock(), &mut completed);
        for (job, outcome) in completed.drain(..) {
            job.complete(outcome);
        }
    }
}

/// The queue of the thread that calls, if it has one.
pub fn current_queue() -> Option<Arc<CompletionQueue>> {
    QUEUE.with_borrow(Option::clone)
}

/// The jobs of one thread whose callers were not answered yet.
#[derive(Default)]
pub struct CompletionQueue {
    completed: Mutex<Vec<(Box<dyn Completion>, Outcome)>>,
    filled: Notify,
}

impl CompletionQueue {
    fn lock(&self) -> MutexGuard<'_, Vec<(Box<dyn Completion>, Outcome)>> {
        self.completed
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

/// The queue of this thread, as long as somebody dispatches from it.
struct ThreadQueue(Arc<CompletionQueue>);

impl ThreadQueue {
    fn new() -> Self {
        let queue = Arc::default();
        QUEUE.set(Some(Arc::clone(&queue)));
        Self(queue)
    }
}

impl Drop for ThreadQueue {
    fn drop(&mut self) {
        QUEUE.set(None);
    }
}

/// Answers every job of a batch.
pub fn complete(batch: impl IntoIterator<Item = Box<dyn Completion>>, outcome: &Outcome) {
    let mut filled: Vec<Arc<CompletionQueue>> = Vec::new();
    for job in batch {
        let Some(queue) = job.queue().cloned() else {
            job.complete(outcome.clone());
            continue;
        };
        queue.lock().push((job, outcome.clone()));
        if !filled.iter().any(|other| Arc::ptr_eq(other, &queue)) {
            filled.push(queue);
        }
    }
    for queue in filled {
        queue.filled.notify_one();
    }
}
