//! Connections: how many were accepted, and how many are open.

use std::sync::atomic::{AtomicU64, Ordering};

/// See the module.
#[derive(Default, Debug)]
pub struct ConnectionMetrics {
    accepted: AtomicU64,
    closed: AtomicU64,
}

/// An open connection; it is closed when this is dropped.
pub struct Counted<'a>(&'a ConnectionMetrics);

impl ConnectionMetrics {
    /// Counts a connection until what is returned is dropped.
    pub fn open(&self) -> Counted<'_> {
        self.accepted.fetch_add(1, Ordering::Relaxed);
        Counted(self)
    }

    /// How many were accepted since the start.
    pub fn accepted(&self) -> u64 {
        self.accepted.load(Ordering::Relaxed)
    }

    /// How many are open.
    pub fn open_now(&self) -> u64 {
        // In this order: one that is opened in between does not make it negative.
        let closed = self.closed.load(Ordering::Acquire);
        self.accepted().saturating_sub(closed)
    }
}

impl Drop for Counted<'_> {
    fn drop(&mut self) {
        self.0.closed.fetch_add(1, Ordering::Release);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_connection_is_open_until_it_is_dropped() {
        let metrics = ConnectionMetrics::default();
        let first = metrics.open();
        let second = metrics.open();
        assert_eq!((metrics.accepted(), metrics.open_now()), (2, 2));
        drop(first);
        assert_eq!((metrics.accepted(), metrics.open_now()), (2, 1));
        drop(second);
        assert_eq!((metrics.accepted(), metrics.open_now()), (2, 0));
    }
}
