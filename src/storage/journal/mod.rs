//! The rotation journal: what makes a durable rotation cheap.
//!
//! The database copies every page that a commit touches. Rows that are changed together lie on different
//! pages, so writing each change into its record would cost a page or more for each. A commit instead appends
//! its changes to a journal table, all in one entry, and *applies* a few older ones: it writes them into their
//! records in the order of their keys, so that neighbors share pages. What is journaled and not applied is in
//! memory too, in the [`RowCache`], through which every row is read.
//! Nobody outside of the storage depends on any of it.
//!
//! A change is an opaque *delta*. Its table says how long it is and how it changes a record
//! ([`JournaledTable`](crate::storage::table::JournaledTable)); any number of tables can be journaled.
//!
//! # What is where
//!
//! ```text
//! records    key → record                         which rows exist; their changes applied last
//! journal    number → cursor, (row, delta) …      one entry for each commit that changes rows
//! cache      row → record with all changes        in memory: journaled and not applied, or read lately
//! ```
//!
//! Applying goes round and round through the pending rows in the order of their keys. The *cursor* is how many
//! rounds were finished, and the row applied last. Each entry holds the cursor as it was after its own commit.
//!
//! # Why a restart loses nothing
//!
//! From the cursor of the last entry and from an entry's own cursor follows whether a change was applied since
//! it was journaled ([`ApplyCursor::has_passed`](cursor::ApplyCursor)):
//!
//! - An entry of this round: the rows between the entry's cursor and now were applied.
//! - An entry of the round before: all but those between now and the entry's cursor were.
//! - An older one: every row was.
//!
//! So [`Journal::open`] reads the entries in their order and puts into the cache what was not applied. The last
//! change of a row counts, as it did when they happened. Once the cursor has come round to where an entry found
//! it, the entry is obsolete and is removed.
//!
//! All that a commit does, entry, records and removed entries, is one transaction of the database: it is on
//! the disk as a whole or not at all. Cache and cursor in memory change after it, and a commit that fails
//! leaves them as they were; after a storage failure the journal is opened again.
//!
//! # Why a read never goes back
//!
//! Readers share the cache with the writer, while each has a snapshot of the records. What a commit changed is
//! put into the cache before its snapshot is published; it can be evicted only after its entry was removed from
//! the journal and all snapshots from before that are closed
//! ([`SnapshotTracker`]). So cache and snapshot together always
//! have a row's last change.
//!
//! # Why it stays small
//!
//! While more than a target number of rows is pending, or more than three times as many changes are journaled,
//! each commit applies at least as many rows as it changes. A round then lasts one or two times as many changes
//! as there are pending rows, and so many the journal holds. Removing obsolete entries is bounded for each
//! commit, so that no caller waits for it, and faster than new ones come. While nobody writes, the writer applies
//! the rest by itself and empties the journal.

mod cursor;
mod entry;
pub mod journaled;
pub mod limits;
pub mod unappliable;

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::ops::{Bound, ControlFlow};
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::error::Failure;
use crate::storage::cache::derived::DerivedValues;
use crate::storage::cache::rows::RowCache;
use crate::storage::engine::Engine;
use crate::storage::engine::read::EngineRead;
use crate::storage::engine::write::EngineWrite;
use crate::storage::journal::cursor::ApplyCursor;
use crate::storage::journal::journaled::Journaled;
use crate::storage::journal::limits::JournalLimits;
use crate::storage::journal::unappliable::{DAMAGE_ATTEMPTS, Unappliable};
use crate::storage::snapshots::SnapshotTracker;
use crate::storage::table::{Fixed, RowFormat, RowKey, Table};
use crate::storage::transaction::commit_state::{CommitState, RowCaches};
use crate::storage::transaction::read_txn::ReadTxn;
use crate::storage::transaction::row_changes::{RowChange, RowChanges};
use crate::storage::transaction::write_txn::WriteTxn;

/// By number, which sorts like its big-endian bytes.
const JOURNAL: Table<Fixed<8>> = Table::new("rotation_journal");

/// How many changes the journal may hold, in targets: more only where few rows are changed again and again.
const JOURNALED_PER_TARGET: u64 = 3;

/// How many rows one transaction applies while nobody writes: so few that a caller who comes just then hardly
/// waits.
const IDLE_ROWS: usize = 64;

