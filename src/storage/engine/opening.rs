//! Why a database is opened, on which it depends how.

/// Why the database is being opened.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Opening {
    /// The server starts.
    Start,
    /// The storage failed, so that the host's cached pages of the file may not be what is on the disk.
    AfterFailure,
}
