//! Rows of a journaled table in memory, in front of its records.
//!
//! A row that was changed and whose record does not have the change yet must stay. Beside it are, as far as
//! there is room, the rows that were read last, so that their records need not be read again.
//!
//! The cache is ahead of the records, never behind them. A change comes before anybody can see the snapshot
//! of its commit, and may be evicted only when its journal entry was removed and no snapshot is left in which
//! it was not ([`SnapshotTracker`](crate::storage::snapshots::SnapshotTracker)). A row that was removed goes
//! before anybody can see the snapshot of that commit, and a reader of an older one does not bring it back.
//! So whoever looks here and then into a snapshot's records finds the last change of that snapshot, or a
//! later one that is on disk, and no row that was removed by then.

use std::array;
use std::fmt;
use std::hash::BuildHasher;
use std::mem;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use hashbrown::{DefaultHashBuilder, HashTable};

use crate::error::Failure;
use crate::storage::table::RowFormat;

/// About how much memory a row takes beside its bytes: its place in the hash table, whose size is a power of two,
/// and what the allocator adds.
const ROW_OVERHEAD_BYTES: usize = 61;

/// The bytes of a row are a multiple of this, and as many more as make the allocator's piece a multiple of it too.
/// So a row whose record becomes a little longer or shorter keeps its memory.
const ROW_BYTES_STEP: usize = 16;
const ALLOCATOR_BYTES: usize = 8;

/// Into how many shards a cache is divided, so that a reader hardly ever waits for a lock, and not for long
/// when a shard grows.
const SHARDS: usize = 64;

/// How many places of a shard are looked at for rows to evict, where there is no room.
const PROBES_MAX: usize = 8;

/// A shard whose hash table is full grows by one place for so many that it has, at least.
const ROWS_PER_GROWTH: usize = 8;

/// The rows of one table. Readers look up and insert; the writer alone changes rows, after each commit.
pub struct RowCache {
    format: RowFormat,
    shards: [GuardedShard; SHARDS],
    /// How many bytes the rows of a shard may take, apart from those that must stay.
    shard_bytes_max: usize,
    hasher: DefaultHashBuilder,
    /// Changes may be evicted that were journaled by an entry before this one.
    first_entry: AtomicU64,
}

/// A shard with its lock.
#[derive(Default)]
struct GuardedShard {
    shard: RwLock<Shard>,
    /// How many rows were looked for and found, or not. They lie beside the lock, to which who looks writes too.
    hits: AtomicU64,
    misses: AtomicU64,
}

/// How often rows of a table were looked for in memory.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Lookups {
    /// The name of the table.
    pub table: &'static str,
    /// How many were found.
    pub hits: u64,
    /// How many had to be read from the file, or do not exist.
    pub misses: u64,
}

/// The rows whose identities have similar hashes.
#[derive(Default)]
struct Shard {
    rows: HashTable<Row>,
    /// How many bytes the rows take.
    bytes: usize,
    /// Where to look next for a row to evict.
    clock: usize,
    /// The version of the last commit that removed a row of this shard.
    removed_at: u64,
}

/// A row in memory.
struct Row {
    /// A byte with the kind and the length of the padding, the key, the record or the delta, and the padding: one
    /// piece of memory.
    bytes: Box<[u8]>,
    /// The entry after the one that journaled the last change; 0 if the record has it.
    entry_after: u64,
}

/// What is known of a row.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Kind {
    /// Its record as it is now.
    Record = 1,
    /// Its last delta alone: the record was not read.
    Delta = 2,
    /// Its last record, for snapshots from before it was removed.
    Removed = 3,
}

/// The kind is in the two lowest bits of the first byte, and the length of the padding in the others.
const KIND_MASK: u8 = 0b11;

fn encode(kind: Kind, key: &[u8], payload: &[u8]) -> Box<[u8]> {
    let padding = padding(1 + key.len() + payload.len());
    let first = kind as u8 | padding << 2;
    let padding = &[0; ROW_BYTES_STEP][..usize::from(padding)];
    [&[first], key, payload, padding]
        .concat()
        .into_boxed_slice()
}

