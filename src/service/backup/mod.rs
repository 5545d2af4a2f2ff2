//! Backups while the server runs.

mod pace;
pub mod refusal;
pub mod schedule;
pub mod start;
