//! What can go wrong on the server's side, independent of HTTP.

use std::fmt;
use std::io;

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
    /// A fault of this program. A write during which it occurred was not applied; it may also have occurred
    /// after a committed write, while the response was encoded.
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

/// The operating system's text for `error`, without the number that the standard library appends to it.
pub fn describe(error: &io::Error) -> String {
    let text = error.to_string();
    let number = error
        .raw_os_error()
        .map(|number| format!(" (os error {number})"));
    match number.and_then(|number| text.strip_suffix(&*number)) {
        Some(text) => text.to_owned(),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_of_the_operating_system_is_described_without_its_number() {
        let error = io::Error::from_raw_os_error(2);
        assert_eq!(describe(&error), "No such file or directory");
        let error = io::Error::other("the disk is full");
        assert_eq!(describe(&error), "the disk is full");
    }
}
