//! A disk in memory that records all operations, so that a power loss can be simulated at any point of the
//! recording.
//!
//! It follows the rules of a drive with a volatile cache: everything written before a completed sync
//! survives. Later writes may survive or not, in any order, and may be torn at sector boundaries.

use std::fmt;
use std::io::{self, ErrorKind};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;

use rand::RngExt;
use rand::rngs::StdRng;
use rand::seq::SliceRandom;
use redb::StorageBackend;

/// The unit that a drive writes atomically, in bytes.
const SECTOR: usize = 512;

/// The disk; clones are the same disk.
#[derive(Clone)]
pub struct Disk(Arc<Mutex<Contents>>);

struct Contents {
    bytes: Vec<u8>,
    syncs: bool,
    recording: Recording,
}

/// The operations on a disk that contained `base` before.
#[derive(Clone, Default)]
pub struct Recording {
    pub base: Vec<u8>,
    pub events: Vec<DiskEvent>,
}

/// An event of a recording.
#[derive(Clone)]
pub enum DiskEvent {
    Write {
        offset: usize,
        data: Vec<u8>,
    },
    SetLength(usize),
    Sync,
    /// The operation with this number was requested.
    Requested(usize),
    /// The operation with this number was acknowledged.
    Acknowledged(usize),
}

impl Disk {
    /// A disk with these bytes on it.
    pub fn new(bytes: Vec<u8>) -> Self {
        Self::with(bytes, true)
    }

    /// An empty disk whose syncs return success without any effect.
    pub fn without_syncs() -> Self {
        Self::with(Vec::new(), false)
    }

    fn with(bytes: Vec<u8>, syncs: bool) -> Self {
        let recording = Recording {
            base: bytes.clone(),
            events: Vec::new(),
        };
        Self(Arc::new(Mutex::new(Contents {
            bytes,
            syncs,
            recording,
        })))
    }

    /// Starts a new recording, whose base is the current content.
    pub fn begin_recording(&self) {
        let mut contents = self.lock();
        contents.recording = Recording {
            base: contents.bytes.clone(),
            events: Vec::new(),
        };
    }

    /// Records an event that is not an operation of the disk.
    pub fn record(&self, event: DiskEvent) {
        self.lock().recording.events.push(event);
    }

    /// The recording up to now.
    pub fn recording(&self) -> Recording {
        self.lock().recording.clone()
    }

    fn lock(&self) -> MutexGuard<'_, Contents> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Disk {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Disk(..)")
    }
}

impl StorageBackend for Disk {
    fn len(&self) -> io::Result<u64> {
        Ok(self.lock().bytes.len() as u64)
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let contents = self.lock();
        let offset = index(offset)?;
        let found = contents.bytes.get(offset..offset + out.len());
        out.copy_from_slice(found.ok_or(ErrorKind::UnexpectedEof)?);
        Ok(())
    }

    fn set_len(&self, length: u64) -> io::Result<()> {
        let length = index(length)?;
        let mut contents = self.lock();
        contents.bytes.resize(length, 0);
        contents.recording.events.push(DiskEvent::SetLength(length));
        Ok(())
    }

    fn sync_data(&self) -> io::Result<()> {
        // If a request is acknowledged too early, its client can record that before this sync.
        thread::yield_now();
        let mut contents = self.lock();
        if contents.syncs {
            contents.recording.events.push(DiskEvent::Sync);
        }
        Ok(())
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        let offset = index(offset)?;
        let mut contents = self.lock();
        let end = offset + data.len();
        if end > contents.bytes.len() {
            contents.bytes.resize(end, 0);
            contents.recording.events.push(DiskEvent::SetLength(end));
        }
        contents.bytes[offset..end].copy_from_slice(data);
        let data = data.to_owned();
        contents
            .recording
            .events
            .push(DiskEvent::Write { offset, data });
        Ok(())
    }
}

fn index(offset: u64) -> io::Result<usize> {
    usize::try_from(offset).map_err(|_| ErrorKind::InvalidInput.into())
}

/// The part of the unsynced writes that survives a power loss.
#[derive(Clone, Copy, Debug)]
pub enum Survival {
    Nothing,
    Everything,
    /// Each write with this probability, in any order.
    Writes(f64),
    /// Each sector of each write with this probability, in any order.
    Sectors(f64),
    /// The writes to the first page, which names the last commit.
    FirstPage,
    /// All others.
    AllButFirstPage,
}

