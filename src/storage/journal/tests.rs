//! What the journal never does wrong: each invariant of its design, broken by a test if it breaks.
//!
//! What needs a failing or a dying disk is among the durability tests, which run through a journal as small as
//! the one here.

mod fixture;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, RwLock};
use std::thread;

use proptest::collection::vec;
use proptest::prelude::{Strategy, any};

use crate::error::Failure;
use crate::property::{assert_holds, assert_linear};
use crate::storage::codec::properties::check_time;
use crate::storage::journal::Journal;
use crate::storage::journal::cursor::ApplyCursor;
use crate::storage::journal::entry::{decode_header, decode_rows, encode};
use crate::storage::journal::journaled::Journaled;
use crate::storage::journal::limits::JournalLimits;
use crate::storage::journal::tests::fixture::{
    FLAGS, Fixture, LIMITS, NUMBERS, Step, key, look_up, row_key, steps,
};
use crate::storage::table::{RowFormat, RowKey};
use crate::storage::transaction::Read;

#[test]
fn it_equals_a_plain_map_also_when_it_is_opened_again() {
    // An empty batch stands for a step of applying while nobody writes.
    assert_holds(vec(vec(steps(), 0..6), 1..30), |batches| {
        let mut fixture = Fixture::new(LIMITS, 0);
        for batch in batches {
            if batch.is_empty() {
                fixture.journal.apply(2).expect("it applies");
            } else {
                fixture.batch(&batch);
            }
            fixture = fixture.reopen();
        }
        fixture.drain();
        assert_eq!(fixture.journaled(), 0);
        fixture.reopen();
    });
}

#[test]
fn a_row_changed_by_the_commit_that_applies_it_keeps_the_new_change() {
    let limits = JournalLimits {
        target: Some(0),
        ..LIMITS
    };
    let mut fixture = Fixture::new(limits, 1);
    let mut applied_and_changed = 0;
    for _ in 0..100 {
        let cursor = fixture.journal.cursor;
        fixture.batch(&[Step::Change(0)]);
        // It is the only row: a round that ends has applied it.
        applied_and_changed += u64::from(fixture.journal.cursor.cycle > cursor.cycle);
        assert!(fixture.is_pending(0));
        fixture = fixture.reopen();
    }
    assert!(applied_and_changed > 10, "{applied_and_changed}");
}

#[test]
fn a_second_change_in_a_transaction_sees_the_first() {
    let mut fixture = Fixture::new(LIMITS, 2);
    let txn = fixture.journal.begin_write().expect("it begins");
    fixture.step(&txn, Step::Change(1));
    fixture.step(&txn, Step::Change(1));
    assert_eq!(look_up(&txn, &key(1)), Some(2));
    fixture.journal.commit(txn).expect("it commits");
    assert_eq!(fixture.journaled(), 1, "one change of each row");
    fixture.reopen();
}

#[test]
fn a_row_that_is_created_and_changed_in_one_transaction_is_both() {
    let mut fixture = Fixture::new(LIMITS, 0);
    fixture.batch(&[Step::Create(1), Step::Change(1)]);
    fixture.batch(&[Step::Create(2), Step::Change(2), Step::Remove(2)]);
    fixture = fixture.reopen();
    fixture.drain();
    fixture.reopen();
}

#[test]
fn a_removed_row_does_not_come_back() {
    let mut fixture = Fixture::new(LIMITS, 3);
    fixture.batch(&[Step::Change(1), Step::Change(2)]);
    fixture.batch(&[Step::Remove(1)]);
    assert!(fixture.is_pending(1));
    fixture = fixture.reopen();
    fixture.drain();
    fixture = fixture.reopen();
    assert!(!fixture.expected.contains_key(&key(1)));
}

#[test]
fn a_row_that_does_not_exist_cannot_be_changed() {
    let fixture = Fixture::new(LIMITS, 1);
    let txn = fixture.journal.begin_write().expect("it begins");
    let changed = txn.update_row(&NUMBERS, &key(1), &[0; 8]);
    assert!(matches!(changed, Err(Failure::Internal(_))));
    assert_eq!(txn.writes(), 0);
}