/// How many bytes follow `length` bytes of a row.
fn padding(length: usize) -> u8 {
    let allocated = (length + ALLOCATOR_BYTES).next_multiple_of(ROW_BYTES_STEP);
    u8::try_from(allocated - ALLOCATOR_BYTES - length).expect("it is less than a step")
}

impl Row {
    fn kind(&self) -> Kind {
        match self.bytes[0] & KIND_MASK {
            1 => Kind::Record,
            2 => Kind::Delta,
            _ => Kind::Removed,
        }
    }

    fn set_kind(&mut self, kind: Kind) {
        self.bytes[0] = self.bytes[0] & !KIND_MASK | kind as u8;
    }

    /// Replaces kind and payload, if they take as much memory as those before.
    fn replace(&mut self, kind: Kind, key_bytes: usize, payload: &[u8]) -> bool {
        let start = 1 + key_bytes;
        let end = start + payload.len();
        let padding = padding(end);
        if end + usize::from(padding) != self.bytes.len() {
            return false;
        }
        self.bytes[0] = kind as u8 | padding << 2;
        self.bytes[start..end].copy_from_slice(payload);
        true
    }

    fn key(&self, format: &RowFormat) -> &[u8] {
        &self.bytes[1..=format.key_bytes]
    }

    fn identity(&self, format: &RowFormat) -> &[u8] {
        &self.bytes[1 + format.identity..=format.key_bytes]
    }

    fn payload(&self, format: &RowFormat) -> &[u8] {
        let end = self.bytes.len() - usize::from(self.bytes[0] >> 2);
        &self.bytes[1 + format.key_bytes..end]
    }

    fn size(&self) -> usize {
        self.bytes.len() + ROW_OVERHEAD_BYTES
    }
}

impl RowCache {
    /// Empty. Keeps rows of about `bytes_max` bytes together, and those that must stay.
    pub fn new(format: RowFormat, bytes_max: usize) -> Self {
        Self {
            format,
            shards: array::from_fn(|_| GuardedShard::default()),
            shard_bytes_max: bytes_max / SHARDS,
            hasher: DefaultHashBuilder::default(),
            first_entry: AtomicU64::new(0),
        }
    }

    /// The format of the table's rows.
    pub fn format(&self) -> &RowFormat {
        &self.format
    }

    /// What `decode` makes of the key and the record of the row with this identity, as it is now; `None`
    /// if its record has to be read.
    pub fn record<T>(&self, identity: &[u8], decode: impl FnOnce(&[u8], &[u8]) -> T) -> Option<T> {
        let hash = self.hash(identity);
        let guarded = self.shard(hash);
        let shard = guarded.read();
        let row = shard.find(hash, identity, &self.format);
        let Some(row) = row.filter(|row| row.kind() == Kind::Record) else {
            guarded.misses.fetch_add(1, Ordering::Relaxed);
            return None;
        };
        guarded.hits.fetch_add(1, Ordering::Relaxed);
        Some(decode(row.key(&self.format), row.payload(&self.format)))
    }

    /// How often [`RowCache::record`] found a row.
    pub fn lookups(&self) -> Lookups {
        let sum = |of: fn(&GuardedShard) -> &AtomicU64| {
            let counts = self.shards.iter().map(of);
            counts.map(|count| count.load(Ordering::Relaxed)).sum()
        };
        Lookups {
            table: self.format.table,
            hits: sum(|shard| &shard.hits),
            misses: sum(|shard| &shard.misses),
        }
    }

    /// What `decode` makes of the record of the row with this key, if `stored` is what a snapshot has: with
    /// the changes that it does not have yet. A record that cannot be read is not needed where the row is here;
    /// else `decode` is given that failure, or that the delta does not fit the record.
    pub fn current<T>(
        &self,
        key: &[u8],
        stored: Result<&[u8], Failure>,
        decode: impl FnOnce(Result<&[u8], Failure>) -> T,
    ) -> T {
        let identity = &key[self.format.identity..];
        let hash = self.hash(identity);
        let shard = self.read(hash);
        let Some(row) = shard.find(hash, identity, &self.format) else {
            drop(shard);
            return decode(stored);
        };
        let payload = row.payload(&self.format);
        match row.kind() {
            Kind::Record | Kind::Removed => decode(Ok(payload)),
            Kind::Delta => match stored.and_then(|stored| self.apply(stored, payload)) {
                Ok(record) => decode(Ok(&record)),
                Err(failure) => decode(Err(failure)),
            },
        }
    }