impl Survival {
    /// A random one.
    pub fn draw(random: &mut StdRng) -> Self {
        let probability = [0.1, 0.5, 0.9][random.random_range(0..3)];
        match random.random_range(0..10) {
            0 => Self::Everything,
            1 => Self::FirstPage,
            2 => Self::AllButFirstPage,
            3..6 => Self::Writes(probability),
            _ => Self::Sectors(probability),
        }
    }
}

/// A replay of a recording.
pub struct Replay<'a> {
    synced: Vec<u8>,
    unsynced: Vec<&'a DiskEvent>,
}

impl<'a> Replay<'a> {
    /// The disk at the start of the recording.
    pub fn new(recording: &'a Recording) -> Self {
        Self {
            synced: recording.base.clone(),
            unsynced: Vec::new(),
        }
    }

    /// Replays one event.
    pub fn step(&mut self, event: &'a DiskEvent) {
        match event {
            DiskEvent::Write { .. } | DiskEvent::SetLength(_) => self.unsynced.push(event),
            DiskEvent::Sync => {
                for event in self.unsynced.drain(..) {
                    apply(&mut self.synced, event);
                }
            }
            DiskEvent::Requested(_) | DiskEvent::Acknowledged(_) => {}
        }
    }

    /// The content of the disk after a power loss now.
    pub fn image(&self, survival: Survival, random: &mut StdRng) -> Vec<u8> {
        let mut image = self.synced.clone();
        for length in self.lengths(survival, random) {
            image.resize(length, 0);
        }
        for (offset, data) in self.writes(survival, random) {
            // Writes beyond the end of the file are dropped.
            let reachable = image.get_mut(offset..).unwrap_or_default();
            let length = reachable.len().min(data.len());
            reachable[..length].copy_from_slice(&data[..length]);
        }
        image
    }

    /// The changes of the file's length that survive: a file system keeps their order.
    fn lengths(&self, survival: Survival, random: &mut StdRng) -> Vec<usize> {
        let mut lengths: Vec<_> = self
            .unsynced
            .iter()
            .filter_map(|event| match event {
                DiskEvent::SetLength(length) => Some(*length),
                _ => None,
            })
            .collect();
        match survival {
            Survival::Nothing => lengths.clear(),
            Survival::Everything => {}
            _ => lengths.truncate(random.random_range(0..=lengths.len())),
        }
        lengths
    }

    /// The writes that survive, in the order in which they reach the disk.
    fn writes(&self, survival: Survival, random: &mut StdRng) -> Vec<(usize, &'a [u8])> {
        let writes = self.unsynced.iter().filter_map(|event| match event {
            DiskEvent::Write { offset, data } => Some((*offset, data.as_slice())),
            _ => None,
        });
        match survival {
            Survival::Nothing => Vec::new(),
            Survival::Everything => writes.collect(),
            Survival::FirstPage => writes.filter(|&(offset, _)| offset == 0).collect(),
            Survival::AllButFirstPage => writes.filter(|&(offset, _)| offset != 0).collect(),
            Survival::Writes(kept) => some(writes, kept, random),
            Survival::Sectors(kept) => some(writes.flat_map(sectors), kept, random),
        }
    }
}

fn some<T>(all: impl Iterator<Item = T>, kept: f64, random: &mut StdRng) -> Vec<T> {
    let mut some: Vec<_> = all.filter(|_| random.random_bool(kept)).collect();
    some.shuffle(random);
    some
}

/// The parts of a write that lie in one sector each.
fn sectors((offset, data): (usize, &[u8])) -> impl Iterator<Item = (usize, &[u8])> {
    let head = (SECTOR - offset % SECTOR).min(data.len());
    let (first, rest) = data.split_at(head);
    let rest = rest
        .chunks(SECTOR)
        .enumerate()
        .map(move |(number, chunk)| (offset + head + number * SECTOR, chunk));
    std::iter::once((offset, first)).chain(rest)
}

fn apply(bytes: &mut Vec<u8>, event: &DiskEvent) {
    match event {
        DiskEvent::Write { offset, data } => bytes[*offset..][..data.len()].copy_from_slice(data),
        DiskEvent::SetLength(length) => bytes.resize(*length, 0),
        DiskEvent::Sync | DiskEvent::Requested(_) | DiskEvent::Acknowledged(_) => {}
    }
}
