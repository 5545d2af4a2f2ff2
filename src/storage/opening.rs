//! How the writer thread gets its database.

use crate::error::Failure;
use crate::storage::engine::Engine;
use crate::storage::engine::opening::Opening;

/// Opens the database; called by the writer thread, which may block.
pub type Opener = Box<dyn FnMut(Opening) -> Result<Engine, Failure> + Send>;