    /// Inserts the row with this key, whose record a snapshot of this version has as `stored`. The snapshot
    /// must be kept until this returns.
    pub fn insert(&self, key: &[u8], stored: &[u8], version: u64) {
        let identity = &key[self.format.identity..];
        let hash = self.hash(identity);
        let mut shard = self.write(hash);
        if version < shard.removed_at {
            return;
        }
        let Some(row) = shard.find_mut(hash, identity, &self.format) else {
            let bytes = encode(Kind::Record, key, stored);
            let row = Row {
                bytes,
                entry_after: 0,
            };
            if self.evict_for(&mut shard, row.size()) {
                self.add(&mut shard, hash, row);
            }
            return;
        };
        if row.kind() == Kind::Delta
            && let Ok(record) = self.apply(stored, row.payload(&self.format))
        {
            let bytes = encode(Kind::Record, key, &record);
            let (before, after) = (row.bytes.len(), bytes.len());
            row.bytes = bytes;
            shard.bytes = shard.bytes + after - before;
        }
    }

    /// Puts the record of a row that was changed, by the journal entry with this number.
    pub fn put(&self, key: &[u8], record: &[u8], entry: u64) {
        self.put_payload(Kind::Record, key, record, entry);
    }

    /// Puts the last delta of the row with this key, whose record was not read, from the journal entry with
    /// this number.
    pub fn put_delta(&self, key: &[u8], delta: &[u8], entry: u64) {
        self.put_payload(Kind::Delta, key, delta, entry);
    }

    fn put_payload(&self, kind: Kind, key: &[u8], payload: &[u8], entry: u64) {
        let identity = &key[self.format.identity..];
        let hash = self.hash(identity);
        let mut shard = self.write(hash);
        let entry_after = entry + 1;
        let Some(row) = shard.find_mut(hash, identity, &self.format) else {
            let bytes = encode(kind, key, payload);
            let row = Row { bytes, entry_after };
            // It must stay, whether there is room or not.
            self.evict_for(&mut shard, row.size());
            self.add(&mut shard, hash, row);
            return;
        };
        row.entry_after = entry_after;
        if row.replace(kind, key.len(), payload) {
            return;
        }
        let before = row.bytes.len();
        row.bytes = encode(kind, key, payload);
        let after = row.bytes.len();
        shard.bytes = shard.bytes + after - before;
    }

    /// Removes the row with this key, which the commit of this version removed. What it was before stays as
    /// long as it must, for readers of an older snapshot.
    pub fn remove(&self, key: &[u8], version: u64) {
        let identity = &key[self.format.identity..];
        let hash = self.hash(identity);
        let mut shard = self.write(hash);
        shard.removed_at = version;
        let Some(row) = shard.find_mut(hash, identity, &self.format) else {
            return;
        };
        match row.kind() {
            Kind::Record => row.set_kind(Kind::Removed),
            // Without a record nobody takes it for one that is still there.
            Kind::Delta | Kind::Removed => {}
        }
    }

    /// What is to be written into the table for the row with this key, whose record there is `stored`: the
    /// record with its last change. `None` if there is no change.
    ///
    /// # Errors
    ///
    /// If the delta does not fit the record, or is all that is here and the record cannot be read.
    pub fn pending(
        &self,
        key: &[u8],
        stored: Result<&[u8], Failure>,
    ) -> Result<Option<Vec<u8>>, Failure> {
        let identity = &key[self.format.identity..];
        let hash = self.hash(identity);
        let shard = self.read(hash);
        let Some(row) = shard.find(hash, identity, &self.format) else {
            return Ok(None);
        };
        let payload = row.payload(&self.format);
        match row.kind() {
            Kind::Record | Kind::Removed => {
                // With room for the checksum that follows it in the file.
                let mut record = Vec::with_capacity(payload.len() + 8);
                record.extend_from_slice(payload);
                Ok(Some(record))
            }
            Kind::Delta => self.apply(stored?, payload).map(Some),
        }
    }

