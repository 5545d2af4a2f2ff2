//! The threads that serve connections.
//!
//! Each has a runtime of its own, and a connection stays on the thread that it was given to: waking a
//! task from the same thread takes no call of the system and no lock, and what its requests touch stays
//! in the cache of one processor. The one message that comes from elsewhere, the answer to a write, is
//! delivered for all of a thread's callers at once ([`completions::dispatch`]).
//!
//! By default there is one less of them than processors. The writer has as much to do for a rotation as
//! half a worker, and with a worker on every processor all of them are in each other's way: they sleep
//! and are woken more often, move between the processors, and take more time for each request.

use std::future::Future;
use std::io;
use std::num::NonZeroUsize;
use std::thread;

use tokio::runtime::{Builder, Handle};
use tokio::sync::oneshot;
use tokio::task::JoinSet;

use crate::storage::writer::completions;

/// Some threads, which end when this is dropped, and with them what was spawned on them.
pub struct Workers {
    workers: Vec<Worker>,
    /// How many tasks were spawned so far.
    spawned: usize,
}

struct Worker {
    runtime: Handle,
    /// The thread ends when this is dropped.
    _alive: oneshot::Sender<()>,
}

impl Workers {
    /// Starts `count` threads, or as many as suit the host.
    ///
    /// # Errors
    ///
    /// If the host gives no more threads.
    pub fn start(count: Option<NonZeroUsize>) -> io::Result<Self> {
        let count = count.map_or_else(suitable_count, NonZeroUsize::get);
        let workers = (0..count).map(|_| Worker::start());
        Ok(Self {
            workers: workers.collect::<Result<_, _>>()?,
            spawned: 0,
        })
    }

    /// Spawns `task` on one of the threads, which take turns, as one of `tasks`.
    pub fn spawn(
        &mut self,
        tasks: &mut JoinSet<()>,
        task: impl Future<Output = ()> + Send + 'static,
    ) {
        let worker = &self.workers[self.spawned % self.workers.len()];
        self.spawned += 1;
        tasks.spawn_on(task, &worker.runtime);
    }
}

/// One thread for each processor but the one that is left to the writer.
fn suitable_count() -> usize {
    let processors = thread::available_parallelism().map_or(1, usize::from);
    processors.saturating_sub(1).max(1)
}

impl Worker {
    fn start() -> io::Result<Self> {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let handle = runtime.handle().clone();
        let (alive, ended) = oneshot::channel();
        let work = async {
            tokio::select! {
                _ = ended => {}
                never = completions::dispatch() => match never {},
            }
        };
        thread::Builder::new()
            .name("worker".to_owned())
            .spawn(move || runtime.block_on(work))?;
        Ok(Self {
            runtime: handle,
            _alive: alive,
        })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;
    use std::sync::mpsc;

    use super::*;

    /// How many threads run what is spawned.
    fn threads(workers: &mut Workers) -> usize {
        let (seen, threads) = mpsc::channel();
        let mut tasks = JoinSet::new();
        for _ in 0..2 * workers.workers.len() {
            let seen = seen.clone();
            workers.spawn(&mut tasks, async move {
                seen.send(thread::current().id()).expect("somebody listens");
            });
        }
        drop(seen);
        threads.iter().collect::<HashSet<_>>().len()
    }

    #[test]
    fn there_are_as_many_threads_as_are_asked_for_and_each_gets_its_share() {
        for count in [1, 3] {
            let mut workers = Workers::start(NonZeroUsize::new(count)).expect("they start");
            assert_eq!(threads(&mut workers), count);
        }
    }

    #[test]
    fn by_default_one_processor_is_left_to_the_writer() {
        let mut workers = Workers::start(None).expect("they start");
        let processors = thread::available_parallelism().map_or(1, usize::from);
        let count = threads(&mut workers);
        assert!(count == processors - 1 || (count, processors) == (1, 1));
    }
}
