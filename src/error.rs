//! What can go wrong on the server's side, without a word of HTTP.

use std::fmt;

/// Why a valid request could not be carried out.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Failure {
    /// The store is opening or closing: nothing was applied.
    Unavailable,
    /// The writer's queue is full: nothing was applied.
    Overloaded,
    /// The storage failed: a write may have been applied or not.
    Storage(String),
    /// The database, or its directory, cannot be used as it is: nothing was applied.
    Unusable(String),
    /// The write did not finish in time; it may have been applied or not.
    TimedOut,
    /// A stored record does not decode: nothing was applied.
    Corrupt(String),
    /// A fault of this program. Nothing was applied of a write that met it; it may also have followed a
    /// committed write, while the response was encoded.
    Internal(String),
}

impl fmt::Display for Failure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unavailable => formatter.write_str("the store is not open"),
            Self::Overloaded => formatter.write_str("the writer's queue is full"),
            Self::Storage(cause) => write!(formatter, "the storage failed: {cause}"),
            Self::Unusable(cause) => formatter.write_str(cause),
            Self::TimedOut => formatter.write_str("the write did not finish in time"),
            Self::Corrupt(cause) => write!(formatter, "a record is corrupt: {cause}"),
            Self::Internal(cause) => write!(formatter, "internal fault: {cause}"),
        }
    }
}

impl std::error::Error for Failure {}
