//! The use cases of persistent logins, one file each.
//!
//! Each write is checked first on a snapshot, so that refused callers never reach the writer, and again
//! inside the write transaction, whose check is the one that counts. What happened is recorded in the
//! audit log by the transaction, once it is committed.

mod cap;
pub mod create;
pub mod delete;
pub mod end;
pub mod end_together;
pub mod expire;
pub mod extension;
pub mod list;
mod longest_unused;
mod profile_walk;
pub mod read;
pub mod refresh;
pub mod refusal;
mod seen_device;
pub mod surplus;
mod validity;
