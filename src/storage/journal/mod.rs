//! The rotation journal: how a durable rotation gets cheap.
//!
//! The database copies every page that a commit touches. Logins that are rotated together lie on
//! different pages, so writing each rotation into its record would cost a page or more for each. A
//! commit instead appends its rotations to a journal table, all in one entry, and *settles* a few older
//! ones: it writes them into their records in the order of their places, so that neighbours share
//! pages. What is journaled and not settled is in memory too, in the [`Overlay`], which every look at a
//! login takes into account. Nobody outside of this floor knows of any of it.
//!
//! # What is where
//!
//! ```text
//! records    place → record                        what exists; the rotation settled last
//! journal    number → turn, (place, rotated) …     one entry for each commit that rotates
//! overlay    id → rotated, and more                in memory: journaled and not settled, or just now
//! ```
//!
//! Settling goes round and round through the overlay in the order of places, like the hand of a clock.
//! Where the hand stands is its *turn*: how many rounds it has done, and the place settled last. Each
//! entry holds the turn as it was after its own commit had settled its share.
//!
//! # Why a restart loses nothing
//!
//! The turn of the last entry tells how far the hand came. From it and from an entry's own turn follows
//! whether the hand has passed a rotation since it was journaled (`Turn::has_settled`):
//!
//! - An entry of this round: the hand has passed the places between the entry's turn and now.
//! - An entry of the round before: it has passed all but those between now and the entry's turn.
//! - An older one: it has passed every place.
//!
//! So [`Journal::open`] reads the entries in their order and puts into the overlay what the hand has not
//! passed. The last rotation of a login counts, as it did when they happened. Once the hand has come
//! round to where an entry found it, the entry is settled as a whole and is removed.
//!
//! All that a commit does, entry, settled records and removed entries, is one transaction of the
//! database: it is on the disk as a whole or not at all. The overlay and the turn in memory change after
//! it, and a commit that fails leaves them as they were; whoever meets a storage failure opens the
//! journal again.
//!
//! # Why a read never goes back
//!
//! Readers share the overlay with the writer, while each has a snapshot of the records. What a commit
//! rotated is put into the overlay before its snapshot can be had; it leaves the overlay only after its
//! entry has left the journal, and all snapshots that are older than that are gone. So between them
//! overlay and snapshot always tell a login's last rotation.
//!
//! # Why it stays small
//!
//! Each rotation earns as much settling as the overlay is full: `overlay / target` rows. An overlay that
//! has reached its target grows no more, whatever the traffic is. A round then lasts about as long as
//! twice `target` rotations, and so many the journal holds. (Only logins that are rotated
//! one after the other in the order of their places keep running ahead of the hand: then a round lasts as
//! many rotations as there are logins.) Removing old entries is bounded for each commit, so that
//! no caller waits for it, and faster than new ones come. When nobody writes, the writer settles the
//! rest by itself and empties the journal.

mod entry;

use std::collections::{BTreeMap, HashMap};
use std::ops::{Bound, ControlFlow};
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::config::Config;
use crate::error::Failure;
use crate::storage::cache::{self, Overlay};
use crate::storage::engine::read_txn::ReadTxn;
use crate::storage::engine::write_txn::WriteTxn;
use crate::storage::engine::{Edition, Engine, Fixed, Read, Table};
use crate::storage::journal::entry::{Turn, decode_row, decode_turn, encode_entry};
use crate::storage::rotated::Rotated;
use crate::storage::snapshots::{Lingering, Pin};
use crate::tables::persistent_login;
use crate::tables::persistent_login::key::Place;

/// By number, which sorts like its big-endian bytes.
const JOURNAL: Table<Fixed<8>> = Table::new("rotation_journal");

/// The target for few logins: less would save no memory worth naming.
const TARGET_MIN: u64 = 4_096;

/// The target for very many logins.
const TARGET_MAX: u64 = 1 << 20;

/// The target for many logins, in square roots of their number.
const TARGET_PER_ROOT: u64 = 256;

/// The target is at most the number of logins by this, so that the journal is small beside their records.
const LOGINS_PER_TARGET: u64 = 2;

