//! The use cases, one file per resource: check the caller, decide, write, all inside one transaction.

pub mod access;
pub mod demo;
pub mod first_start;
pub mod persistent_login;
mod rotation;
mod scene;
pub mod seed;
pub mod seed_file;
pub mod upkeep;
