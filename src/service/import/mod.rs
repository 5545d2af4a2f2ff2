//! Bringing in what another server had: entries of a seed file or of an export are checked by themselves
//! ([`prepare`]), gathered in [batches](batch) of bounded size, and written with a check against the tables ([`put`]).

pub mod batch;
mod document;
pub mod documents;
pub mod known_secret;
pub mod prepare;
pub mod put;
