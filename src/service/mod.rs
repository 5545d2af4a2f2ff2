//! The use cases, a folder per resource and a file per use case: check the caller, decide, write, all
//! inside one transaction.

mod access;
pub mod caller;
mod context;
pub mod demo;
pub mod error;
pub mod first_start;
pub mod persistent_login;
pub mod profile;
pub mod seed;
pub mod seed_file;
mod transaction;
pub mod upkeep;