/// How many rows one transaction applies when the database is closed.
const CLOSE_ROWS: usize = 4_096;

/// How long closing the database may go on applying; what is left is in the journal.
const CLOSE_APPLY_MAX: Duration = Duration::from_secs(2);

/// How many journaled changes are removed for each that is added: more than one, so that a backlog shrinks.
const REMOVED_PER_ROW: usize = 2;

/// A database whose changes of rows are journaled.
pub struct Journal {
    engine: Engine,
    tables: &'static [&'static dyn Journaled],
    limits: JournalLimits,
    target: u64,
    /// The snapshot of the last commit.
    newest: Arc<ReadTxn>,
    snapshots: SnapshotTracker,
    /// The rows that were changed and not applied yet: each of them is in the cache.
    pending: BTreeSet<RowKey>,
    unappliable: Unappliable,
    cursor: ApplyCursor,
    /// The number of the next entry.
    next: u64,
    /// How many entries there are.
    entries: u64,
    /// How many changes they have together.
    journaled: u64,
    /// Whether rows were journaled since the cache was trimmed.
    is_trim_due: bool,
    /// The memory of the last transaction's changes, for the next.
    spare: RefCell<RowChanges>,
}

/// What is pending in the journal.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Backlog {
    /// How many rows have changes that are not in their records.
    pub pending_rows: u64,
    /// How many entries there are, obsolete ones among them.
    pub entries: u64,
    /// From how many pending rows on they are applied while others write.
    pub target: u64,
}

