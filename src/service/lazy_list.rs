//! A list whose elements are read when they are taken.

use std::sync::Arc;

use crate::app::App;
use crate::error::Failure;
use crate::service::list_room::ListRoom;
use crate::storage::Store;
use crate::storage::transaction::Read;

/// The elements of a list from the next one on.
pub trait Rest: Send {
    /// An element.
    type Item: Send;

    /// Whether all of them were read.
    fn is_complete(&self) -> bool;

    /// Reads the next few. They may be none though there are more, if those were deleted meanwhile.
    ///
    /// # Errors
    ///
    /// Failures of the storage.
    fn read_some(&mut self, txn: &impl Read) -> Result<Vec<Self::Item>, Failure>;
}

/// A list. Its elements are read when they are taken, but for the first few, which are of the moment in which the list
/// was made; the memory of the list does not depend on who takes them, and how fast.
pub struct LazyList<R: Rest> {
    first: Option<Vec<R::Item>>,
    rest: R,
    store: Arc<Store>,
    _room: ListRoom,
}

impl<R: Rest> LazyList<R> {
    /// The list of `first`, which were read, and `rest`; its memory is in `room`.
    pub(super) fn new(app: &App, room: ListRoom, first: Vec<R::Item>, rest: R) -> Self {
        Self {
            first: Some(first),
            rest,
            store: Arc::clone(&app.store),
            _room: room,
        }
    }

    /// Whether all of the elements were taken.
    pub fn is_complete(&self) -> bool {
        self.first.is_none() && self.rest.is_complete()
    }

    /// Takes the next few elements; none if all of them were taken, or the next few were deleted.
    ///
    /// # Errors
    ///
    /// Failures of the storage.
    pub fn take_some(&mut self) -> Result<Vec<R::Item>, Failure> {
        match self.first.take() {
            Some(first) => Ok(first),
            None => self.store.read(|txn| self.rest.read_some(txn)),
        }
    }
}
