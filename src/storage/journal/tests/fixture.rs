//! A journal over a table of its own, beside a plain map of what it should hold.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::{Bound, ControlFlow};
use std::time::Duration;

use proptest::prelude::{Just, Strategy};
use proptest::prop_oneof;

use crate::error::Failure;
use crate::storage::engine::{Engine, EngineOptions};
use crate::storage::journal::entry::decode_header;
use crate::storage::journal::journaled::Journaled;
use crate::storage::journal::limits::JournalLimits;
use crate::storage::journal::{JOURNAL, Journal};
use crate::storage::table::{JournaledTable, RowKey, Table};
use crate::storage::transaction::Read;
use crate::storage::transaction::read_txn::ReadTxn;
use crate::storage::transaction::write_txn::WriteTxn;

const OPTIONS: EngineOptions = EngineOptions {
    cache_bytes: 1 << 20,
    two_phase_commit: false,
};

/// So small that few changes go through it.
pub const LIMITS: JournalLimits = JournalLimits {
    target: Some(6),
    apply_min: 2,
    idle_after: Duration::from_secs(1),
    cache_bytes: 64 * 200,
};

/// Rows whose record is a letter, a number that deltas change, and a letter.
pub static NUMBERS: JournaledTable<4> = JournaledTable {
    table: Table::new("numbers"),
    tag: 7,
    identity: 2,
    apply: set_number,
    delta: |record| Ok(record[1..9].to_vec()),
    cache_divisor: 2,
};

/// Another journaled table, with keys and deltas of other lengths, whose rows come before the others.
pub static FLAGS: JournaledTable<2> = JournaledTable {
    table: Table::new("flags"),
    tag: 3,
    identity: 0,
    apply: |_, delta, changed| {
        changed.extend_from_slice(delta);
        Ok(())
    },
    delta: |record| Ok(record.to_vec()),
    cache_divisor: 2,
};

pub static TABLES: &[&dyn Journaled] = &[&FLAGS, &NUMBERS];

fn set_number(record: &[u8], delta: &[u8], changed: &mut Vec<u8>) -> Result<(), Failure> {
    match record {
        [b'<', _, _, _, _, _, _, _, _, b'>'] => {
            changed.extend(self::record(delta));
            Ok(())
        }
        _ => Err(Failure::Corrupt("no record of a number".to_owned())),
    }
}

fn record(number: &[u8]) -> Vec<u8> {
    [b"<", number, b">"].concat()
}

fn number(record: &[u8]) -> Result<u64, Failure> {
    let number = record[1..9].try_into().expect("it has 8 bytes");
    Ok(u64::from_le_bytes(number))
}

/// A journal over rows that have numbers, with a plain map of what they should be.
pub struct Fixture {
    pub journal: Journal,
    pub expected: BTreeMap<[u8; 4], u64>,
    /// Keys are never used again.
    removed: BTreeSet<[u8; 4]>,
    /// Counts changes, so that every change sets another number.
    changes: u64,
}

impl Fixture {
    pub fn new(limits: JournalLimits, rows: u8) -> Self {
        let engine = Engine::in_memory(&OPTIONS);
        let mut fixture = Self {
            journal: Journal::open(engine, TABLES, &limits, 0).expect("it opens"),
            expected: BTreeMap::new(),
            removed: BTreeSet::new(),
            changes: 0,
        };
        let creations: Vec<_> = (0..rows).map(Step::Create).collect();
        fixture.batch(&creations);
        fixture
    }

    /// Does the steps in one transaction.
    pub fn batch(&mut self, steps: &[Step]) {
        let txn = self.journal.begin_write().expect("it begins");
        for step in steps {
            self.step(&txn, *step);
        }
        self.journal.commit(txn).expect("it commits");
        self.journal.sweep();
    }

