//! Verifies every page of a database that is open, without changing it.

use std::io::{self, ErrorKind};
use std::sync::Arc;

use redb::{Builder, StorageBackend};

use crate::storage::engine::deferred_file::DeferredFile;

/// Memory for cached pages, in bytes.
const CACHE_BYTES: usize = 1 << 20;

/// Whether all that was committed to `file` last can be read and matches the library's checksums. Panics over some of
/// what does not.
///
/// A second database on the same file, whose writes stay in memory, finds it as after a crash, and verifies every page
/// before it would repair it.
pub(super) fn is_whole(file: Arc<dyn StorageBackend>) -> bool {
    let Ok(file) = DeferredFile::new(Borrowed(file)) else {
        return false;
    };
    let mut builder = Builder::new();
    builder.set_cache_size(CACHE_BYTES);
    let opened = builder.create_with_backend(file);
    opened.is_ok_and(|database| database.close().is_ok())
}

/// A file that another database has open.
#[derive(Debug)]
struct Borrowed(Arc<dyn StorageBackend>);

impl StorageBackend for Borrowed {
    fn len(&self) -> io::Result<u64> {
        self.0.len()
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        self.0.read(offset, out)
    }

    fn set_len(&self, _: u64) -> io::Result<()> {
        Err(ErrorKind::ReadOnlyFilesystem.into())
    }

    fn sync_data(&self) -> io::Result<()> {
        Err(ErrorKind::ReadOnlyFilesystem.into())
    }

    fn write(&self, _: u64, _: &[u8]) -> io::Result<()> {
        Err(ErrorKind::ReadOnlyFilesystem.into())
    }
}
