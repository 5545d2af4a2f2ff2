//! What can go wrong on the server's side, independent of HTTP.

use std::fmt;
use std::io::{self, ErrorKind};
use std::path::Path;

use rustix::io::Errno;

/// That a database file is locked. The text is all that a failure of the storage has.
const LOCKED: &str = "another process uses it, and has locked it";

/// Why a valid request could not be carried out.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum Failure {
    /// The store is opening or closing: nothing was applied.
    Unavailable,
    /// The writer's queue is full: nothing was applied.
    Overloaded,
    /// The memory for lists that are being sent is full: nothing was applied.
    ListsFull,
    /// There are as many verification tokens as there may be: nothing was applied.
    VerificationTokensFull,
    /// The outbox of mails is full: nothing was applied.
    OutboxFull,
    /// As many uploads go on as may: nothing was applied.
    UploadsFull,
    /// The storage failed: a write may have been applied or not.
    Storage(String),
    /// The database file is damaged, so that it cannot be opened: nothing was applied.
    Damaged(String),
    /// The database, or its directory, cannot be used as it is: nothing was applied.
    Unusable(String),
    /// The write did not finish in time; it may have been applied or not.
    TimedOut,
    /// A stored record does not decode: nothing was applied.
    Corrupt(String),
    /// A part of the database cannot be read, while the rest can: nothing was applied.
    Unreadable(String),
    /// A fault of this program. A write during which it occurred was not applied; it may also have occurred
    /// after a committed write, while the response was encoded.
    Internal(String),
}

impl Failure {
    /// That the file at `path` cannot be used because of `cause`.
    pub fn unusable_file(path: &Path, cause: impl fmt::Display) -> Self {
        Self::Unusable(format!("{}: {cause}", path.display()))
    }

    /// The failure of an access to the file at `path`.
    pub fn of_access(path: &Path, error: &io::Error) -> Self {
        let text = format!("{}: {}", path.display(), describe(error));
        if may_pass(error) {
            Self::Storage(text)
        } else {
            Self::Unusable(text)
        }
    }

    /// That another process has locked the database file, which may pass.
    pub fn locked() -> Self {
        Self::Storage(LOCKED.to_owned())
    }

    /// Whether another process has locked the database file.
    pub fn is_locked(&self) -> bool {
        matches!(self, Self::Storage(cause) if cause.ends_with(LOCKED))
    }

    /// Whether the disk or a quota is full, or the file may not become longer. The database's library passes on no more
    /// than the text of the operating system.
    pub fn is_no_space(&self) -> bool {
        let Self::Storage(cause) = self else {
            return false;
        };
        let errors = [Errno::NOSPC, Errno::DQUOT, Errno::FBIG].map(io::Error::from);
        errors.iter().any(|error| cause.contains(&describe(error)))
    }

    /// What was found; nothing if the record does not decode.
    ///
    /// # Errors
    ///
    /// Any other failure.
    pub fn unless_corrupt<T>(found: Result<Option<T>, Self>) -> Result<Option<T>, Self> {
        match found {
            Err(Self::Corrupt(_)) => Ok(None),
            found => found,
        }
    }

    /// The failure with the name of a file before its cause, if it is not there already.
    #[must_use]
    pub fn of_file(self, name: &str) -> Self {
        let named = |cause: String| {
            if cause.starts_with(name) {
                cause
            } else {
                format!("{name}: {cause}")
            }
        };
        match self {
            Self::Storage(cause) => Self::Storage(named(cause)),
            Self::Damaged(cause) => Self::Damaged(named(cause)),
            Self::Unreadable(cause) => Self::Unreadable(named(cause)),
            Self::Unusable(cause) => Self::Unusable(named(cause)),
            Self::Corrupt(cause) => Self::Corrupt(named(cause)),
            Self::Internal(cause) => Self::Internal(named(cause)),
            Self::Unavailable
            | Self::Overloaded
            | Self::ListsFull
            | Self::OutboxFull
            | Self::UploadsFull
            | Self::VerificationTokensFull
            | Self::TimedOut => self,
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unavailable => formatter.write_str("the store is not open"),
            Self::Overloaded => formatter.write_str("the writer's queue is full"),
            Self::ListsFull => {
                formatter.write_str("the lists that are being sent take all of --list-memory-max")
            }
            Self::VerificationTokensFull => {
                formatter.write_str("there are as many verification tokens as there may be")
            }
            Self::OutboxFull => {
                formatter.write_str("the outbox of mails holds --mail-outbox-max of them")
            }
            Self::UploadsFull => formatter.write_str("there are --uploads-max uploads already"),
            Self::Storage(cause) => write!(formatter, "the storage failed: {cause}"),
            Self::Damaged(cause) | Self::Unusable(cause) => formatter.write_str(cause),
            Self::TimedOut => formatter.write_str("the write did not finish in time"),
            Self::Corrupt(cause) => write!(formatter, "a record is corrupt: {cause}"),
            Self::Unreadable(cause) => {
                write!(formatter, "a part of the database is damaged: {cause}")
            }
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

/// Whether `error` may be gone after a while without anybody doing anything about it, like a disk that does not
/// respond; no permission, for example, does not come by itself.
pub fn may_pass(error: &io::Error) -> bool {
    !matches!(
        error.kind(),
        ErrorKind::NotFound
            | ErrorKind::PermissionDenied
            | ErrorKind::IsADirectory
            | ErrorKind::NotADirectory
            | ErrorKind::ReadOnlyFilesystem
            | ErrorKind::InvalidInput
            | ErrorKind::InvalidFilename
            | ErrorKind::Unsupported
    )
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
