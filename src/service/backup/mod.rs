//! Backups while the server runs.

pub mod refusal;
pub mod schedule;
pub mod start;