impl Journal {
    /// Puts into the cache what the database's journal holds for `tables`. The first version is `version`,
    /// which is to be higher by two than that of a journal that failed.
    ///
    /// # Errors
    ///
    /// Of the storage, or of an entry that does not decode: without it rows would be out of date. The file is as it
    /// was then.
    pub fn open(
        engine: Engine,
        tables: &'static [&'static dyn Journaled],
        limits: &JournalLimits,
        version: u64,
    ) -> Result<Self, Failure> {
        let formats: Vec<_> = tables.iter().map(|table| table.format()).collect();
        let rows = RowCaches::new(&formats, limits.cache_bytes);
        let file = engine.begin_read()?;
        let last = file.last(&JOURNAL, |number, entry| {
            let (cursor, ..) = entry::decode_header(entry)?;
            Ok((u64::from_be_bytes(*number), cursor))
        })?;
        let (next, cursor) = last.map_or((0, ApplyCursor::START), |(number, cursor)| {
            (number + 1, cursor)
        });
        let (pending, journaled) = replay(&file, &formats, cursor, &rows)?;
        let entries = file.count(&JOURNAL)?;
        rows.release(next - entries);
        let target = limits.target_for(count(tables, &file)?);
        // Everything is known to be usable now.
        engine.release()?;
        let mut snapshots = SnapshotTracker::default();
        let state = CommitState {
            rows: Arc::new(rows),
            derived: Arc::default(),
            guard: snapshots.open(version),
            version,
        };
        Ok(Self {
            engine,
            tables,
            limits: limits.clone(),
            target,
            newest: Arc::new(ReadTxn::new(file, state)),
            snapshots,
            is_trim_due: !pending.is_empty(),
            pending,
            unappliable: Unappliable::default(),
            cursor,
            next,
            entries,
            journaled,
            spare: RefCell::default(),
        })
    }

    /// The snapshot of the last commit.
    pub fn newest(&self) -> Arc<ReadTxn> {
        Arc::clone(&self.newest)
    }

    /// The write transaction, to be given to [`Journal::commit`] or dropped.
    ///
    /// # Errors
    ///
    /// Of the storage.
    pub fn begin_write(&self) -> Result<WriteTxn, Failure> {
        let memory = self.spare.take();
        Ok(WriteTxn::new(
            self.engine.begin_write()?,
            self.newest(),
            memory,
        ))
    }

    /// Journals the changes of rows in the transaction and makes everything in it durable; when this returns
    /// `Ok`, it is on disk and in [`Journal::newest`].
    ///
    /// # Errors
    ///
    /// [`Failure::Storage`]: the journal must be opened again, and all of it may be there or none of it.
    pub fn commit(&mut self, txn: WriteTxn) -> Result<(), Failure> {
        let (file, changes) = txn.into_parts();
        let rows = changes.updated().count();
        let is_over = self.pending.len() as u64 > self.target
            || self.journaled > JOURNALED_PER_TARGET * self.target;
        let share = if rows > 0 && is_over {
            rows.max(self.limits.apply_min)
        } else {
            0
        };
        self.commit_with(file, changes, share, REMOVED_PER_ROW * rows)
    }

    /// The version of the last commit.
    pub fn version(&self) -> u64 {
        self.newest.state().version
    }

    /// Whether everything is applied and the journal is empty, as far as pages can be read.
    pub fn is_drained(&self) -> bool {
        let stuck = &self.unappliable;
        if self.pending.len() > stuck.rows.len() {
            return stuck.is_all;
        }
        self.entries == 0 || stuck.is_all || stuck.keeps_entries || !stuck.rows.is_empty()
    }

    /// What is pending.
    pub fn backlog(&self) -> Backlog {
        Backlog {
            pending_rows: self.pending.len() as u64,
            entries: self.entries,
            target: self.target,
        }
    }

    /// How long nobody writes before [`Journal::apply_some`] is due.
    pub fn idle_after(&self) -> Duration {
        self.limits.idle_after
    }

    /// Applies some of what is pending, or removes some of the entries if nothing is: one short step.
    ///
    /// # Errors
    ///
    /// As [`Journal::commit`].
    pub fn apply_some(&mut self) -> Result<(), Failure> {
        self.apply(IDLE_ROWS)
    }

    /// Lets the cache evict what only snapshots needed that are closed by now. To be called once the snapshot
    /// of the last commit is published.
    pub fn sweep(&mut self) {
        let Some(first_entry) = self.snapshots.sweep() else {
            return;
        };
        let rows = &self.newest.state().rows;
        rows.release(first_entry);
        if self.is_trim_due && self.is_drained() {
            rows.trim();
            self.is_trim_due = false;
        }
    }

    /// Applies for a moment, so that the next start has little to read, gives back the space of a file that is mostly
    /// unused, and closes the database so that it needs no repair.
    ///
    /// # Errors
    ///
    /// Of the storage.
    pub fn close(mut self) -> Result<(), Failure> {
        let began = Instant::now();
        while !self.is_drained() && began.elapsed() < CLOSE_APPLY_MAX {
            self.apply(CLOSE_ROWS)?;
        }
        let Self {
            mut engine, newest, ..
        } = self;
        drop(newest);
        let began = Instant::now();
        if let Some(shrunk) = engine.shrink()? {
            let shrink_ms = began.elapsed().as_millis() as u64;
            let (bytes_before, bytes_after) = (shrunk.bytes_before, shrunk.bytes_after);
            tracing::info!(
                bytes_before,
                bytes_after,
                shrink_ms,
                "the database file was shrunk"
            );
        }
        engine.close()
    }

    /// Closes the database as it is.
    ///
    /// # Errors
    ///
    /// Of the storage.
    pub fn close_after_failure(self) -> Result<(), Failure> {
        drop(self.newest);
        self.engine.close()
    }

    /// A snapshot of the file, without what belongs to its state in memory.
    ///
    /// # Errors
    ///
    /// [`Failure::Storage`].
    pub fn file_snapshot(&self) -> Result<EngineRead, Failure> {
        self.engine.begin_read()
    }

    fn apply(&mut self, rows: usize) -> Result<(), Failure> {
        for _ in 0..DAMAGE_ATTEMPTS {
            match self.try_to_apply(rows) {
                Err(Failure::Unreadable(_)) => {}
                done => return done,
            }
        }
        // Until something else is committed.
        self.unappliable.is_all = true;
        Ok(())
    }

    fn try_to_apply(&mut self, rows: usize) -> Result<(), Failure> {
        let file = self.engine.begin_write()?;
        if !self.pending.is_empty() {
            return self.commit_with(file, RowChanges::default(), rows, rows);
        }
        // With nothing pending every entry is obsolete.
        let removed = self
            .unappliable
            .remove_first(|| remove_first(&file, rows, |_| true))?;
        file.commit()?;
        // No table was written of which anything is derived.
        let derived = Arc::clone(&self.newest.state().derived);
        self.publish(removed, derived)
    }

    /// Applies the next `share` rows, if it is not zero, writes the entry, removes at most `removed_max`
    /// changes that are obsolete, and commits.
    fn commit_with(
        &mut self,
        file: EngineWrite,
        changes: RowChanges,
        share: usize,
        removed_max: usize,
    ) -> Result<(), Failure> {
        let rows = Arc::clone(&self.newest.state().rows);
        let (mut applied, cursor) = self.next_to_apply(share);
        let again = self.unappliable_of(&mut applied)?;
        for table in self.tables {
            let format = table.format();
            let start = applied.partition_point(|row| row.tag() < format.tag);
            let end = applied.partition_point(|row| row.tag() <= format.tag);
            if start < end {
                let done = table.apply(&file, &applied[start..end], rows.of(format.tag)?);
                done.inspect_err(|failure| self.unappliable.failed(failure, &applied))?;
            }
        }
        let again_deltas = self.journal_again(&again, &changes)?;
        let again_deltas = again_deltas.iter().map(|(row, delta)| (*row, &**delta));
        let updated: Vec<_> = changes.updated().chain(again_deltas).collect();
        let (mut added, mut removed) = (0, Removed::default());
        if share > 0 || !updated.is_empty() {
            let formats = rows.iter().map(RowCache::format);
            let entry = entry::encode(cursor, formats, &updated)?;
            file.put(&JOURNAL, &self.next.to_be_bytes(), &entry)?;
            added = 1;
            removed = self.unappliable.remove_first(|| {
                remove_first(&file, removed_max, |then| cursor.has_passed_all(then))
            })?;
        }
        let updated = updated.len() as u64;
        let derived = Arc::new(self.newest.state().derived.without(&file.written()));
        file.commit()?;
        let version = self.version() + 1;
        for row in &applied {
            self.pending.remove(row);
        }
        self.unappliable.committed(&applied, again);
        for (row, change) in changes.iter() {
            let cache = rows.of(row.tag())?;
            match change {
                // A row that this very transaction applied an earlier change of is pending again.
                RowChange::Updated { record, .. } => {
                    cache.put(row.key(), record, self.next);
                    self.pending.insert(*row);
                    self.is_trim_due = true;
                }
                RowChange::Removed => {
                    cache.remove(row.key(), version);
                    self.unappliable.rows.remove(row);
                }
            }
        }
        self.spare.replace(changes);
        let is_round_over = self.cursor.cycle != cursor.cycle;
        self.cursor = cursor;
        self.next += added;
        self.entries += added;
        self.journaled += updated;
        self.publish(removed, derived)?;
        if is_round_over {
            let rows = count(self.tables, self.newest.file())?;
            self.target = self.limits.target_for(rows);
        }
        Ok(())
    }

    /// Takes those out of `rows` that cannot be applied, because their pages cannot be read, and returns them.
    fn unappliable_of(&self, rows: &mut Vec<RowKey>) -> Result<Vec<RowKey>, Failure> {
        let mut found = Vec::new();
        let file = self.newest.file();
        if !file.damage().is_known() {
            return Ok(found);
        }
        for table in self.tables {
            let tag = table.format().tag;
            for row in rows.iter().filter(|row| row.tag() == tag) {
                if self.unappliable.set_aside.contains(row) || !table.is_readable(file, row)? {
                    found.push(*row);
                }
            }
        }
        rows.retain(|row| !found.contains(row));
        Ok(found)
    }

    /// The deltas of `rows`, which the next entry has once more, since the cursor passes rows that were not applied.
    /// Those that are in `changes` are left out.
    fn journal_again<'r>(
        &self,
        rows: &'r [RowKey],
        changes: &RowChanges,
    ) -> Result<Vec<(&'r RowKey, Vec<u8>)>, Failure> {
        let mut deltas = Vec::new();
        for row in rows.iter().filter(|row| changes.get(row).is_none()) {
            let cache = self.newest.state().rows.of(row.tag())?;
            if let Some(delta) = cache.journal_again(row.key(), self.next)? {
                deltas.push((row, delta));
            }
        }
        Ok(deltas)
    }

    /// Takes the snapshot of the last commit, which removed `removed` from the journal.
    fn publish(&mut self, removed: Removed, derived: Arc<DerivedValues>) -> Result<(), Failure> {
        let before = self.newest.state();
        let version = before.version + 1;
        self.entries -= removed.entries;
        self.journaled -= removed.rows;
        if removed.entries > 0 {
            let first_entry = self.next - self.entries;
            self.snapshots.removed(version, first_entry);
        }
        let state = CommitState {
            rows: Arc::clone(&before.rows),
            derived,
            guard: self.snapshots.open(version),
            version,
        };
        self.newest = Arc::new(ReadTxn::new(self.engine.begin_read()?, state));
        Ok(())
    }

    /// The next `share` pending rows after the cursor, without those of the open transaction, and the cursor
    /// after they are applied. Where nothing is left ahead, a new round begins.
    fn next_to_apply(&self, share: usize) -> (Vec<RowKey>, ApplyCursor) {
        if share == 0 {
            return (Vec::new(), self.cursor);
        }
        let position = self.cursor.position;
        let start = position.map_or(Bound::Unbounded, Bound::Excluded);
        let mut ahead = self.pending.range((start, Bound::Unbounded));
        let applied: Vec<_> = ahead.by_ref().take(share).copied().collect();
        let cycle = self.cursor.cycle;
        let cursor = match (applied.last(), ahead.next()) {
            (Some(&row), Some(_)) => ApplyCursor {
                cycle,
                position: Some(row),
            },
            _ => ApplyCursor {
                cycle: cycle + 1,
                position: None,
            },
        };
        (applied, cursor)
    }
}

