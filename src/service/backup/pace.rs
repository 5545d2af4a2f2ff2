//! How fast a backup is made: where callers write meanwhile, the disk and the processors are theirs most of the time.

use std::thread;
use std::time::{Duration, Instant};

use crate::storage::Store;

/// The pause after a step during which somebody else wrote, in times that it took.
const PAUSES_BUSY: u32 = 3;

/// The longest pause: a disk that stood still once does not stop the backup.
const PAUSE_MAX: Duration = Duration::from_secs(1);

/// The pace of the thread that makes a backup.
pub struct Pace<'s> {
    store: &'s Store,
    /// When the step began, and the number of commits then.
    began: Instant,
    commits: u64,
}

impl<'s> Pace<'s> {
    /// Begins the first step.
    pub fn new(store: &'s Store) -> Self {
        Self {
            store,
            began: Instant::now(),
            commits: store.commits(),
        }
    }

    /// Ends a step, and begins the next one after the pause that is due.
    pub fn step(&mut self) {
        let commits = self.store.commits();
        if commits > self.commits {
            let pause = self.began.elapsed().saturating_mul(PAUSES_BUSY);
            thread::sleep(pause.min(PAUSE_MAX));
        }
        self.commits = commits;
        self.began = Instant::now();
    }
}