/// How many rotations one transaction settles while nobody rotates: so few that a caller who comes just
/// then hardly waits.
const IDLE_ROWS: usize = 64;

/// How many rotations one transaction settles when the database is closed.
const CLOSE_ROWS: usize = 4_096;

/// How long closing the database may settle; what is left is in the journal.
const CLOSE_SETTLE_MAX: Duration = Duration::from_secs(2);

/// How many entries are removed for each rotation that is journaled, where that many are settled: more
/// than one, so that a backlog shrinks.
const REMOVED_PER_ROW: usize = 2;

/// How rotations are journaled.
#[derive(Clone, Debug)]
pub struct JournalLimits {
    /// How many rotations the overlay holds, about; by default it follows the number of logins.
    pub target: Option<u64>,
    /// How many rotations are settled together at least.
    pub settle_min: u64,
    /// How long nobody writes before the rest is settled.
    pub idle_after: Duration,
    /// How many logins are kept in memory, about, so that they need not be read again.
    pub known_max: usize,
}

impl JournalLimits {
    /// The limits that the settings ask for.
    pub fn new(config: &Config) -> Self {
        Self {
            target: config.journal_target.map(|target| target.get() as u64),
            settle_min: config.journal_settle_min.get() as u64,
            idle_after: config.journal_idle_after,
            known_max: usize::try_from(config.login_cache_size.as_u64() / cache::LOGIN_BYTES)
                .unwrap_or(usize::MAX),
        }
    }

    fn target_for(&self, logins: u64) -> u64 {
        self.target.unwrap_or_else(|| {
            let by_root = TARGET_PER_ROOT * logins.isqrt();
            by_root
                .min(logins / LOGINS_PER_TARGET)
                .clamp(TARGET_MIN, TARGET_MAX)
        })
    }
}

/// A database whose rotations are journaled.
pub struct Journal {
    engine: Engine,
    limits: JournalLimits,
    target: u64,
    edition: Edition,
    /// What is in the overlay and was not settled yet.
    waiting: BTreeMap<Place, Rotated>,
    lingering: Lingering,
    turn: Turn,
    /// The number of the next entry.
    next: u64,
    /// How many entries there are.
    entries: u64,
    /// The settling that was earned and not done, in rows × `target`.
    earned: u64,
}

impl Journal {
    /// Puts into the overlay what the database's journal holds. The first version is `version`, which is
    /// to be higher by two than that of a journal that failed.
    ///
    /// # Errors
    ///
    /// Of the storage, or of an entry that does not decode: without it logins would be out of date.
    pub fn open(engine: Engine, limits: &JournalLimits, version: u64) -> Result<Self, Failure> {
        let edition = Edition {
            overlay: Arc::new(Overlay::new(limits.known_max)),
            access_tokens: Arc::default(),
            pin: Pin::default(),
            version,
            records_version: version,
            last_rotations: Arc::default(),
        };
        let snapshot = engine.begin_read(edition.clone())?;
        let last = snapshot.last(&JOURNAL, |number, entry| {
            Ok((u64::from_be_bytes(*number), decode_turn(entry)?.0))
        })?;
        let (next, turn) = last.map_or((0, Turn::FIRST), |(number, turn)| (number + 1, turn));
        let waiting = replay(&snapshot, turn, &edition.overlay)?;
        let entries = snapshot.count(&JOURNAL)?;
        edition.overlay.release(next - entries);
        let target = limits.target_for(persistent_login::count(&snapshot)?);
        drop(snapshot);
        Ok(Self {
            engine,
            limits: limits.clone(),
            target,
            edition,
            waiting,
            lingering: Lingering::default(),
            turn,
            next,
            entries,
            earned: 0,
        })
    }

    /// A snapshot of everything committed so far.
    ///
    /// # Errors
    ///
    /// Of the storage.
    pub fn begin_read(&mut self) -> Result<ReadTxn, Failure> {
        let pin = self.lingering.pin(self.edition.version);
        let edition = Edition {
            pin,
            ..self.edition.clone()
        };
        self.engine.begin_read(edition)
    }