    /// The delta of the last change of the row with this key, which the journal entry with this number has once more.
    /// `None` if there is none.
    ///
    /// # Errors
    ///
    /// If the row's record does not decode.
    pub fn journal_again(&self, key: &[u8], entry: u64) -> Result<Option<Vec<u8>>, Failure> {
        let identity = &key[self.format.identity..];
        let hash = self.hash(identity);
        let mut shard = self.write(hash);
        let Some(row) = shard.find_mut(hash, identity, &self.format) else {
            return Ok(None);
        };
        row.entry_after = entry + 1;
        let payload = row.payload(&self.format);
        match row.kind() {
            Kind::Record => (self.format.delta)(payload).map(Some),
            Kind::Delta => Ok(Some(payload.to_vec())),
            Kind::Removed => Ok(None),
        }
    }

    /// All snapshots that are left were taken without the entries before this one, whose changes may be
    /// evicted.
    pub fn release(&self, first_entry: u64) {
        self.first_entry.store(first_entry, Ordering::Relaxed);
    }

    /// Evicts what nobody needs any more and what is over the limit, and gives back the memory that a time of
    /// many changes took.
    pub fn trim(&self) {
        for shard in &self.shards {
            let mut shard = shard.write();
            let Shard { rows, bytes, .. } = &mut *shard;
            rows.retain(|row| {
                let is_of_use = row.kind() == Kind::Record && *bytes <= self.shard_bytes_max;
                let stays = is_of_use || !self.is_evictable(row);
                if !stays {
                    *bytes -= row.size();
                }
                stays
            });
            rows.shrink_to_fit(|row| self.hash(row.identity(&self.format)));
        }
    }

    fn add(&self, shard: &mut Shard, hash: u64, row: Row) {
        let hash_of = |row: &Row| self.hash(row.identity(&self.format));
        let len = shard.rows.len();
        if len == shard.rows.capacity() {
            // Evicted rows leave places behind that cannot be used again; a hash table that grows by itself
            // would double for them, and never be as small again.
            let larger = HashTable::with_capacity(len + len / ROWS_PER_GROWTH + 1);
            for row in mem::replace(&mut shard.rows, larger) {
                shard.rows.insert_unique(hash_of(&row), row, hash_of);
            }
        }
        shard.bytes += row.size();
        shard.rows.insert_unique(hash, row, hash_of);
    }

    /// Whether `shard` has room for `bytes` more; evicts rows for that, if it soon finds some that it may.
    fn evict_for(&self, shard: &mut Shard, bytes: usize) -> bool {
        let has_room = |shard: &Shard| shard.bytes + bytes <= self.shard_bytes_max;
        for _ in 0..PROBES_MAX {
            if has_room(shard) {
                return true;
            }
            shard.clock = (shard.clock + 1) % shard.rows.num_buckets().max(1);
            if let Ok(found) = shard.rows.get_bucket_entry(shard.clock)
                && self.is_evictable(found.get())
            {
                let (evicted, _) = found.remove();
                shard.bytes -= evicted.size();
            }
        }
        has_room(shard)
    }

    fn is_evictable(&self, row: &Row) -> bool {
        row.entry_after <= self.first_entry.load(Ordering::Relaxed)
    }

    fn apply(&self, stored: &[u8], delta: &[u8]) -> Result<Vec<u8>, Failure> {
        let mut record = Vec::with_capacity(stored.len() + delta.len() + 8);
        (self.format.apply)(stored, delta, &mut record)?;
        Ok(record)
    }

    fn hash(&self, identity: &[u8]) -> u64 {
        self.hasher.hash_one(identity)
    }

    /// The hash table uses the highest and the lowest bits of a hash.
    fn shard(&self, hash: u64) -> &GuardedShard {
        &self.shards[(hash >> 32) as usize % SHARDS]
    }

    fn read(&self, hash: u64) -> RwLockReadGuard<'_, Shard> {
        self.shard(hash).read()
    }

    fn write(&self, hash: u64) -> RwLockWriteGuard<'_, Shard> {
        self.shard(hash).write()
    }
}

