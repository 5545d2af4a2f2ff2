//! The threads that serve connections.
//!
//! Each has a runtime of its own, and a connection stays on the thread that it was given to: waking a
//! task from the same thread takes no call of the system and no lock, and what its requests touch stays
//! in the cache of one processor. The one message that comes from elsewhere, the answer to a write, is
//! delivered for all of a thread's callers at once ([`answers::deliver`]).

use std::future::Future;
use std::io;
use std::thread;

use tokio::runtime::{Builder, Handle};
use tokio::sync::oneshot;
use tokio::task::JoinSet;

use crate::store::answers;

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
    /// Starts one thread for each processor.
    ///
    /// # Errors
    ///
    /// If the host gives no more threads.
    pub fn start() -> io::Result<Self> {
        let count = thread::available_parallelism().map_or(1, usize::from);
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

impl Worker {
    fn start() -> io::Result<Self> {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let handle = runtime.handle().clone();
        let (alive, ended) = oneshot::channel();
        let work = async {
            tokio::select! {
                _ = ended => {}
                never = answers::deliver() => match never {},
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
