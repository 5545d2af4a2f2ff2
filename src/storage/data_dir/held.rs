//! The database file while it is open.

use std::fs::File;

use crate::storage::engine::own_file::OwnFile;

/// The database file that was opened last.
#[derive(Debug)]
pub struct Held {
    /// The file, which keeps its number while it is held.
    pub file: File,
    /// The same, as the engine writes to it, if it is one of the file system.
    pub own_file: Option<OwnFile>,
}
