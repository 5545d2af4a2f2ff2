//! Mails: they are written into an outbox with what they are about, and sent by a job.

pub mod enqueue;
pub mod outbox;
