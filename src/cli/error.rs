//! Why a command failed.

use std::fmt;
use std::io;
use std::path::{self, Path, PathBuf};

use crate::cli::terminal::plain::plain;
use crate::error::{Failure, describe};

/// Why a command failed: a text for the person who ran it.
#[derive(PartialEq, Eq, Debug)]
pub struct CommandError {
    text: String,
    exit_code: Option<u8>,
}

impl CommandError {
    /// The error that `what` failed because of `cause`.
    pub fn new(what: impl fmt::Display, cause: impl fmt::Display) -> Self {
        // It is the name of a file in most cases.
        let what = plain(&what.to_string());
        format!("{what}: {cause}").into()
    }

    /// The same error, with which the process ends with this exit code, and not with that of the command.
    pub fn with_exit_code(self, exit_code: u8) -> Self {
        Self {
            exit_code: Some(exit_code),
            ..self
        }
    }

    /// The exit code of the process, if it is not that of the command.
    pub fn exit_code(&self) -> Option<u8> {
        self.exit_code
    }

    /// The error that `what` failed because of the operating system.
    pub fn io(what: impl fmt::Display, error: &io::Error) -> Self {
        Self::new(what, describe(error))
    }

    /// The error that the database in `data_dir` could not be opened.
    pub fn opening(failure: Failure, data_dir: &Path) -> Self {
        Self::damaged(
            "cannot open the database",
            "; nothing was changed",
            failure,
            data_dir,
        )
    }

    /// The error that a database could not be created; nothing is left of it.
    pub fn creating(failure: Failure) -> Self {
        match failure {
            Failure::Storage(cause)
            | Failure::Damaged(cause)
            | Failure::Corrupt(cause)
            | Failure::Unreadable(cause) => Self::new(
                "cannot create the database",
                format!("{cause}; nothing is left of it"),
            ),
            other => other.into(),
        }
    }

    /// The error that the database in `data_dir`, which is open, could not be used.
    pub fn using(failure: Failure, data_dir: &Path) -> Self {
        let what = format!(
            "cannot use the database in {}",
            absolute(data_dir).display()
        );
        Self::damaged(what, "", failure, data_dir)
    }

    /// The error that the database in `data_dir` could not be copied to `target`; nothing is left of the copy.
    pub fn copying(failure: Failure, data_dir: &Path, target: &Path) -> Self {
        match failure {
            Failure::Unreadable(_) | Failure::Corrupt(_) => {
                Self::damaged("cannot copy the database", "", failure, data_dir)
            }
            Failure::Damaged(_) => {
                let failure = failure.of_file("a part of it is not right");
                Self::damaged("cannot copy the database", "", failure, data_dir)
            }
            other => other.of_file(&target.display().to_string()).into(),
        }
    }

    fn damaged(what: impl fmt::Display, state: &str, failure: Failure, data_dir: &Path) -> Self {
        let (is_no_space, is_locked) = (failure.is_no_space(), failure.is_locked());
        match failure {
            Failure::Storage(cause) if is_no_space => Self::new(
                what,
                format!(
                    "{cause}{state}; free space on its disk, or raise the quota or the limit of file sizes \
                     (ulimit -f), and try again: nothing is damaged by that"
                ),
            ),
            Failure::Storage(cause) if is_locked => Self::new(
                what,
                format!("{cause}{state}; try again once it has ended: nothing is damaged by that"),
            ),
            Failure::Storage(cause)
            | Failure::Damaged(cause)
            | Failure::Corrupt(cause)
            | Failure::Unreadable(cause) => {
                let data_dir = absolute(data_dir);
                let data_dir = data_dir.display();
                let advice = format!(
                    "{cause}{state}; \"rememberd check --data-dir {data_dir}\" lists what is damaged, \
                     \"rememberd salvage {data_dir} NEW_DIR\" copies what is readable"
                );
                Self::new(what, advice)
            }
            other => other.into(),
        }
    }
}

fn absolute(data_dir: &Path) -> PathBuf {
    path::absolute(data_dir).unwrap_or_else(|_| data_dir.to_owned())
}

impl fmt::Display for CommandError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.text)
    }
}

impl std::error::Error for CommandError {}

impl From<String> for CommandError {
    fn from(text: String) -> Self {
        Self {
            text,
            exit_code: None,
        }
    }
}

impl From<Failure> for CommandError {
    fn from(failure: Failure) -> Self {
        failure.to_string().into()
    }
}

#[cfg(test)]
mod tests {
    use rustix::io::Errno;

    use super::*;

    #[test]
    fn a_disk_that_is_full_is_no_damage() {
        for errno in [Errno::NOSPC, Errno::DQUOT, Errno::FBIG] {
            let error = io::Error::from(errno);
            let path = Path::new("/data/rememberd.redb");
            let of_library = Failure::Storage(format!("I/O error: {error}"));
            for failure in [Failure::of_access(path, &error), of_library] {
                let error = CommandError::opening(failure, Path::new("/data")).to_string();
                assert!(
                    error.contains("free space") && !error.contains("salvage"),
                    "{error}"
                );
            }
        }
    }

    #[test]
    fn a_database_that_cannot_be_opened_is_no_failed_storage() {
        let error = CommandError::opening(
            Failure::Storage("/data/db: it is broken".to_owned()),
            Path::new("/data"),
        );
        assert_eq!(
            error.to_string(),
            "cannot open the database: /data/db: it is broken; nothing was changed; \"rememberd check \
             --data-dir /data\" lists what is damaged, \"rememberd salvage /data NEW_DIR\" copies what is readable"
        );
        let error = CommandError::creating(Failure::Storage("/data/db: it is full".to_owned()));
        assert_eq!(
            error.to_string(),
            "cannot create the database: /data/db: it is full; nothing is left of it"
        );
        let error = CommandError::opening(
            Failure::Unusable("it is of a newer version".to_owned()),
            Path::new("/data"),
        );
        assert_eq!(error.to_string(), "it is of a newer version");
    }
}
