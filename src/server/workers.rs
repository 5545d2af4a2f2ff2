//! The threads that serve connections.
//!
//! Each has a runtime of its own, and a connection stays on its thread: waking a task from the same thread
//! takes no system call and no lock, and the data of its requests stays in the caches of one processor. What
//! does arrive from another thread, the outcome of a commit, is dispatched to all tasks of a thread together
//! ([`completions::dispatch`]).
//!
//! By default there is one thread less than there are processors. For a rotation, the writer has half as much
//! to do as a worker; with a worker on every processor, the threads block and are woken more often, move
//! between processors, and take more time for each request.

use std::convert::Infallible;
use std::future::Future;
use std::io;
use std::num::NonZeroUsize;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::thread;

use tokio::runtime::{Builder, Handle};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;

use crate::http::panic::panic_message;
use crate::storage::writer::completions;

/// Some worker threads. They end when this is dropped, and the tasks on them are aborted.
pub struct Workers {
    workers: Vec<Worker>,
    /// The number of tasks spawned so far.
    spawned: usize,
    /// Why a thread ended.
    failures: mpsc::Receiver<String>,
}

struct Worker {
    runtime: Handle,
    /// The thread ends when this is dropped.
    _running: oneshot::Sender<()>,
}

impl Workers {
    /// Starts `count` threads, or as many as suit the host.
    ///
    /// # Errors
    ///
    /// If the host has no more threads.
    pub fn start(count: Option<NonZeroUsize>) -> io::Result<Self> {
        Self::start_with(count, completions::dispatch)
    }

    /// Starts threads that run the future of `dispatch` beside their tasks.
    pub(super) fn start_with<D>(
        count: Option<NonZeroUsize>,
        dispatch: impl Fn() -> D,
    ) -> io::Result<Self>
    where
        D: Future<Output = Infallible> + Send + 'static,
    {
        let count = count.map_or_else(default_count, NonZeroUsize::get);
        // Each thread sends one message at most.
        let (failed, failures) = mpsc::channel(count);
        let workers = (0..count).map(|_| Worker::start(dispatch(), failed.clone()));
        Ok(Self {
            workers: workers.collect::<Result<_, _>>()?,
            spawned: 0,
            failures,
        })
    }

    /// Spawns `task` in `tasks`, on each of the threads in turn.
    pub fn spawn(
        &mut self,
        tasks: &mut JoinSet<()>,
        task: impl Future<Output = ()> + Send + 'static,
    ) {
        let worker = &self.workers[self.spawned % self.workers.len()];
        self.spawned += 1;
        tasks.spawn_on(task, &worker.runtime);
    }

    /// Returns when a thread has panicked, with the reason. The tasks on it have been aborted or are about
    /// to be.
    pub async fn failed(&mut self) -> io::Error {
        let reason = self.failures.recv().await;
        let reason = reason.as_deref().unwrap_or("without a reason");
        io::Error::other(format!("a worker thread ended: {reason}"))
    }
}

/// One thread for each processor but one, which is left to the writer.
fn default_count() -> usize {
    let processors = thread::available_parallelism().map_or(1, usize::from);
    processors.saturating_sub(1).max(1)
}

impl Worker {
    fn start(
        dispatch: impl Future<Output = Infallible> + Send + 'static,
        failed: mpsc::Sender<String>,
    ) -> io::Result<Self> {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let handle = runtime.handle().clone();
        let (running, stopped) = oneshot::channel();
        let work = async {
            tokio::select! {
                _ = stopped => {}
                never = dispatch => match never {},
            }
        };
        thread::Builder::new()
            .name("worker".to_owned())
            .spawn(move || {
                if let Err(payload) = catch_unwind(AssertUnwindSafe(|| runtime.block_on(work))) {
                    // The channel is closed if serving has ended; then the reason is of no use.
                    let _ = failed.try_send(panic_message(&*payload).to_owned());
                }
            })?;
        Ok(Self {
            runtime: handle,
            _running: running,
        })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;
    use std::sync::mpsc;

    use super::*;

    /// The number of threads that run what is spawned.
    fn threads(workers: &mut Workers) -> usize {
        let (used, threads) = mpsc::channel();
        let mut tasks = JoinSet::new();
        for _ in 0..2 * workers.workers.len() {
            let used = used.clone();
            workers.spawn(&mut tasks, async move {
                used.send(thread::current().id())
                    .expect("the test receives");
            });
        }
        drop(used);
        threads.iter().collect::<HashSet<_>>().len()
    }

    #[test]
    fn tasks_are_spread_over_the_configured_number_of_threads() {
        for count in [1, 3] {
            let mut workers = Workers::start(NonZeroUsize::new(count)).expect("threads");
            assert_eq!(threads(&mut workers), count);
        }
    }

    #[test]
    fn by_default_one_processor_is_left_to_the_writer() {
        let mut workers = Workers::start(None).expect("threads");
        let processors = thread::available_parallelism().map_or(1, usize::from);
        let count = threads(&mut workers);
        assert!(count == processors - 1 || (count, processors) == (1, 1));
    }
}
