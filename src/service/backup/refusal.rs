//! Why a backup is not begun.

use crate::service::error::Refusal;

/// Why a backup is not begun.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum BackupRefusal {
    /// One is being made, or the server stops.
    Busy,
    /// The path is not absolute: the server's working directory is not the caller's.
    RelativePath,
}

impl Refusal for BackupRefusal {}
