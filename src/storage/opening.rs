//! How the writer thread gets its database.

use crate::error::Failure;
use crate::storage::engine::Engine;

/// Opens the database; called by the writer thread, which may block.
pub type Opener = Box<dyn FnMut(Opening) -> Result<Engine, Failure> + Send>;

/// Why the database is being opened.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Opening {
    /// The server starts.
    Start,
    /// The storage failed, so that the host's cached pages of the file may not be what is on the disk.
    AfterFailure,
}
