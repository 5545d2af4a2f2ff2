//! Requests that were valid and could not be carried out, by their cause.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::error::Failure;

/// The causes.
const CAUSES: [&str; 13] = [
    "unavailable",
    "overloaded",
    "lists_full",
    "verification_tokens_full",
    "outbox_full",
    "uploads_full",
    "storage",
    "damaged",
    "unusable",
    "timed_out",
    "corrupt",
    "unreadable",
    "internal",
];

/// See the module.
#[derive(Default, Debug)]
pub struct FailureMetrics([AtomicU64; CAUSES.len()]);

impl FailureMetrics {
    /// Counts a request that failed so.
    pub fn record(&self, failure: &Failure) {
        self.0[index(failure)].fetch_add(1, Ordering::Relaxed);
    }

    /// Every cause, and how many requests it failed.
    pub fn counts(&self) -> impl Iterator<Item = (&'static str, u64)> {
        let counts = self.0.iter().map(|count| count.load(Ordering::Relaxed));
        CAUSES.into_iter().zip(counts)
    }
}

/// The place of its cause among the causes.
const fn index(failure: &Failure) -> usize {
    match failure {
        Failure::Unavailable => 0,
        Failure::Overloaded => 1,
        Failure::ListsFull => 2,
        Failure::VerificationTokensFull => 3,
        Failure::OutboxFull => 4,
        Failure::UploadsFull => 5,
        Failure::Storage(_) => 6,
        Failure::Damaged(_) => 7,
        Failure::Unusable(_) => 8,
        Failure::TimedOut => 9,
        Failure::Corrupt(_) => 10,
        Failure::Unreadable(_) => 11,
        Failure::Internal(_) => 12,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_is_counted_under_its_cause() {
        let metrics = FailureMetrics::default();
        metrics.record(&Failure::Overloaded);
        metrics.record(&Failure::Overloaded);
        metrics.record(&Failure::Internal("a fault".to_owned()));
        let counted: Vec<_> = metrics.counts().filter(|(_, count)| *count > 0).collect();
        assert_eq!(counted, [("overloaded", 2), ("internal", 1)]);
    }
}