/// Verifies an entry of the journal of these tables.
///
/// # Errors
///
/// [`Failure::Corrupt`].
pub fn verify_entry(tables: &[&dyn Journaled], entry: &[u8]) -> Result<(), Failure> {
    let formats: Vec<_> = tables.iter().map(|table| table.format()).collect();
    let (_, count, rows) = entry::decode_header(entry)?;
    entry::decode_rows(count, rows, &formats, |_, _| Ok(()))
}

/// The number of rows in all of the tables.
fn count(tables: &[&dyn Journaled], file: &EngineRead) -> Result<u64, Failure> {
    tables.iter().map(|table| table.count(file)).sum()
}

/// Puts into the cache what is journaled in `file` and was not applied at `now`. Returns those rows, and how many
/// changes are journaled.
fn replay(
    file: &EngineRead,
    formats: &[RowFormat],
    now: ApplyCursor,
    caches: &RowCaches,
) -> Result<(BTreeSet<RowKey>, u64), Failure> {
    let mut pending = Vec::new();
    let mut journaled = 0;
    file.scan(&JOURNAL, Bound::Unbounded, |number, entry| {
        let (then, count, rows) = entry::decode_header(entry?)?;
        journaled += count as u64;
        entry::decode_rows(count, rows, formats, |row, delta| {
            if !now.has_passed(then, row) {
                let number = u64::from_be_bytes(*number);
                caches.of(row.tag())?.put_delta(row.key(), delta, number);
                pending.push(row);
            }
            Ok(())
        })?;
        Ok(ControlFlow::Continue(()))
    })?;
    pending.sort_unstable();
    Ok((pending.into_iter().collect(), journaled))
}

