//! A disk in memory that fails on demand, under a host that caches pages as Linux does.
//!
//! Pages that a failed sync could not write stay in the cache of the host, marked as written: reads return
//! them, later syncs skip them, and they are lost when the cache is dropped or the power fails. Therefore
//! a failed sync is worse than a failed write.

use std::collections::BTreeSet;
use std::fmt;
use std::io::{self, ErrorKind};
use std::mem;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use redb::StorageBackend;

/// The size of a page of the host's cache in bytes.
const PAGE: usize = 4_096;

/// The error numbers of the system.
pub const EIO: i32 = 5;
pub const ENOSPC: i32 = 28;

/// The disk; clones are the same disk.
#[derive(Clone)]
pub struct FaultyDisk(Arc<Inner>);

struct Inner {
    contents: Mutex<Contents>,
    released: Condvar,
}

struct Contents {
    /// The content as reads return it.
    cached: Vec<u8>,
    /// The content of the medium.
    stored: Vec<u8>,
    /// The pages that the next sync writes.
    dirty: BTreeSet<usize>,
    /// The pages whose reads fail until they are written.
    unreadable: BTreeSet<usize>,
    operations: Vec<Operation>,
    fault: Option<Fault>,
    failures: usize,
    holds_syncs: bool,
    random: StdRng,
}

/// An operation of a disk.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Operation {
    Length,
    Read,
    SetLength,
    Write,
    Sync,
}

/// Which operations fail, and how.
#[derive(Clone, Copy, Debug)]
pub struct Fault {
    /// The number of the first operation that fails.
    pub at: usize,
    pub lasts: Lasts,
    pub damage: Damage,
    pub errno: i32,
}

/// The operations that fail.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Lasts {
    /// One operation.
    Once,
    /// One operation, and the one this many after it.
    Again(usize),
    /// This number of operations.
    For(usize),
    /// Every operation until the disk is repaired.
    UntilRepaired,
}

/// The effect of a failed operation.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Damage {
    /// Nothing is written.
    Nothing,
    /// A part is written.
    Part,
    /// Everything is written.
    Everything,
}

impl Fault {
    fn applies_to(&self, number: usize) -> bool {
        let Some(since) = number.checked_sub(self.at) else {
            return false;
        };
        match self.lasts {
            Lasts::Once => since == 0,
            Lasts::Again(later) => since == 0 || since == later,
            Lasts::For(count) => since < count,
            Lasts::UntilRepaired => true,
        }
    }
}

impl FaultyDisk {
    /// A disk without faults, with this content. `seed` determines which parts of a failed operation are
    /// written.
    pub fn new(bytes: Vec<u8>, seed: u64) -> Self {
        Self(Arc::new(Inner {
            contents: Mutex::new(Contents {
                cached: bytes.clone(),
                stored: bytes,
                dirty: BTreeSet::new(),
                unreadable: BTreeSet::new(),
                operations: Vec::new(),
                fault: None,
                failures: 0,
                holds_syncs: false,
                random: StdRng::seed_from_u64(seed),
            }),
            released: Condvar::new(),
        }))
    }

    /// Counts operations from here on, and injects `fault`.
    pub fn begin(&self, fault: Option<Fault>) {
        let mut contents = self.lock();
        contents.operations.clear();
        contents.failures = 0;
        contents.fault = fault;
    }

    /// Makes every operation fail from now on.
    pub fn fail_all(&self, errno: i32) {
        self.begin(Some(Fault {
            at: 0,
            lasts: Lasts::UntilRepaired,
            damage: Damage::Nothing,
            errno,
        }));
    }

    /// Makes reads of this page fail, until it is written.
    pub fn break_page(&self, page: usize) {
        self.lock().unreadable.insert(page);
    }

    /// Makes every page readable again.
    pub fn mend_pages(&self) {
        self.lock().unreadable.clear();
    }

    /// Another disk with what is stored, as it is after a power loss, and with the same unreadable pages.
    pub fn clone_stored(&self) -> Self {
        let contents = self.lock();
        let clone = Self::new(contents.stored.clone(), 0);
        clone.lock().unreadable = contents.unreadable.clone();
        clone
    }

    /// Removes the fault.
    pub fn repair(&self) {
        self.lock().fault = None;
    }

    /// Whether operations may still fail.
    pub fn may_fail(&self) -> bool {
        self.lock().fault.is_some()
    }

    /// The counted operations.
    pub fn operations(&self) -> Vec<Operation> {
        self.lock().operations.clone()
    }

    /// The number of operations that have failed.
    pub fn failures(&self) -> usize {
        self.lock().failures
    }

    /// Blocks every sync until the returned value is dropped.
    pub fn hold_syncs(&self) -> HeldSyncs {
        self.lock().holds_syncs = true;
        HeldSyncs(self.clone())
    }

