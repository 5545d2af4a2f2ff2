//! The pure rules: what each resource is and how it changes. No I/O, no clock, no randomness.

pub mod access_token;
pub mod device;
pub mod object_id;
pub mod password;
pub mod persistent_login;
pub mod profile;
pub mod tenant;