impl GuardedShard {
    fn read(&self) -> RwLockReadGuard<'_, Shard> {
        self.shard.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Shard> {
        self.shard.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Shard {
    fn find(&self, hash: u64, identity: &[u8], format: &RowFormat) -> Option<&Row> {
        self.rows.find(hash, |row| row.identity(format) == identity)
    }

    fn find_mut(&mut self, hash: u64, identity: &[u8], format: &RowFormat) -> Option<&mut Row> {
        self.rows
            .find_mut(hash, |row| row.identity(format) == identity)
    }
}

impl fmt::Debug for RowCache {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let tag = self.format.tag;
        formatter
            .debug_struct("RowCache")
            .field("tag", &tag)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Keys have four bytes, of which the last two identify a row; a delta is appended to a record.
    const FORMAT: RowFormat = RowFormat {
        table: "a_table",
        tag: 1,
        key_bytes: 4,
        identity: 2,
        apply: |record, delta, changed| match record.first() {
            Some(b'!') => Err(Failure::Corrupt("unreadable".to_owned())),
            _ => {
                changed.extend([record, delta].concat());
                Ok(())
            }
        },
        delta: |record| Ok(record[1..].to_vec()),
        cache_divisor: 1,
    };

    fn key(number: usize) -> [u8; 4] {
        let [high, low] = (number as u16).to_be_bytes();
        [0, 0, high, low]
    }

    fn cached(cache: &RowCache, number: usize) -> Option<Vec<u8>> {
        let key = key(number);
        cache.record(&key[2..], |found, record| {
            assert_eq!(found, key);
            record.to_vec()
        })
    }

    fn current(cache: &RowCache, number: usize, stored: &[u8]) -> Vec<u8> {
        let read = cache.current(&key(number), Ok(stored), |record| {
            record.map(<[u8]>::to_vec)
        });
        read.expect("it decodes")
    }

    /// How many rows there are, and how many bytes they are counted as.
    fn size(cache: &RowCache) -> (usize, usize) {
        let shards = cache.shards.iter();
        shards.fold((0, 0), |(rows, bytes), shard| {
            let shard = shard.read();
            let counted: usize = shard.rows.iter().map(Row::size).sum();
            assert_eq!(shard.bytes, counted);
            (rows + shard.rows.len(), bytes + shard.bytes)
        })
    }

    const ROOM: usize = 1 << 20;

    #[test]
    fn a_row_that_was_read_is_returned_with_the_changes_since() {
        let cache = RowCache::new(FORMAT, ROOM);
        assert_eq!(cached(&cache, 1), None);
        cache.insert(&key(1), b"a", 1);
        assert_eq!(cached(&cache, 1), Some(b"a".to_vec()));
        cache.put(&key(1), b"ab", 7);
        assert_eq!(cached(&cache, 1), Some(b"ab".to_vec()));
        // Read before the change and inserted after it.
        cache.insert(&key(1), b"a", 1);
        assert_eq!(cached(&cache, 1), Some(b"ab".to_vec()));
        assert_eq!(current(&cache, 1, b"a"), b"ab");
        cache.release(8);
        cache.trim();
        assert_eq!(cached(&cache, 1), Some(b"ab".to_vec()));
    }

    #[test]
    fn a_row_of_any_length_is_returned_as_it_was_put() {
        let cache = RowCache::new(FORMAT, ROOM);
        for length in (0..70).chain((0..70).rev()) {
            let record = vec![7; length];
            cache.put(&key(1), &record, 7);
            assert_eq!(cached(&cache, 1), Some(record.clone()));
            let (_, bytes) = size(&cache);
            assert_eq!(
                (bytes - ROW_OVERHEAD_BYTES + ALLOCATOR_BYTES) % ROW_BYTES_STEP,
                0
            );
        }
    }

    #[test]
    fn a_delta_alone_stays_as_long_as_the_entry_that_journaled_it_last() {
        let cache = RowCache::new(FORMAT, ROOM);
        cache.put_delta(&key(1), b"x", 7);
        assert_eq!(cached(&cache, 1), None, "its record is unknown");
        cache.put_delta(&key(1), b"y", 8);
        assert_eq!(current(&cache, 1, b"a"), b"ay");
        assert_eq!(cache.pending(&key(1), Ok(b"a")), Ok(Some(b"ay".to_vec())));
        for (first_entry, expected) in [(7, &b"ay"[..]), (8, b"ay"), (9, b"a")] {
            cache.release(first_entry);
            cache.trim();
            assert_eq!(current(&cache, 1, b"a"), expected, "{first_entry}");
        }
    }

    #[test]
    fn a_delta_becomes_a_row_once_its_record_is_read() {
        let cache = RowCache::new(FORMAT, ROOM);
        cache.put_delta(&key(1), b"x", 7);
        cache.insert(&key(1), b"a", 1);
        assert_eq!(cached(&cache, 1), Some(b"ax".to_vec()));
        assert_eq!(cache.pending(&key(1), Ok(b"a")), Ok(Some(b"ax".to_vec())));
        cache.put_delta(&key(2), b"x", 7);
        cache.insert(&key(2), b"!", 1);
        assert_eq!(cached(&cache, 2), None, "the delta does not fit");
        assert!(cache.pending(&key(2), Ok(b"!")).is_err());
        size(&cache);
    }

    #[test]
    fn a_removed_row_is_not_inserted_from_an_older_snapshot() {
        let cache = RowCache::new(FORMAT, ROOM);
        cache.insert(&key(1), b"a", 4);
        cache.remove(&key(1), 5);
        assert_eq!(cached(&cache, 1), None);
        cache.insert(&key(1), b"a", 4);
        assert_eq!(cached(&cache, 1), None);
    }

    #[test]
    fn the_changes_of_a_removed_row_stay_for_older_snapshots() {
        let cache = RowCache::new(FORMAT, ROOM);
        cache.put(&key(1), b"ab", 7);
        cache.put_delta(&key(2), b"x", 7);
        for number in [1, 2] {
            cache.remove(&key(number), 5);
            cache.insert(&key(number), b"a", 4);
            assert_eq!(cached(&cache, number), None);
        }
        cache.trim();
        assert_eq!(current(&cache, 1, b"a"), b"ab");
        assert_eq!(current(&cache, 2, b"a"), b"ax");
        cache.release(8);
        cache.trim();
        assert_eq!(current(&cache, 1, b"a"), b"a");
        assert_eq!(size(&cache), (0, 0));
    }

    #[test]
    fn coming_and_going_takes_no_more_memory() {
        const ROWS: usize = 48 * SHARDS;
        let cache = RowCache::new(FORMAT, ROWS * (8 + ROW_OVERHEAD_BYTES));
        let buckets = || -> usize {
            let shards = cache.shards.iter();
            shards.map(|shard| shard.read().rows.num_buckets()).sum()
        };
        (0..ROWS).for_each(|number| cache.insert(&key(number), b"a", 1));
        let before = buckets();
        (0..20 * ROWS).for_each(|number| cache.insert(&key(number), b"a", 1));
        assert!(buckets() <= 2 * before, "{} after {before}", buckets());
    }

    #[test]
    fn only_what_must_stay_goes_beyond_the_limit() {
        const ROWS: usize = 16 * SHARDS;
        const ROW_BYTES: usize = 8 + ROW_OVERHEAD_BYTES;
        let cache = RowCache::new(FORMAT, ROWS * ROW_BYTES);
        let rows = || size(&cache).0;
        (0..3 * ROWS).for_each(|number| cache.insert(&key(number), b"a", 1));
        assert!(rows() > ROWS / 2 && rows() <= ROWS, "{}", rows());
        let newest = (2 * ROWS..3 * ROWS).filter(|number| cached(&cache, *number).is_some());
        assert!(newest.count() > 0, "they take the place of older ones");
        for number in 0..3 * ROWS {
            cache.put(&key(number), b"b", 7);
        }
        assert_eq!(rows(), 3 * ROWS);
        cache.insert(&key(3 * ROWS), b"a", 1);
        assert_eq!(rows(), 3 * ROWS, "there is no room");
        cache.release(8);
        cache.trim();
        assert!(rows() <= ROWS + SHARDS, "{}", rows());
        cache.insert(&key(0), b"longer than before", 1);
        size(&cache);
    }
}
