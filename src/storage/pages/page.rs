//! One page: a leaf with entries, or a branch with the numbers and checksums of its children.
//!
//! Everything is checked against the page's end, and nothing is assumed to be true.

use std::ops::Range;

use xxhash_rust::xxh3::xxh3_128;

/// How many bytes the smallest page has.
pub(super) const PAGE_BYTES: u64 = 4_096;

const LEAF: u8 = 1;
const BRANCH: u8 = 2;

/// Where a page is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct PageNumber {
    pub(super) region: u32,
    pub(super) index: u32,
    /// It has two to the power of this many smallest pages.
    pub(super) order: u8,
}

/// A page and the checksum that it must have.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct TreeRoot {
    pub(super) number: PageNumber,
    pub(super) checksum: u128,
}

/// The sizes of keys and values of a tree, if each has the same.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Widths {
    pub(super) key: Option<usize>,
    pub(super) value: Option<usize>,
}

/// What a page is.
pub(super) enum Page {
    /// Where the key and the value of each entry are.
    Leaf(Vec<(Range<usize>, Range<usize>)>),
    Branch(Vec<TreeRoot>),
}

impl PageNumber {
    fn parse(bits: u64) -> Self {
        let order = bits.to_le_bytes()[7] >> 3;
        let low = |bits: u64| u32::try_from(bits & 0xF_FFFF).expect("20 bits");
        Self {
            region: low(bits >> 20),
            index: low(bits) & (0xF_FFFF_u32 >> order),
            order,
        }
    }
}

impl TreeRoot {
    /// The root at `at`: the number of a page, and its checksum.
    pub(super) fn parse(bytes: &[u8], at: usize) -> Option<Self> {
        Some(Self {
            number: PageNumber::parse(u64_at(bytes, at)?),
            checksum: checksum_at(bytes, at + 8)?,
        })
    }
}

impl Page {
    /// What the bytes are, and whether they have this checksum; `None` if they are no page at all.
    pub(super) fn parse(bytes: &[u8], widths: Widths, checksum: u128) -> Option<(Self, bool)> {
        let count = usize::from(u16::from_le_bytes(array_at(bytes, 2)?));
        if count == 0 {
            return None;
        }
        let (page, end) = match *bytes.first()? {
            LEAF => leaf(bytes, count, widths)?,
            BRANCH => branch(bytes, count, widths)?,
            _ => return None,
        };
        let is_intact = bytes
            .get(..end)
            .is_some_and(|bytes| xxh3_128(bytes) == checksum);
        Some((page, is_intact))
    }
}

/// The entries of a leaf that lie within it, and where it ends.
fn leaf(bytes: &[u8], count: usize, widths: Widths) -> Option<(Page, usize)> {
    let mut at = 4;
    let mut ends = |width: Option<usize>| match width {
        Some(_) => None,
        None => {
            at += 4 * count;
            Some(at - 4 * count)
        }
    };
    let (key_ends, value_ends) = (ends(widths.key), ends(widths.value));
    let end =
        |start: usize, ends: Option<usize>, width: Option<usize>, index: usize| match (ends, width)
        {
            (Some(ends), _) => usize::try_from(u32_at(bytes, ends + 4 * index)?).ok(),
            (None, Some(width)) => start.checked_add(width.checked_mul(index + 1)?),
            (None, None) => None,
        };
    let keys = at;
    let values = end(keys, key_ends, widths.key, count - 1)?;
    let mut entries = Vec::new();
    let (mut key, mut value) = (keys, values);
    for index in 0..count {
        let (Some(key_end), Some(value_end)) = (
            end(keys, key_ends, widths.key, index),
            end(values, value_ends, widths.value, index),
        ) else {
            break;
        };
        if bytes.get(key..key_end).is_some() && bytes.get(value..value_end).is_some() {
            entries.push((key..key_end, value..value_end));
        }
        (key, value) = (key_end, value_end);
    }
    Some((Page::Leaf(entries), value))
}

/// The children of a branch, and where it ends.
fn branch(bytes: &[u8], count: usize, widths: Widths) -> Option<(Page, usize)> {
    let children = count + 1;
    let numbers = 8 + 16 * children;
    let keys = numbers + 8 * children;
    let root = |child: usize| {
        Some(TreeRoot {
            checksum: checksum_at(bytes, 8 + 16 * child)?,
            number: PageNumber::parse(u64_at(bytes, numbers + 8 * child)?),
        })
    };
    let roots = (0..children).map_while(root).collect();
    let end = match widths.key {
        Some(width) => keys + width * count,
        None => usize::try_from(u32_at(bytes, keys + 4 * (count - 1))?).ok()?,
    };
    Some((Page::Branch(roots), end))
}

/// The number of 32 bits at `at`.
pub(super) fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    array_at(bytes, at).map(u32::from_le_bytes)
}

/// The number of 64 bits at `at`.
pub(super) fn u64_at(bytes: &[u8], at: usize) -> Option<u64> {
    array_at(bytes, at).map(u64::from_le_bytes)
}

/// The checksum at `at`.
pub(super) fn checksum_at(bytes: &[u8], at: usize) -> Option<u128> {
    array_at(bytes, at).map(u128::from_le_bytes)
}

/// The bytes at `at`, which are those of a little-endian number.
fn array_at<const N: usize>(bytes: &[u8], at: usize) -> Option<[u8; N]> {
    bytes.get(at..)?.first_chunk().copied()
}
