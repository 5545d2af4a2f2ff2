//! The beginning of a database file.

use xxhash_rust::xxh3::xxh3_128;

use crate::storage::pages::page::{PAGE_BYTES, TreeRoot, checksum_at, u32_at};

/// How many bytes of the file the header has.
pub(super) const BYTES: usize = 320;

const MAGIC: [u8; 9] = *b"redb\x1A\x0A\xA9\x0D\x0A";

/// Where the flags are: the second slot is the last commit; the file was not closed cleanly; the last commit was synced
/// twice, so that it cannot be torn.
const FLAGS: usize = MAGIC.len();
const SECOND_SLOT: u8 = 1;
const UNCLEAN: u8 = 1 << 1;
const SYNCED_TWICE: u8 = 1 << 2;

/// The most pages of a region: that of files of this program.
const REGION_PAGES_MAX: u64 = 1 << 20;

const SLOTS: [usize; 2] = [64, 192];
const SLOT_BYTES: usize = 128;

/// The version of the format.
const VERSION: u8 = 3;

/// What is the same for the whole file, and its commit slots.
#[derive(Debug)]
pub(super) struct Header {
    pub(super) region_header_bytes: u64,
    pub(super) region_bytes: u64,
    /// Whether the last commit may be torn by a crash; then the one before it is the state of the database.
    pub(super) may_be_torn: bool,
    /// The last commit and the one before it; `None` for one that is damaged.
    pub(super) slots: [Option<Slot>; 2],
}

/// The root of all tables as of one commit.
#[derive(Debug)]
pub(super) struct Slot {
    /// `None` if there is no table.
    pub(super) root: Option<TreeRoot>,
}

impl Header {
    pub(super) fn parse(bytes: &[u8; BYTES]) -> Option<Self> {
        let page_bytes = u64::from(u32_at(bytes, 12)?);
        if bytes[..MAGIC.len()] != MAGIC || page_bytes != PAGE_BYTES {
            return None;
        }
        let region_header_bytes = u64::from(u32_at(bytes, 16)?) * page_bytes;
        let data_bytes = u64::from(u32_at(bytes, 20)?) * page_bytes;
        let [first, second] = SLOTS.map(|at| Slot::parse(&bytes[at..at + SLOT_BYTES]));
        let slots = if bytes[FLAGS] & SECOND_SLOT == 0 {
            [first, second]
        } else {
            [second, first]
        };
        Some(Self {
            region_header_bytes,
            region_bytes: region_header_bytes + data_bytes,
            may_be_torn: bytes[FLAGS] & (UNCLEAN | SYNCED_TWICE) == UNCLEAN,
            slots,
        })
    }

    /// The header that a file of this program most likely had, without any commit.
    pub(super) fn lost() -> Self {
        Self {
            region_header_bytes: 0,
            region_bytes: REGION_PAGES_MAX * PAGE_BYTES,
            may_be_torn: false,
            slots: [None, None],
        }
    }
}

impl Slot {
    fn parse(bytes: &[u8]) -> Option<Self> {
        let end = SLOT_BYTES - 16;
        let checksum = checksum_at(bytes, end)?;
        if bytes[0] != VERSION || checksum != xxh3_128(&bytes[..end]) {
            return None;
        }
        let has_root = bytes[1] != 0;
        let root = if has_root {
            Some(TreeRoot::parse(bytes, 8)?)
        } else {
            None
        };
        Some(Self { root })
    }
}