#[test]
fn an_aborted_transaction_leaves_nothing() {
    let mut fixture = Fixture::new(LIMITS, 3);
    let expected = fixture.expected.clone();
    let txn = fixture.journal.begin_write().expect("it begins");
    fixture.step(&txn, Step::Change(1));
    drop(txn);
    fixture.expected = expected;
    fixture.reopen();
}

#[test]
fn two_tables_share_the_journal() {
    let mut fixture = Fixture::new(LIMITS, 3);
    let flag = |txn: &_, id: u8| {
        let txn: &crate::storage::transaction::read_txn::ReadTxn = txn;
        let found = txn.row(&FLAGS, &[id, id], |record| Ok(record.to_vec()));
        found.expect("it is readable")
    };
    let txn = fixture.journal.begin_write().expect("it begins");
    for id in 0..4 {
        txn.insert_row(&FLAGS, &[id, id], b"-").expect("it is put");
    }
    fixture.journal.commit(txn).expect("it commits");
    for round in 0..50_u8 {
        let txn = fixture.journal.begin_write().expect("it begins");
        let id = round % 4;
        txn.update_row(&FLAGS, &[id, id], &[round])
            .expect("it is put");
        fixture.step(&txn, Step::Change(round % 3));
        fixture.journal.commit(txn).expect("it commits");
        assert_eq!(flag(&*fixture.journal.newest(), id), Some(vec![round]));
        fixture = fixture.reopen();
        assert_eq!(flag(&*fixture.journal.newest(), id), Some(vec![round]));
    }
    fixture.drain();
    fixture = fixture.reopen();
    for id in 0..4 {
        let last = (0..50).rev().find(|round| round % 4 == id);
        let last = last.expect("each was changed");
        assert_eq!(flag(&*fixture.journal.newest(), id), Some(vec![last]));
    }
}

#[test]
fn a_snapshot_never_goes_back_while_changes_come_and_are_applied() {
    let mut fixture = Fixture::new(LIMITS, 8);
    for round in 0..50 {
        let (snapshot, then) = (fixture.journal.newest(), fixture.expected.clone());
        fixture.batch(&[Step::Change(round % 8), Step::Change(round % 3)]);
        fixture.batch(&[
            Step::Change(round % 5),
            Step::Remove(round % 7),
            Step::Create(round % 7),
        ]);
        fixture.journal.apply_some().expect("it applies");
        fixture.journal.sweep();
        let seen = fixture.seen_by(&snapshot);
        assert!(seen.keys().eq(then.keys()), "records are the snapshot's");
        for (key, before) in then {
            // The numbers only grow.
            assert!(seen[&key] >= before, "round {round}: {key:?}");
            let found = look_up(&*snapshot, &key).expect("it is the snapshot's");
            assert!(found >= before, "round {round}: {key:?}");
        }
        drop(snapshot);
        fixture.assert_as_expected();
    }
}

/// How many transactions are tried for a bound.
const ROUNDS: usize = 400;

/// A journal as it is by default for few rows, scaled down.
const BOUNDED: JournalLimits = JournalLimits {
    target: Some(64),
    apply_min: 8,
    ..LIMITS
};

/// Runs batches of the sizes that `sizes` gives in turn, on the rows that `row` gives, and asserts that pending
/// rows and journal stay within their bounds.
#[track_caller]
fn assert_bounded(what: &str, sizes: &[usize], journaled_bound: usize, row: impl Fn(usize) -> u8) {
    let mut fixture = Fixture::new(BOUNDED, u8::MAX);
    let largest = sizes.iter().max().copied().unwrap_or_default();
    let (mut pending_max, mut journaled_max, mut count) = (0, 0, 0);
    for round in 0..ROUNDS {
        let size = sizes[round * sizes.len() / ROUNDS];
        let steps: Vec<_> = (count..count + size)
            .map(|n| Step::Change(row(n)))
            .collect();
        count += size;
        fixture.batch(&steps);
        pending_max = pending_max.max(fixture.journal.pending.len());
        if round % 20 == 0 {
            journaled_max = journaled_max.max(fixture.journaled());
        }
    }
    // The last rows of a round may be fewer than a commit changes.
    assert!(
        pending_max <= 64 + 2 * 8 + 2 * largest,
        "{what}: {pending_max}"
    );
    assert!(
        journaled_max <= journaled_bound + 8 * largest,
        "{what}: {journaled_max}"
    );
    fixture.reopen();
}

