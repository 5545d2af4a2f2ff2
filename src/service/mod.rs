//! The use cases, a folder per resource and a file per use case: check the caller, decide, write, all
//! inside one transaction.

mod access;
pub mod access_token;
pub mod admin;
pub mod attachment;
pub mod authentication;
pub mod backup;
pub mod bootstrap;
pub mod caller;
mod context;
mod end_access;
pub mod error;
pub mod export;
pub mod import;
pub mod lazy_list;
mod list_room;
pub mod mail;
pub mod password;
pub mod persistent_login;
pub mod profile;
pub mod request_scope;
mod steps;
pub mod tenant;
pub mod ticket;
mod transaction;
pub mod verification_token;
