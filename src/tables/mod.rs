//! Keys, records and indexes of each resource.

pub mod access_token;
pub mod meta;
pub mod persistent_login;
pub mod profile;
pub mod tenant;