    /// The write transaction, to be given to [`Journal::commit`] or aborted.
    ///
    /// # Errors
    ///
    /// Of the storage.
    pub fn begin_write(&self) -> Result<WriteTxn, Failure> {
        self.engine.begin_write(self.edition.clone())
    }

    /// Journals the transaction's rotations and makes everything in it durable and visible; when this
    /// returns `Ok`, it is on disk.
    ///
    /// # Errors
    ///
    /// [`Failure::Storage`]: the journal must be opened again, and all of it may be there or none of it.
    pub fn commit(&mut self, txn: WriteTxn) -> Result<(), Failure> {
        let rows = txn.rotated_count();
        let earned = self.earned + (rows * self.waiting.len()) as u64;
        let quota = earned / self.target;
        // Few logins that are rotated again and again must not wait for many.
        let least = self.limits.settle_min.min(self.waiting.len() as u64);
        let share = if rows > 0 && quota >= least {
            usize::try_from(quota).unwrap_or(usize::MAX)
        } else {
            0
        };
        let removed_max = REMOVED_PER_ROW * rows;
        self.commit_with(txn, share, removed_max)?;
        self.earned = if share > 0 {
            earned % self.target
        } else {
            earned
        };
        Ok(())
    }

    /// The version of the last commit.
    pub fn version(&self) -> u64 {
        self.edition.version
    }

    /// Whether everything is settled and the journal is empty.
    pub fn is_at_rest(&self) -> bool {
        self.waiting.is_empty() && self.entries == 0
    }

    /// How long nobody writes before [`Journal::settle_some`] is due.
    pub fn idle_after(&self) -> Duration {
        self.limits.idle_after
    }

    /// Settles some of what waits, or removes some of the entries if nothing does: one short step
    /// towards rest.
    ///
    /// # Errors
    ///
    /// As [`Journal::commit`].
    pub fn settle_some(&mut self) -> Result<(), Failure> {
        self.settle(IDLE_ROWS)
    }

    /// Settles for a moment, so that the next start has little to read, and closes the database so that
    /// it needs no repair.
    ///
    /// # Errors
    ///
    /// Of the storage.
    pub fn close(mut self) -> Result<(), Failure> {
        let began = Instant::now();
        while !self.is_at_rest() && began.elapsed() < CLOSE_SETTLE_MAX {
            self.settle(CLOSE_ROWS)?;
        }
        self.engine.close()
    }

    /// Closes the database after a failure, as far as that goes.
    ///
    /// # Errors
    ///
    /// Of the storage.
    pub fn abandon(self) -> Result<(), Failure> {
        self.engine.close()
    }

    fn settle(&mut self, rows: usize) -> Result<(), Failure> {
        let txn = self.begin_write()?;
        if !self.waiting.is_empty() {
            return self.commit_with(txn, rows, rows);
        }
        // With nothing to settle every entry is as good as none.
        let removed = remove_first(&txn, rows, |_| true)?;
        txn.commit()?;
        self.edition.version += 1;
        self.edition.last_rotations = Arc::default();
        self.removed(removed);
        if self.is_at_rest() {
            self.edition.overlay.trim();
        }
        Ok(())
    }

    /// Settles the next `share` rotations, if it is not zero, writes the entry, removes at most
    /// `removed_max` rotations that are settled, and commits.
    fn commit_with(
        &mut self,
        txn: WriteTxn,
        share: usize,
        removed_max: usize,
    ) -> Result<(), Failure> {
        let wrote_records = txn.wrote_records();
        let changed_access_tokens = txn.access_tokens().is_none();
        let deleted = txn.take_deleted();
        let (settled, turn) = self.next_to_settle(share);
        if !settled.is_empty() {
            persistent_login::settle(&txn, &settled)?;
        }
        let rotations = txn.take_rotations();
        let (mut added, mut removed) = (0, 0);
        if share > 0 || !rotations.rows().is_empty() {
            let entry = encode_entry(turn, rotations.rows());
            txn.put(&JOURNAL, &self.next.to_be_bytes(), &entry)?;
            added = 1;
            removed = remove_first(&txn, removed_max, |then| turn.has_settled_all(then))?;
        }
        let target = if turn.cycle == self.turn.cycle {
            self.target
        } else {
            self.limits.target_for(persistent_login::count(&txn)?)
        };
        txn.commit()?;
        self.edition.version += 1;
        if wrote_records {
            self.edition.records_version = self.edition.version;
        }
        if changed_access_tokens {
            self.edition.access_tokens = Arc::default();
        }
        for (place, _) in &settled {
            self.waiting.remove(place);
        }
        // Rotated again by the very transaction that settled it, a login waits again.
        for &(place, rotated) in rotations.rows() {
            self.edition.overlay.put(place, rotated, self.next);
            self.waiting.insert(place, rotated);
        }
        self.edition.last_rotations = Arc::new(rotations);
        for id in deleted {
            self.edition.overlay.deleted(id, self.edition.version);
        }
        self.turn = turn;
        self.target = target;
        self.next += added;
        self.entries += added;
        self.removed(removed);
        Ok(())
    }

