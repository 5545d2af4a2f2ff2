//! The use cases of persistent logins, one file each.
//!
//! Each write is checked first on a snapshot, so that refused callers never reach the writer, and again
//! inside the write transaction, whose check is the one that counts. What happened is recorded in the
//! audit log by the transaction, once it is committed.

pub mod create;
pub mod delete;
pub mod expire;
pub mod list;
pub mod read;
pub mod refresh;
pub mod refusal;
