//! What is kept in memory of a state of the database, so that it need not be read again.
//!
//! Nobody who writes has to remember a cache: [`rows`] are changed by the journal's own commit, and a
//! [`derived`] value belongs to one state of its table.

pub mod derived;
pub mod rows;
