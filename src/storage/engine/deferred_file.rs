//! The file of a database that is being opened, without changing it.
//!
//! Opening repairs what a crash left, and only then it is known whether the database can be used: its version, its
//! keys and its journal are read afterwards. So what is written until [`DeferredFile::release`] is kept in memory.
//! It is then written in the same order and with the same syncs, so that a crash in between is like one during the
//! repair itself. If it is never released, no byte of the file has changed.

use std::io::{self, ErrorKind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use redb::StorageBackend;

use crate::storage::engine::forward::{forward_close_and_locks, forward_lock};

/// The file; clones are the same file.
#[derive(Clone, Debug)]
pub(super) struct DeferredFile(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    file: Box<dyn StorageBackend>,
    is_released: AtomicBool,
    held: Mutex<Held>,
}

/// What was done to the file and is held back.
#[derive(Debug)]
struct Held {
    operations: Vec<Operation>,
    /// The length that the file would have.
    length: u64,
}

#[derive(Debug)]
enum Operation {
    Write { offset: u64, data: Vec<u8> },
    SetLength(u64),
    Sync,
}

impl DeferredFile {
    pub(super) fn new(file: impl StorageBackend) -> io::Result<Self> {
        let held = Held {
            operations: Vec::new(),
            length: file.len()?,
        };
        Ok(Self(Arc::new(Inner {
            file: Box::new(file),
            is_released: AtomicBool::new(false),
            held: Mutex::new(held),
        })))
    }

    /// Does to the file what was held back, and does not hold back anything from now on.
    ///
    /// # Errors
    ///
    /// Of the file; then all of it is still held back, and some of it may have been done.
    pub(super) fn release(&self) -> io::Result<()> {
        let Some(mut held) = self.held() else {
            return Ok(());
        };
        let file = &self.0.file;
        for operation in &held.operations {
            match operation {
                Operation::Write { offset, data } => file.write(*offset, data)?,
                Operation::SetLength(length) => file.set_len(*length)?,
                Operation::Sync => file.sync_data()?,
            }
        }
        held.operations.clear();
        self.0.is_released.store(true, Ordering::Release);
        Ok(())
    }

    /// What is held back; `None` once the file is released.
    fn held(&self) -> Option<MutexGuard<'_, Held>> {
        let is_released = || self.0.is_released.load(Ordering::Acquire);
        if is_released() {
            return None;
        }
        let held = self.0.held.lock().unwrap_or_else(PoisonError::into_inner);
        (!is_released()).then_some(held)
    }
}

impl Held {
    /// Fills `out` as the file would be at `offset`.
    fn read(&self, file: &dyn StorageBackend, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let end = offset + out.len() as u64;
        if end > self.length {
            return Err(ErrorKind::UnexpectedEof.into());
        }
        out.fill(0);
        let in_file = file.len()?.min(end).saturating_sub(offset);
        let in_file = usize::try_from(in_file).map_err(io::Error::other)?;
        file.read(offset, &mut out[..in_file])?;
        for operation in &self.operations {
            match operation {
                Operation::Write { offset: at, data } => copy_over(out, offset, data, *at),
                Operation::SetLength(length) => {
                    let kept = length.saturating_sub(offset).min(out.len() as u64);
                    out[usize::try_from(kept).map_err(io::Error::other)?..].fill(0);
                }
                Operation::Sync => {}
            }
        }
        Ok(())
    }
}

/// Copies into `out`, which begins at `offset`, what `data`, which begins at `at`, has of the same range.
fn copy_over(out: &mut [u8], offset: u64, data: &[u8], at: u64) {
    let distance = |from: u64, to: u64| usize::try_from(to.saturating_sub(from));
    let (Ok(skip_out), Ok(skip_data)) = (distance(offset, at), distance(at, offset)) else {
        return;
    };
    if let (Some(out), Some(data)) = (out.get_mut(skip_out..), data.get(skip_data..)) {
        let length = out.len().min(data.len());
        out[..length].copy_from_slice(&data[..length]);
    }
}

impl StorageBackend for DeferredFile {
    fn len(&self) -> io::Result<u64> {
        match self.held() {
            Some(held) => Ok(held.length),
            None => self.0.file.len(),
        }
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        match self.held() {
            Some(held) => held.read(&*self.0.file, offset, out),
            None => self.0.file.read(offset, out),
        }
    }

    fn set_len(&self, length: u64) -> io::Result<()> {
        let Some(mut held) = self.held() else {
            return self.0.file.set_len(length);
        };
        held.length = length;
        held.operations.push(Operation::SetLength(length));
        Ok(())
    }

    fn sync_data(&self) -> io::Result<()> {
        let Some(mut held) = self.held() else {
            return self.0.file.sync_data();
        };
        held.operations.push(Operation::Sync);
        Ok(())
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        let Some(mut held) = self.held() else {
            return self.0.file.write(offset, data);
        };
        held.length = held.length.max(offset + data.len() as u64);
        let data = data.to_vec();
        held.operations.push(Operation::Write { offset, data });
        Ok(())
    }

    forward_close_and_locks!(0.file);
}

#[cfg(test)]
mod tests {
    use std::fs;

    use redb::backends::FileBackend;

    use super::*;

    /// Pseudorandom numbers below a limit (SplitMix64).
    struct Random(u64);

    impl Random {
        fn below(&mut self, limit: usize) -> usize {
            self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
            let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
            usize::try_from((mixed >> 33) % limit as u64).expect("it is below the limit")
        }

        fn bytes(&mut self, length_max: usize) -> Vec<u8> {
            let length = self.below(length_max + 1);
            (0..length)
                .map(|_| self.below(256).to_le_bytes()[0])
                .collect()
        }
    }

    #[test]
    fn what_is_held_back_is_read_and_reaches_the_file_only_once_it_is_released() {
        let home = tempfile::tempdir().expect("a temporary directory");
        for seed in 0..200 {
            let mut random = Random(seed);
            let path = home.path().join("file");
            let before = random.bytes(64);
            fs::write(&path, &before).expect("it is written");
            let open = || fs::File::options().read(true).write(true).open(&path);
            let backend = FileBackend::new(open().expect("it exists")).expect("it is ours");
            let file = DeferredFile::new(backend).expect("it is readable");
            let mut expected = before.clone();
            for _ in 0..8 {
                if random.below(3) == 0 {
                    let length = random.below(64);
                    file.set_len(length as u64).expect("it is held back");
                    expected.resize(length, 0);
                } else {
                    let at = random.below(expected.len() + 1);
                    let data = random.bytes(20);
                    file.write(at as u64, &data).expect("it is held back");
                    expected.resize(expected.len().max(at + data.len()), 0);
                    expected[at..at + data.len()].copy_from_slice(&data);
                }
                file.sync_data().expect("it is held back");
                let length = file.len().expect("it has a length");
                assert_eq!(length, expected.len() as u64, "seed {seed}");
                let from = random.below(expected.len() + 1);
                let mut out = vec![7; random.below(expected.len() - from + 1)];
                file.read(from as u64, &mut out).expect("it is readable");
                assert_eq!(out, expected[from..from + out.len()], "seed {seed}");
            }
            assert_eq!(fs::read(&path).expect("it exists"), before, "seed {seed}");
            file.release().expect("it is written");
            assert_eq!(fs::read(&path).expect("it exists"), expected, "seed {seed}");
            file.write(0, b"now").expect("it is written");
            let now = fs::read(&path).expect("it exists");
            assert_eq!(now[..3], *b"now", "seed {seed}");
        }
    }
}
