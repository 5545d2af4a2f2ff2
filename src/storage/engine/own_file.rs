//! Whether the database's file was written by somebody else: a backup that is copied over it while it is open mixes
//! with what is in memory, and the next writes destroy both.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use redb::StorageBackend;

use crate::storage::engine::forward::{forward_close_and_locks, forward_lock};

/// The bytes at the beginning that every commit changes.
const START_BYTES: usize = 512;

/// A file that nobody else may write to. Once somebody has, it refuses to be written to, and stays as it is.
#[derive(Clone, Debug)]
pub struct OwnFile(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    file: Box<dyn StorageBackend>,
    start: Mutex<Start>,
    is_foreign: AtomicBool,
}

/// What the file has if only this process wrote to it. Held locked while that changes.
#[derive(Debug)]
struct Start {
    /// `None` after a write that failed, which may have been done in part.
    bytes: Option<[u8; START_BYTES]>,
    length: u64,
}

impl OwnFile {
    /// The file as it is now.
    ///
    /// # Errors
    ///
    /// If it cannot be read.
    pub(super) fn new(file: impl StorageBackend) -> io::Result<Self> {
        let length = file.len()?;
        let bytes = if length < START_BYTES as u64 {
            [0; START_BYTES]
        } else {
            read_start(&file)?
        };
        Ok(Self(Arc::new(Inner {
            file: Box::new(file),
            start: Mutex::new(Start {
                bytes: Some(bytes),
                length,
            }),
            is_foreign: AtomicBool::new(false),
        })))
    }

    /// Whether somebody else has changed the beginning of the file, or has cut it. A file that cannot be read counts as
    /// unchanged.
    pub fn is_foreign(&self) -> bool {
        let start = self.start();
        let is_cut = self.0.file.len().is_ok_and(|length| length < start.length);
        let is_changed = || {
            let known = start.bytes.filter(|_| start.length >= START_BYTES as u64);
            known.is_some_and(|known| read_start(&*self.0.file).is_ok_and(|found| found != known))
        };
        if is_cut || is_changed() {
            self.0.is_foreign.store(true, Ordering::Relaxed);
        }
        self.0.is_foreign.load(Ordering::Relaxed)
    }

    fn start(&self) -> MutexGuard<'_, Start> {
        self.0.start.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn refuse_if_foreign(&self) -> io::Result<()> {
        if self.0.is_foreign.load(Ordering::Relaxed) {
            return Err(io::Error::other(
                "the file was overwritten while it was open",
            ));
        }
        Ok(())
    }
}

fn read_start(file: &dyn StorageBackend) -> io::Result<[u8; START_BYTES]> {
    let mut bytes = [0; START_BYTES];
    file.read(0, &mut bytes)?;
    Ok(bytes)
}

impl StorageBackend for OwnFile {
    fn len(&self) -> io::Result<u64> {
        self.0.file.len()
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        self.0.file.read(offset, out)
    }

    fn set_len(&self, length: u64) -> io::Result<()> {
        self.refuse_if_foreign()?;
        let mut start = self.start();
        // If it fails, the file may have either length.
        start.length = start.length.min(length);
        self.0.file.set_len(length)?;
        start.length = length;
        Ok(())
    }

    fn sync_data(&self) -> io::Result<()> {
        self.0.file.sync_data()
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.refuse_if_foreign()?;
        let Some(offset_in_start) = usize::try_from(offset).ok().filter(|&at| at < START_BYTES)
        else {
            return self.0.file.write(offset, data);
        };
        let mut start = self.start();
        let known = start.bytes.take();
        self.0.file.write(offset, data)?;
        start.bytes = known.map(|mut bytes| {
            let target = &mut bytes[offset_in_start..];
            let count = target.len().min(data.len());
            target[..count].copy_from_slice(&data[..count]);
            bytes
        });
        start.length = start.length.max(offset + data.len() as u64);
        Ok(())
    }

    forward_close_and_locks!(0.file);
}
