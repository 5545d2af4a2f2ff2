//! What an empty database begins with: the entries of a seed file, or a first tenant and access token.

pub mod audit_key;
pub mod demo;
pub mod initial;
pub mod seed;
mod seed_error;
pub mod seed_file;
pub mod seed_reader;
pub mod token_file;