/// Removes the oldest entries while `is_obsolete` holds for their cursors, until they had `rows_max` changes
/// together; an entry without any counts as one. Returns what was removed.
fn remove_first(
    file: &EngineWrite,
    rows_max: usize,
    is_obsolete: impl Fn(ApplyCursor) -> bool,
) -> Result<Removed, Failure> {
    let mut numbers = Vec::new();
    let (mut removed, mut counted) = (Removed::default(), 0);
    file.scan(&JOURNAL, Bound::Unbounded, |number, entry| {
        let header = entry.and_then(entry::decode_header);
        let (cursor, rows, _) = header.map_err(unreadable)?;
        if counted >= rows_max || !is_obsolete(cursor) {
            return Ok(ControlFlow::Break(()));
        }
        counted += rows.max(1);
        removed.rows += rows as u64;
        removed.entries += 1;
        numbers.push(*number);
        Ok(ControlFlow::Continue(()))
    })?;
    for number in &numbers {
        file.remove(&JOURNAL, number)?;
    }
    Ok(removed)
}

/// What a commit removed from the journal.
#[derive(Clone, Copy, Default)]
struct Removed {
    entries: u64,
    rows: u64,
}

/// An entry that could be read when the database was opened cannot be read any more.
fn unreadable(failure: Failure) -> Failure {
    Failure::Unreadable(failure.to_string())
}

#[cfg(test)]
mod tests;
