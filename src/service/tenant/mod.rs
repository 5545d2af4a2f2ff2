//! The use cases of tenants, one file each.
//!
//! How the profiles of a tenant follow its changes is in [`follow`].

pub mod create;
pub mod delete;
pub mod follow;
pub mod read;
pub mod refusal;
pub mod update;