    /// Takes note that the last commit removed so many entries.
    fn removed(&mut self, entries: u64) {
        self.entries -= entries;
        if entries > 0 {
            let first = self.next - self.entries;
            self.lingering.keep(self.edition.version, first);
        }
        self.lingering.sweep(&self.edition.overlay);
    }

    /// The next `share` rotations behind the hand, without those of the open transaction, and the turn
    /// after they are settled. Where nothing is left ahead, a new round begins.
    fn next_to_settle(&self, share: usize) -> (Vec<(Place, Rotated)>, Turn) {
        if share == 0 {
            return (Vec::new(), self.turn);
        }
        let start = self.turn.hand.map_or(Bound::Unbounded, Bound::Excluded);
        let mut ahead = self.waiting.range((start, Bound::Unbounded));
        let settled: Vec<_> = ahead
            .by_ref()
            .take(share)
            .map(|(place, rotated)| (*place, *rotated))
            .collect();
        let cycle = self.turn.cycle;
        let turn = match (settled.last(), ahead.next()) {
            (Some(&(place, _)), Some(_)) => Turn {
                cycle,
                hand: Some(place),
            },
            _ => Turn {
                cycle: cycle + 1,
                hand: None,
            },
        };
        (settled, turn)
    }
}

/// Puts into `overlay` what is journaled in `snapshot` and not settled at `now`, and tells it.
fn replay(
    snapshot: &ReadTxn,
    now: Turn,
    overlay: &Overlay,
) -> Result<BTreeMap<Place, Rotated>, Failure> {
    let mut unsettled = HashMap::new();
    snapshot.scan(&JOURNAL, Bound::Unbounded, |number, entry| {
        let (then, mut rows) = decode_turn(entry)?;
        for (place, rotated) in rows.list(decode_row)? {
            if now.has_settled(then, place) {
                unsettled.remove(&place);
            } else {
                unsettled.insert(place, rotated);
                overlay.put(place, rotated, u64::from_be_bytes(*number));
            }
        }
        rows.finish()?;
        Ok(ControlFlow::Continue(()))
    })?;
    Ok(unsettled.into_iter().collect())
}

/// Removes the oldest entries while `is_old` holds for their turns, until they had `rows_max` rotations
/// together; an entry without any counts as one. Tells how many.
fn remove_first(
    txn: &WriteTxn,
    rows_max: usize,
    is_old: impl Fn(Turn) -> bool,
) -> Result<u64, Failure> {
    let mut numbers = Vec::new();
    let mut rows_count = 0;
    txn.scan(&JOURNAL, Bound::Unbounded, |number, entry| {
        let (turn, rows) = decode_turn(entry).map_err(unreadable)?;
        if rows_count >= rows_max || !is_old(turn) {
            return Ok(ControlFlow::Break(()));
        }
        rows_count += rows.peek_length().map_err(unreadable)?.max(1);
        numbers.push(*number);
        Ok(ControlFlow::Continue(()))
    })?;
    for number in &numbers {
        txn.remove(&JOURNAL, number)?;
    }
    Ok(numbers.len() as u64)
}

/// An entry that could be read when the database was opened cannot be any more.
fn unreadable(failure: Failure) -> Failure {
    Failure::Storage(failure.to_string())
}

#[cfg(test)]
mod tests;