#[test]
fn pending_rows_and_journal_stay_within_their_bounds() {
    let scattered = |n: usize| (n.wrapping_mul(2_654_435_761) >> 7) as u8 % 255;
    let skewed = move |n: usize| if n.is_multiple_of(4) { scattered(n) } else { 3 };
    for (how, sizes) in [
        ("one at a time", vec![1]),
        ("many at a time", vec![16]),
        ("one at a time after many", vec![16, 1, 1]),
        ("many at a time after one", vec![1, 1, 16, 3]),
    ] {
        assert_bounded(&format!("scattered, {how}"), &sizes, 3 * 64, scattered);
        assert_bounded(&format!("skewed, {how}"), &sizes, 3 * 64, skewed);
        assert_bounded(&format!("one row, {how}"), &sizes, 3 * 64, |_| 7);
        // The cursor runs after them all the way round.
        let in_order = |n| (n % 255) as u8;
        assert_bounded(&format!("in order, {how}"), &sizes, 2 * 255, in_order);
    }
}

#[test]
fn it_is_drained_in_short_steps() {
    let limits = JournalLimits {
        target: Some(1_000),
        ..LIMITS
    };
    let mut fixture = Fixture::new(limits, u8::MAX);
    for row in 0..u8::MAX {
        fixture.batch(&[Step::Change(row)]);
    }
    assert!(!fixture.journal.is_drained());
    let mut steps = 0;
    while !fixture.journal.is_drained() {
        fixture.journal.apply(100).expect("it applies");
        fixture = fixture.reopen();
        steps += 1;
    }
    // Three to apply 255, the last of which removes a hundred entries; two to remove the rest of as many and
    // those of the steps.
    assert_eq!(steps, 5);
}

#[test]
fn the_target_follows_the_number_of_rows() {
    let limits = JournalLimits {
        target: None,
        ..LIMITS
    };
    assert_eq!(limits.target_for(0), 4_096);
    assert_eq!(limits.target_for(100_000), 33_333);
    assert_eq!(limits.target_for(1_000_000), 200_000);
    assert_eq!(limits.target_for(4_000_000), 400_000);
    assert_eq!(limits.target_for(u64::MAX), 1 << 20);
}

fn formats() -> [RowFormat; 2] {
    [Journaled::format(&FLAGS), Journaled::format(&NUMBERS)]
}

type Entry = (ApplyCursor, Vec<(RowKey, Vec<u8>)>);

fn encode_entry((cursor, rows): &Entry) -> Vec<u8> {
    let rows: Vec<_> = rows.iter().map(|(row, delta)| (row, &**delta)).collect();
    encode(*cursor, formats().iter(), &rows).expect("the lengths fit")
}

fn decode_entry(entry: &[u8]) -> Result<Entry, Failure> {
    let (cursor, count, decoder) = decode_header(entry)?;
    let mut rows = Vec::new();
    decode_rows(count, decoder, &formats(), |row, delta| {
        rows.push((row, delta.to_vec()));
        Ok(())
    })?;
    Ok((cursor, rows))
}

