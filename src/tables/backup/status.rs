//! The backup that is being made while a server runs, and the last ones. It is in memory alone.

use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use crate::clock::Timestamp;
use crate::error::Failure;

/// How many ended backups are remembered.
const ENDED_MAX: usize = 8;

/// What is done to a backup.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Stage {
    /// The tables are copied.
    Copying,
    /// The copy is verified.
    Verifying,
}

/// A backup that is being made.
#[derive(Clone, Debug)]
pub struct Running {
    /// Its number, by which it is found once it has ended.
    pub number: u64,
    /// The file.
    pub file: PathBuf,
    /// What is done.
    pub stage: Stage,
    /// The table that is at work.
    pub table: String,
    /// How many of its entries are done.
    pub done: u64,
    /// How many it has.
    pub of: u64,
}

/// A good backup.
#[derive(Clone, Debug)]
pub struct Made {
    /// When it was begun.
    pub time: Timestamp,
    /// How many entries it has.
    pub entries: u64,
    /// How many bytes the file has.
    pub bytes: u64,
    /// How long it took.
    pub millis: u64,
    /// The key file, and whether its keys are in the backup.
    pub key_file: PathBuf,
    /// See there.
    pub has_keys: bool,
    /// The numbers of the keys that are needed and missing.
    pub missing_keys: Vec<u32>,
}

/// A backup that has ended.
#[derive(Clone, Debug)]
pub struct Ended {
    /// Its number.
    pub number: u64,
    /// The file.
    pub file: PathBuf,
    /// What came of it; nothing is left of one that failed.
    pub outcome: Result<Made, Failure>,
}

/// See the module.
#[derive(Default, Debug)]
pub struct Backups {
    state: Mutex<State>,
    is_stopping: AtomicBool,
    ended: Notify,
}

#[derive(Default, Debug)]
struct State {
    last_number: u64,
    running: Option<Running>,
    /// The last ones, the newest last.
    ended: VecDeque<Ended>,
    last_good: Option<Timestamp>,
}

impl Backups {
    /// Begins a backup, and returns its number; `None` if one is being made, or the server stops.
    pub fn begin(&self, file: PathBuf) -> Option<u64> {
        let mut state = self.lock();
        if state.running.is_some() || self.is_stopping.load(Ordering::Relaxed) {
            return None;
        }
        state.last_number += 1;
        let number = state.last_number;
        state.running = Some(Running {
            number,
            file,
            stage: Stage::Copying,
            table: String::new(),
            done: 0,
            of: 0,
        });
        Some(number)
    }

    /// Records how far the backup that is being made has come.
    ///
    /// # Errors
    ///
    /// [`Failure::Unavailable`] if it is to end, because the server stops.
    pub fn proceed(&self, stage: Stage, table: &str, done: u64, of: u64) -> Result<(), Failure> {
        if self.is_stopping.load(Ordering::Relaxed) {
            return Err(Failure::Unavailable);
        }
        if let Some(running) = &mut self.lock().running {
            running.stage = stage;
            running.done = done;
            running.of = of;
            if running.table != table {
                table.clone_into(&mut running.table);
            }
        }
        Ok(())
    }

    /// Ends the backup that is being made.
    pub fn end(&self, outcome: Result<Made, Failure>) {
        let mut state = self.lock();
        if let Some(Running { number, file, .. }) = state.running.take() {
            if let Ok(made) = &outcome {
                state.last_good = Some(made.time);
            }
            if state.ended.len() == ENDED_MAX {
                state.ended.pop_front();
            }
            state.ended.push_back(Ended {
                number,
                file,
                outcome,
            });
        }
        drop(state);
        self.ended.notify_waiters();
    }

    /// The backup that is being made.
    pub fn running(&self) -> Option<Running> {
        self.lock().running.clone()
    }

    /// The ended backup with this number, if it is remembered.
    pub fn ended(&self, number: u64) -> Option<Ended> {
        let state = self.lock();
        let mut ended = state.ended.iter();
        ended.find(|ended| ended.number == number).cloned()
    }

    /// When the last good backup was begun, of those that this process knows of.
    pub fn last_good(&self) -> Option<Timestamp> {
        self.lock().last_good
    }

    /// Notes a good backup that was made before.
    pub fn note_good(&self, time: Timestamp) {
        let mut state = self.lock();
        state.last_good = state.last_good.max(Some(time));
    }

    /// Waits until no backup is being made.
    pub async fn wait(&self) {
        loop {
            let mut ended = std::pin::pin!(self.ended.notified());
            // From now on none is missed.
            ended.as_mut().enable();
            if self.lock().running.is_none() {
                return;
            }
            ended.await;
        }
    }

    /// Ends the backup that is being made as soon as that is possible, and begins no other.
    pub async fn stop(&self) {
        self.is_stopping.store(true, Ordering::Relaxed);
        self.wait().await;
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn one_backup_is_made_at_a_time_and_none_while_the_server_stops() {
        let backups = Backups::default();
        let file = || PathBuf::from("/backup");
        let first = backups.begin(file()).expect("none is being made");
        assert_eq!(backups.begin(file()), None);
        assert_eq!(backups.proceed(Stage::Copying, "meta", 1, 2), Ok(()));
        let running = backups.running().expect("it is being made");
        assert_eq!((running.number, running.done, running.of), (first, 1, 2));
        backups.end(Err(Failure::Unavailable));
        backups.wait().await;
        assert!(backups.running().is_none() && backups.last_good().is_none());
        assert!(
            backups
                .ended(first)
                .is_some_and(|ended| ended.outcome.is_err())
        );
        for _ in 0..2 * ENDED_MAX {
            let number = backups.begin(file()).expect("none is being made");
            backups.end(Err(Failure::Unavailable));
            assert!(backups.ended(number).is_some());
        }
        assert!(backups.ended(first).is_none());
        backups.stop().await;
        assert_eq!(backups.begin(file()), None);
    }
}