    /// Drops all clean pages from the host's cache.
    pub fn forget_cached(&self) {
        let mut contents = self.lock();
        let mut cached = contents.stored.clone();
        for &page in &contents.dirty {
            copy_page(&contents.cached, &mut cached, page);
        }
        contents.cached = cached;
    }

    /// The content after a power loss that loses all unsynced writes.
    pub fn stored(&self) -> Vec<u8> {
        self.lock().stored.clone()
    }

    fn lock(&self) -> MutexGuard<'_, Contents> {
        let contents = self.0.contents.lock();
        contents.unwrap_or_else(PoisonError::into_inner)
    }
}

/// See [`FaultyDisk::hold_syncs`].
pub struct HeldSyncs(FaultyDisk);

impl Drop for HeldSyncs {
    fn drop(&mut self) {
        self.0.lock().holds_syncs = false;
        self.0.0.released.notify_all();
    }
}

impl Contents {
    /// Counts the operation. Returns the fault that applies to it.
    fn count(&mut self, operation: Operation) -> Option<Fault> {
        let number = self.operations.len();
        self.operations.push(operation);
        let fault = self.fault.filter(|fault| fault.applies_to(number));
        self.failures += usize::from(fault.is_some());
        fault
    }

    fn set_length(&mut self, length: usize) {
        self.cached.resize(length, 0);
        self.stored.resize(length, 0);
        self.dirty.retain(|page| page * PAGE < length);
    }

    fn write(&mut self, offset: usize, data: &[u8]) {
        let end = offset + data.len();
        if end > self.cached.len() {
            self.set_length(end);
        }
        self.cached[offset..end].copy_from_slice(data);
        for page in offset / PAGE..end.div_ceil(PAGE) {
            self.unreadable.remove(&page);
        }
        self.dirty.extend(offset / PAGE..end.div_ceil(PAGE));
    }

    /// Writes the dirty pages as far as `damage` allows. No page is dirty afterwards.
    fn sync(&mut self, damage: Damage) {
        for page in mem::take(&mut self.dirty) {
            let is_written = match damage {
                Damage::Nothing => false,
                Damage::Part => self.random.random(),
                Damage::Everything => true,
            };
            if is_written {
                copy_page(&self.cached, &mut self.stored, page);
            }
        }
    }
}

fn copy_page(from: &[u8], to: &mut [u8], page: usize) {
    let first = page * PAGE;
    let end = (first + PAGE).min(from.len());
    to[first..end].copy_from_slice(&from[first..end]);
}

impl fmt::Debug for FaultyDisk {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("FaultyDisk(..)")
    }
}

impl StorageBackend for FaultyDisk {
    fn len(&self) -> io::Result<u64> {
        let mut contents = self.lock();
        match contents.count(Operation::Length) {
            Some(fault) => Err(error(fault)),
            None => Ok(contents.cached.len() as u64),
        }
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let offset = index(offset)?;
        let mut contents = self.lock();
        if let Some(fault) = contents.count(Operation::Read) {
            return Err(error(fault));
        }
        let pages = offset / PAGE..(offset + out.len()).div_ceil(PAGE);
        if contents.unreadable.range(pages).next().is_some() {
            return Err(io::Error::from_raw_os_error(EIO));
        }
        let found = contents.cached.get(offset..offset + out.len());
        out.copy_from_slice(found.ok_or(ErrorKind::UnexpectedEof)?);
        Ok(())
    }

    fn set_len(&self, length: u64) -> io::Result<()> {
        let length = index(length)?;
        let mut contents = self.lock();
        if let Some(fault) = contents.count(Operation::SetLength) {
            if fault.damage == Damage::Everything {
                contents.set_length(length);
            }
            return Err(error(fault));
        }
        contents.set_length(length);
        Ok(())
    }

    fn sync_data(&self) -> io::Result<()> {
        let mut contents = self.lock();
        if let Some(fault) = contents.count(Operation::Sync) {
            contents.sync(fault.damage);
            return Err(error(fault));
        }
        let released = &self.0.released;
        let mut contents = released
            .wait_while(contents, |contents| contents.holds_syncs)
            .unwrap_or_else(PoisonError::into_inner);
        contents.sync(Damage::Everything);
        Ok(())
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        let offset = index(offset)?;
        let mut contents = self.lock();
        if let Some(fault) = contents.count(Operation::Write) {
            let is_written = match fault.damage {
                Damage::Nothing => 0,
                Damage::Part => contents.random.random_range(0..data.len()),
                Damage::Everything => data.len(),
            };
            if is_written > 0 {
                contents.write(offset, &data[..is_written]);
            }
            return Err(error(fault));
        }
        contents.write(offset, data);
        Ok(())
    }
}

fn error(fault: Fault) -> io::Error {
    io::Error::from_raw_os_error(fault.errno)
}

fn index(offset: u64) -> io::Result<usize> {
    usize::try_from(offset).map_err(|_| ErrorKind::InvalidInput.into())
}