#[test]
fn entries_decode_to_what_was_encoded() {
    let cursors = (any::<u64>(), any::<Option<u8>>()).prop_map(|(cycle, row)| ApplyCursor {
        cycle,
        position: row.map(row_key),
    });
    let flags = (any::<[u8; 2]>(), any::<[u8; 1]>())
        .prop_map(|(key, delta)| (FLAGS.row_key(&key), delta.to_vec()));
    let numbers =
        (any::<u8>(), any::<[u8; 8]>()).prop_map(|(row, delta)| (row_key(row), delta.to_vec()));
    let rows = (vec(flags, 0..3), vec(numbers, 0..5)).prop_map(|(flags, numbers)| {
        // An entry has the rows of one table next to each other.
        [flags, numbers].concat()
    });
    assert_holds((cursors, rows), |entry| {
        let encoded = encode_entry(&entry);
        assert_eq!(decode_entry(&encoded), Ok(entry));
        for length in 0..encoded.len() {
            assert!(matches!(
                decode_entry(&encoded[..length]),
                Err(Failure::Corrupt(_))
            ));
        }
    });
    assert_holds(vec(any::<u8>(), 0..200), |bytes| {
        let _ = decode_entry(&bytes);
    });
    check_time(
        &encode_entry(&(ApplyCursor::START, Vec::new())),
        decode_entry,
    );
    let long = |rows| encode_entry(&(ApplyCursor::START, vec![(row_key(9), vec![0; 8]); rows]));
    assert_linear("a long entry", 1_000, long, |entry| {
        decode_entry(entry).expect("it is whole");
    });
}

#[test]
fn an_entry_of_an_unknown_table_is_corrupt() {
    let entry = encode_entry(&(ApplyCursor::START, vec![(row_key(1), vec![0; 8])]));
    let (_, count, decoder) = decode_header(&entry).expect("it is whole");
    let decoded = decode_rows(count, decoder, &formats()[..1], |_, _| Ok(()));
    assert!(matches!(decoded, Err(Failure::Corrupt(_))));
}

#[test]
fn a_read_that_races_with_applying_never_goes_back() {
    const ROWS: u8 = 8;
    let mut fixture = Fixture::new(LIMITS, ROWS);
    let newest = RwLock::new(fixture.journal.newest());
    let over = AtomicBool::new(false);
    let watch = || {
        let mut last = [0; ROWS as usize];
        while !over.load(Ordering::Relaxed) {
            let snapshot = Arc::clone(&newest.read().expect("nobody panicked"));
            for (row, last) in (0..ROWS).zip(&mut last) {
                let number = look_up(&*snapshot, &key(row)).expect("it exists");
                assert!(number >= *last, "row {row}: {number} after {last}");
                *last = number;
            }
        }
    };
    thread::scope(|scope| {
        let watchers = [scope.spawn(watch), scope.spawn(watch)];
        for round in 0..2_000 {
            fixture.batch(&[
                Step::Change(round as u8 % ROWS),
                Step::Change((round / 3) as u8 % ROWS),
            ]);
            *newest.write().expect("nobody panicked") = fixture.journal.newest();
            fixture.journal.sweep();
        }
        over.store(true, Ordering::Relaxed);
        for watcher in watchers {
            watcher.join().expect("it saw nothing go back");
        }
    });
}

#[test]
fn a_write_to_another_table_leaves_reads_of_a_row_in_memory() {
    let mut fixture = Fixture::new(LIMITS, 3);
    fixture.batch(&[Step::Change(1)]);
    let txn = fixture.journal.begin_write().expect("it begins");
    txn.insert_row(&FLAGS, &[1, 1], b"-").expect("it is put");
    let before = txn.file().opens();
    fixture.step(&txn, Step::Change(1));
    fixture.step(&txn, Step::Change(2));
    assert_eq!(look_up(&txn, &key(1)), Some(2));
    assert_eq!(txn.file().opens(), before, "no table was opened for it");
}

#[test]
fn what_no_snapshot_needs_can_be_evicted() {
    let limits = JournalLimits {
        cache_bytes: 0,
        ..LIMITS
    };
    let mut fixture = Fixture::new(limits, 3);
    let is_cached = |journal: &Journal| {
        let snapshot = journal.newest();
        let cached = snapshot.cached_row(&NUMBERS, &key(1)[2..], |_, _| Ok(()));
        cached.expect("it decodes").is_some()
    };
    fixture.batch(&[Step::Change(1)]);
    assert!(is_cached(&fixture.journal), "it is pending");
    let old = fixture.journal.newest();
    fixture.drain();
    assert!(is_cached(&fixture.journal), "a snapshot may need it");
    drop(old);
    fixture.journal.sweep();
    assert!(!is_cached(&fixture.journal), "there is no room for it");
    fixture.reopen();
}
