//! Scans of open tables, whether of snapshots or of write transactions.

use std::mem;
use std::ops::{self, Bound, ControlFlow};

use redb::{Range, ReadableTable};

use crate::error::Failure;
use crate::storage::engine::checksum::{verify, verify_entry};
use crate::storage::engine::damage::{Damage, guard};
use crate::storage::engine::open_table::{TableKey, out_of_order, reading};
use crate::storage::table::Table;

/// How many entries are read at once after the first one, with which many scans end.
const BATCH_ENTRIES: usize = 32;

/// With how many bytes no more entries are read at once.
const BATCH_BYTES: usize = 4 << 10;

/// What is called with each entry of a scan.
type Visit<'v, K> = dyn FnMut(
        <K as redb::Value>::SelfType<'_>,
        Result<&[u8], Failure>,
    ) -> Result<ControlFlow<()>, Failure>
    + 'v;

/// Calls `visit` with the entries from `first` on, in the order of their keys, until it breaks off. An entry that does
/// not match its checksum is given as that failure; its key may be wrong, too. What is done with the entries is not a
/// parameter, so that there is one such function for each kind of key, and not for each caller.
///
/// # Errors
///
/// [`Failure::Storage`]; [`Failure::Unreadable`] where a page is damaged; what `visit` fails with.
pub(super) fn scan<K: TableKey>(
    table: &Table<K>,
    damage: &Damage,
    open: &impl ReadableTable<K, &'static [u8]>,
    first: Bound<K::SelfType<'_>>,
    visit: &mut Visit<'_, K>,
) -> Result<(), Failure> {
    let is_whole = matches!(first, Bound::Unbounded);
    match guard(damage, table.name, || is_start_ordered(table, open, &first)) {
        // What comes before the start and cannot be read does not belong to the scan.
        Ok(true) | Err(Failure::Unreadable(_)) => {}
        Ok(false) => return Err(damage.report(table.name)),
        Err(failure) => return Err(failure),
    }
    let (mut entries, count) = guard(damage, table.name, || {
        let entries = open
            .range::<K::SelfType<'_>>((first, Bound::Unbounded))
            .map_err(reading)?;
        Ok((entries, open.len().map_err(reading)?))
    })?;
    let mut batch = Batch::default();
    let mut visited = 0;
    let mut count_max = 1;
    loop {
        // The entries before one that cannot be read are visited first.
        let read = guard(damage, table.name, || {
            batch.read::<K>(&mut entries, count_max)
        });
        for (entry, key_bytes) in batch.entries() {
            visited += 1;
            let record = verify_entry(table, entry, key_bytes)
                .inspect_err(|_| drop(damage.report(table.name)));
            let key = K::from_bytes(&entry[..key_bytes]);
            if visit(key, record)?.is_break() {
                return Ok(());
            }
        }
        if read? == Rest::None {
            break;
        }
        count_max = BATCH_ENTRIES;
    }
    if is_whole && visited != count {
        // A page was passed over.
        return Err(damage.report(table.name));
    }
    Ok(())
}

/// What there is after a batch.
#[derive(PartialEq, Eq)]
enum Rest {
    /// Nothing.
    None,
    /// Perhaps more entries.
    Unknown,
}

/// Copies of some entries. To read each under a [`guard`] of its own, and to keep its page with it, takes longer than
/// what is done with most of them.
#[derive(Default)]
struct Batch {
    /// Of each entry its key, and then what is stored under that.
    bytes: Vec<u8>,
    /// Where the key of each entry ends, and where the entry does.
    ends: Vec<(usize, usize)>,
    /// The key of the last entry of the batch before.
    previous: Option<Vec<u8>>,
}

impl Batch {
    /// Reads at most `count_max` entries in place of those that it has. Those before a failure are there.
    fn read<K: TableKey>(
        &mut self,
        entries: &mut Range<'_, K, &'static [u8]>,
        count_max: usize,
    ) -> Result<Rest, Failure> {
        if let Some((entry, key_bytes)) = self.entries().last() {
            self.previous = Some(entry[..key_bytes].to_vec());
        }
        self.bytes.clear();
        self.ends.clear();
        let mut last = None;
        while self.ends.len() < count_max && self.bytes.len() < BATCH_BYTES {
            let Some((key, stored)) = entries.next().transpose().map_err(reading)? else {
                return Ok(Rest::None);
            };
            // They panic if they are not within their page.
            let (key, stored) = (key.value(), stored.value());
            let key = K::as_bytes(&key);
            let key = key.as_ref();
            let before = match last {
                Some(last) => self.bytes.get::<ops::Range<usize>>(last),
                None => self.previous.as_deref(),
            };
            if before.is_some_and(|before| K::compare(before, key).is_ge()) {
                return Err(out_of_order());
            }
            let start = self.bytes.len();
            self.bytes.extend_from_slice(key);
            let key_end = self.bytes.len();
            self.bytes.extend_from_slice(stored);
            self.ends.push((key_end, self.bytes.len()));
            last = Some(start..key_end);
        }
        Ok(Rest::Unknown)
    }

    /// The entries, each with the length of its key.
    fn entries(&self) -> impl Iterator<Item = (&[u8], usize)> {
        let mut start = 0;
        self.ends.iter().map(move |(key_end, end)| {
            let begin = mem::replace(&mut start, *end);
            (&self.bytes[begin..*end], key_end - begin)
        })
    }
}

/// Whether what comes before `first` does, and is what was put: a damaged page can lead to a wrong place.
fn is_start_ordered<K: TableKey>(
    table: &Table<K>,
    open: &impl ReadableTable<K, &'static [u8]>,
    first: &Bound<K::SelfType<'_>>,
) -> Result<bool, Failure> {
    let (Bound::Included(key) | Bound::Excluded(key)) = first else {
        return Ok(true);
    };
    let key = K::as_bytes(key);
    let before = open.range(..K::from_bytes(key.as_ref())).map_err(reading)?;
    let found = { before }.next_back().transpose().map_err(reading)?;
    Ok(found.is_none_or(|(found, stored)| {
        let found = found.value();
        let found = K::as_bytes(&found);
        let is_whole = verify(table, found.as_ref(), stored.value()).is_ok();
        is_whole && K::compare(found.as_ref(), key.as_ref()).is_lt()
    }))
}
