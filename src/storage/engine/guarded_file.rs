//! A file whose read errors do not get to the database's library while a [`run`] is under way.

use std::cell::Cell;
use std::io;
use std::sync::Arc;

use redb::StorageBackend;

use crate::storage::engine::forward::{forward_close_and_locks, forward_lock};
use crate::storage::library_panics::unreported;

/// The bytes that every file begins with.
const HEADER_BYTES: usize = 512;

/// What the library reads in place of bytes that cannot be read: pages begin with 1 or 2.
const NO_PAGE: u8 = 0xFF;

thread_local! {
    /// Whether this thread is within a run.
    static IS_RUNNING: Cell<bool> = const { Cell::new(false) };
    /// The bytes that could not be read in it.
    static UNREADABLE: Cell<Option<FileRange>> = const { Cell::new(None) };
}

/// Bytes of the file.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct FileRange {
    /// Where they begin.
    pub offset: u64,
    /// How many they are.
    pub length: usize,
}

/// Runs `work`, which must not panic, with read errors and messages of panics kept back. Returns the last bytes that
/// could not be read, too.
pub(super) fn run<T>(work: impl FnOnce() -> T) -> (T, Option<FileRange>) {
    IS_RUNNING.set(true);
    let done = unreported(work);
    IS_RUNNING.set(false);
    (done, UNREADABLE.take())
}

/// See the module.
#[derive(Debug)]
pub(super) struct GuardedFile(Arc<dyn StorageBackend>);

impl GuardedFile {
    pub(super) fn new(file: Arc<dyn StorageBackend>) -> Self {
        Self(file)
    }
}

impl StorageBackend for GuardedFile {
    fn len(&self) -> io::Result<u64> {
        self.0.len()
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let Err(error) = self.0.read(offset, out) else {
            return Ok(());
        };
        if !IS_RUNNING.get() {
            return Err(error);
        }
        // Once more: what the library gets instead stays in its cache, also if the error passes.
        if self.0.read(offset, out).is_ok() {
            return Ok(());
        }
        // A disk that is gone has no part that can be read.
        if self.0.read(0, &mut [0; HEADER_BYTES]).is_err() {
            return Err(error);
        }
        let length = out.len();
        UNREADABLE.set(Some(FileRange { offset, length }));
        out.fill(NO_PAGE);
        Ok(())
    }

    fn set_len(&self, length: u64) -> io::Result<()> {
        self.0.set_len(length)
    }

    fn sync_data(&self) -> io::Result<()> {
        self.0.sync_data()
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.0.write(offset, data)
    }

    forward_close_and_locks!(0);
}
