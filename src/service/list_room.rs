//! The memory that lists take while they are made and sent, which is bounded for all of them together.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

use crate::app::App;
use crate::error::Failure;

/// A list takes at most this share of the memory, however long it may be.
const LIST_SHARE: usize = 4;

/// How long a list waits for room.
const ROOM_WAIT_MAX: Duration = Duration::from_secs(1);

/// In which steps a list gets more room.
const GROWTH: usize = 64;

/// A part of the memory for lists, which is given back when this is dropped.
pub(super) struct ListRoom {
    memory: Arc<Semaphore>,
    /// One permit for each KiB.
    permit: OwnedSemaphorePermit,
    most: usize,
}

impl ListRoom {
    /// Reserves room for `bytes`, but not more than that others have room too.
    ///
    /// # Errors
    ///
    /// [`Failure::ListsFull`] if there is none for a while.
    pub(super) async fn reserve(app: &App, bytes: usize) -> Result<Self, Failure> {
        let memory = Arc::clone(&app.list_memory);
        let most = (app.config.requests.list_memory_max / LIST_SHARE) >> 10;
        let permits = permits(bytes).min(most);
        let permit = Arc::clone(&memory).acquire_many_owned(saturated(permits));
        match timeout(ROOM_WAIT_MAX, permit).await {
            Ok(permit) => Ok(Self {
                permit: permit.expect("the semaphore is never closed"),
                memory,
                most,
            }),
            Err(_elapsed) => Err(Failure::ListsFull),
        }
    }

    /// Reserves more, so that there is room for `bytes`. Returns whether one list may take so much.
    ///
    /// # Errors
    ///
    /// [`Failure::ListsFull`] if others have taken it.
    pub(super) fn grow(&mut self, bytes: usize) -> Result<bool, Failure> {
        let (has, needs) = (self.permit.num_permits(), permits(bytes));
        if needs <= has {
            return Ok(true);
        }
        if needs > self.most {
            return Ok(false);
        }
        let more = needs.next_multiple_of(GROWTH).min(self.most) - has;
        let more = Arc::clone(&self.memory).try_acquire_many_owned(saturated(more));
        self.permit.merge(more.map_err(|_| Failure::ListsFull)?);
        Ok(true)
    }

    /// Gives back what is not needed for `bytes`.
    pub(super) fn shrink(&mut self, bytes: usize) {
        let excess = self.permit.num_permits().saturating_sub(permits(bytes));
        drop(self.permit.split(excess));
    }
}

fn permits(bytes: usize) -> usize {
    bytes.div_ceil(1 << 10)
}

fn saturated(permits: usize) -> u32 {
    u32::try_from(permits).unwrap_or(u32::MAX)
}