    pub fn step(&mut self, txn: &WriteTxn, step: Step) {
        let (Step::Create(row) | Step::Change(row) | Step::Remove(row)) = step;
        let key = key(row);
        let found = txn.row(&NUMBERS, &key, number).expect("it is readable");
        assert_eq!(found.as_ref(), self.expected.get(&key), "{step:?}");
        match (step, found) {
            (Step::Create(_), None) if !self.removed.contains(&key) => {
                let record = record(&0_u64.to_le_bytes());
                txn.insert_row(&NUMBERS, &key, &record).expect("it is put");
                self.expected.insert(key, 0);
            }
            (Step::Change(_), Some(_)) => {
                self.changes += 1;
                let delta = self.changes.to_le_bytes();
                txn.update_row(&NUMBERS, &key, &delta).expect("it is put");
                self.expected.insert(key, self.changes);
            }
            (Step::Remove(_), Some(_)) => {
                txn.remove_row(&NUMBERS, &key).expect("it is removed");
                self.expected.remove(&key);
                self.removed.insert(key);
            }
            (Step::Create(_), _) | (Step::Change(_) | Step::Remove(_), None) => {}
        }
    }

    /// Cache and records together are what they should be, and stay that when the journal is opened
    /// again, with everything else that it keeps in memory.
    pub fn reopen(mut self) -> Self {
        self.assert_as_expected();
        let Journal {
            engine,
            limits,
            cursor,
            entries,
            journaled,
            pending,
            ..
        } = self.journal;
        self.journal = Journal::open(engine, TABLES, &limits, 0).expect("it opens");
        assert_eq!(self.journal.pending, pending);
        assert_eq!(self.journal.entries, entries);
        assert_eq!(self.journal.journaled, journaled);
        if entries > 0 {
            assert_eq!(self.journal.cursor, cursor);
        }
        self.assert_as_expected();
        self
    }

    /// Each row is looked for twice: the second time it may be cached.
    pub fn assert_as_expected(&mut self) {
        let snapshot = self.journal.newest();
        assert_eq!(self.seen_by(&snapshot), self.expected);
        for key in self.expected.keys().chain(&self.removed) {
            let expected = self.expected.get(key).copied();
            for _ in 0..2 {
                assert_eq!(look_up(&*snapshot, key), expected, "{key:?}");
            }
        }
    }

    /// What the records and the cache say together in `snapshot`.
    pub fn seen_by(&self, snapshot: &ReadTxn) -> BTreeMap<[u8; 4], u64> {
        let mut seen = BTreeMap::new();
        snapshot
            .scan_rows(&NUMBERS, Bound::Unbounded, |key, record| {
                seen.insert(*key, number(record?)?);
                Ok(ControlFlow::Continue(()))
            })
            .expect("it is readable");
        seen
    }

    /// How many changes the journal's entries have together.
    pub fn journaled(&self) -> usize {
        let mut count = 0;
        let snapshot = self.journal.newest();
        snapshot
            .scan(&JOURNAL, Bound::Unbounded, |_, entry| {
                let (_, rows, _) = decode_header(entry?)?;
                count += rows;
                Ok(ControlFlow::Continue(()))
            })
            .expect("it is readable");
        count
    }

    pub fn drain(&mut self) {
        while !self.journal.is_drained() {
            self.journal.apply_some().expect("it applies");
            self.journal.sweep();
        }
    }

    pub fn is_pending(&self, row: u8) -> bool {
        self.journal.pending.contains(&row_key(row))
    }
}

/// The number of the row with this key: as a caller would look for it, first in memory.
pub fn look_up(txn: &impl Read, key: &[u8; 4]) -> Option<u64> {
    let cached = txn.cached_row(&NUMBERS, &key[2..], |found, record| {
        assert_eq!(found, key);
        number(record)
    });
    let cached = cached.expect("it decodes");
    cached.or_else(|| txn.row(&NUMBERS, key, number).expect("it is readable"))
}

#[derive(Clone, Copy, Debug)]
pub enum Step {
    Create(u8),
    Change(u8),
    Remove(u8),
}

/// The lowest and the highest key that there can be are among them.
pub fn key(row: u8) -> [u8; 4] {
    let group = if row < 252 { row & !3 } else { u8::MAX };
    let id = if row == u8::MAX { u8::MAX } else { 0 };
    [group, group, id, row]
}

pub fn row_key(row: u8) -> RowKey {
    NUMBERS.row_key(&key(row))
}

/// Few rows, so that they meet often; both ends of the order among them.
pub fn steps() -> impl Strategy<Value = Step> + Clone {
    let rows = || prop_oneof![Just(0), Just(u8::MAX), 0..12_u8, 244..=u8::MAX];
    prop_oneof![
        2 => rows().prop_map(Step::Create),
        8 => rows().prop_map(Step::Change),
        1 => rows().prop_map(Step::Remove),
    ]
}
