//! The use cases of tickets, one file each.
//!
//! A ticket is looked at far more often than it is created, and each look moves its last request: that is done in
//! memory, and [saved](save) afterwards. Creating and invalidating it are durable like all other writes.

pub mod create;
pub mod end;
pub mod expire;
pub mod invalidate;
pub(super) mod lookup;
pub mod read;
pub mod refusal;
pub mod save;
