//! An open database file.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::Path;

use crate::error::{Failure, describe};
use crate::storage::pages::header::{self, Header, Slot};
use crate::storage::pages::page::{PAGE_BYTES, PageNumber};
use crate::storage::regular_file;

/// How many bytes the largest page may have that is read: larger ones are not written by this program.
const LARGEST_PAGE_BYTES: u64 = 1 << 26;

/// A database file.
#[derive(Debug)]
pub struct PageFile {
    file: File,
    pub(super) length: u64,
    /// Whether it begins like a database.
    pub(super) has_header: bool,
    pub(super) header: Header,
}

impl PageFile {
    /// Opens the file.
    ///
    /// # Errors
    ///
    /// [`Failure::Damaged`] if it is too short for a database, [`Failure::Unusable`] if it cannot be read. They do not
    /// name it.
    pub fn open(path: &Path) -> Result<Self, Failure> {
        let io = |error: std::io::Error| Failure::Unusable(describe(&error));
        let file = regular_file::open(path).map_err(io)?;
        let length = file.metadata().map_err(io)?.len();
        if length <= PAGE_BYTES {
            return Err(Failure::Damaged(format!(
                "it is not a database: it has {length} bytes"
            )));
        }
        let mut bytes = [0; header::BYTES];
        let is_read = file.read_exact_at(&mut bytes, 0).is_ok();
        let header = Header::parse(&bytes).filter(|_| is_read);
        Ok(Self {
            file,
            length,
            has_header: header.is_some(),
            header: header.unwrap_or_else(Header::lost),
        })
    }

    /// The commit slots that can be read, the last commit first.
    pub(super) fn slots(&self) -> impl Iterator<Item = &Slot> {
        self.header.slots.iter().flatten()
    }

    /// Where a page is, and how many bytes it has.
    pub(super) fn place(&self, number: PageNumber) -> Option<(u64, u64)> {
        let bytes = PAGE_BYTES.checked_shl(u32::from(number.order))?;
        let in_region =
            self.header.region_header_bytes + u64::from(number.index).checked_mul(bytes)?;
        let region = u64::from(number.region).checked_mul(self.header.region_bytes)?;
        let offset = PAGE_BYTES.checked_add(region)?.checked_add(in_region)?;
        (bytes <= LARGEST_PAGE_BYTES && offset.checked_add(bytes)? <= self.length)
            .then_some((offset, bytes))
    }

    pub(super) fn read(&self, offset: u64, bytes: u64) -> Result<Vec<u8>, String> {
        let mut page = vec![0; usize::try_from(bytes).map_err(|error| error.to_string())?];
        self.file
            .read_exact_at(&mut page, offset)
            .map_err(|error| describe(&error))?;
        Ok(page)
    }
}
