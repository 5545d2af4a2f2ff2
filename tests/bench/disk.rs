//! The disk without a database: how often a second 4 KiB can be written and made durable. Every commit pays at least
//! this.

use std::fs::{self, File};
use std::io::{self, Write};
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::time::{Duration, Instant};

use crate::sample::Round;

const BLOCK_BYTES: usize = 4096;
const FILE_BLOCKS: u64 = 4096;
const FILE_NAME: &str = "disk-probe";

pub struct Disk {
    file: File,
}

impl Disk {
    /// Writes the file once, so that the measured writes change no length and no block map: plain `fdatasync`.
    pub fn prepare(dir: &Path) -> io::Result<Self> {
        let mut file = File::create(dir.join(FILE_NAME))?;
        for _ in 0..FILE_BLOCKS {
            file.write_all(&[0; BLOCK_BYTES])?;
        }
        file.sync_all()?;
        Ok(Self { file })
    }

    pub fn measure(&self, time: Duration) -> io::Result<Round> {
        let mut latencies = Vec::new();
        let start = Instant::now();
        let mut before = start;
        for number in 0.. {
            let block = [number as u8; BLOCK_BYTES];
            let offset = number % FILE_BLOCKS * BLOCK_BYTES as u64;
            self.file.write_all_at(&block, offset)?;
            self.file.sync_data()?;
            let now = Instant::now();
            latencies.push((now - before).as_micros() as f64);
            before = now;
            if now - start >= time {
                break;
            }
        }
        Ok(Round::from_latencies(latencies, before - start))
    }
}

/// The file system type of a directory, as the kernel calls it. On `tmpfs` nothing is durable and no figure means
/// anything.
pub fn file_system(dir: &Path) -> String {
    let mounts = fs::read_to_string("/proc/self/mounts").unwrap_or_default();
    mounts
        .lines()
        .filter_map(|line| {
            let mut words = line.split(' ').skip(1);
            Some((Path::new(words.next()?), words.next()?))
        })
        .filter(|(point, _)| dir.starts_with(point))
        .max_by_key(|(point, _)| point.components().count())
        .map_or_else(|| "unknown".to_owned(), |(_, kind)| kind.to_owned())
}
