//! What the journal never does wrong: each invariant of its design, broken by a test if it breaks.
//!
//! What needs a failing or a dying disk is in `tests/crash.rs` and `tests/faults/`, which run through a
//! journal as small as the one here.

mod fixture;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, RwLock};
use std::thread;

use proptest::collection::vec;
use proptest::prelude::{Strategy, any};
use uuid::Uuid;

use crate::clock::Timestamp;
use crate::domain::persistent_login::{PersistentLogin, Rotation, Token};
use crate::error::Failure;
use crate::property::{holds, is_linear};
use crate::storage::codec::properties::check_time;
use crate::storage::journal::JournalLimits;
use crate::storage::journal::entry::{Turn, decode_row, decode_turn, encode_entry};
use crate::storage::journal::tests::fixture::{Fixture, LIMITS, Step, place, steps};
use crate::storage::rotated::Rotated;
use crate::storage::seen::Seen;
use crate::tables::persistent_login;
use crate::tables::persistent_login::key::Place;

#[test]
fn it_is_what_a_plain_map_is_and_stays_so_when_it_is_opened_again() {
    // An empty batch stands for a step of settling while nobody writes.
    holds(vec(vec(steps(), 0..6), 1..30), |batches| {
        let mut fixture = Fixture::new(LIMITS, 0);
        for batch in batches {
            if batch.is_empty() {
                fixture.journal.settle(2).expect("it settles");
            } else {
                fixture.batch(&batch);
            }
            fixture = fixture.reopen();
        }
        fixture.rest();
        assert_eq!(fixture.rows(), 0);
        fixture.reopen();
    });
}

#[test]
fn a_login_rotated_by_the_commit_that_settles_it_keeps_the_new_token() {
    let mut fixture = Fixture::new(LIMITS, 1);
    let mut settled_and_rotated = 0;
    for _ in 0..100 {
        let turn = fixture.journal.turn;
        fixture.batch(&[Step::Rotate(0)]);
        // It is the only login: a round that ends has settled it.
        settled_and_rotated += u64::from(fixture.journal.turn.cycle > turn.cycle);
        assert_eq!(fixture.journal.waiting.len(), 1);
        fixture = fixture.reopen();
    }
    assert!(settled_and_rotated > 10, "{settled_and_rotated}");
}

#[test]
fn a_second_rotation_in_a_transaction_sees_the_first() {
    let mut fixture = Fixture::new(LIMITS, 2);
    fixture.batch(&[Step::Rotate(1), Step::Rotate(1)]);
    let rotated = &fixture.expected[&place(1)];
    let rotation = rotated.rotation.expect("it was rotated");
    assert_eq!(rotation.replaced, Token::new(Uuid::from_u128(1)));
    assert_eq!(rotated.token, Token::new(Uuid::from_u128(2)));
    fixture.reopen();
}

#[test]
fn a_deleted_login_does_not_come_back() {
    let mut fixture = Fixture::new(LIMITS, 3);
    fixture.batch(&[Step::Rotate(1), Step::Rotate(2)]);
    fixture.batch(&[Step::Delete(1)]);
    assert!(fixture.journal.waiting.contains_key(&place(1)));
    fixture = fixture.reopen();
    fixture.rest();
    fixture = fixture.reopen();
    assert!(!fixture.expected.contains_key(&place(1)));
}

#[test]
fn a_transaction_that_is_aborted_leaves_nothing() {
    let mut fixture = Fixture::new(LIMITS, 3);
    let expected = fixture.expected.clone();
    let txn = fixture.journal.begin_write().expect("it begins");
    fixture.step(&txn, Step::Rotate(1));
    txn.abort().expect("it is undone");
    fixture.expected = expected;
    fixture.reopen();
}

#[test]
fn a_snapshot_never_goes_back_while_rotations_come_and_are_settled() {
    let mut fixture = Fixture::new(LIMITS, 8);
    for round in 0..50 {
        let (snapshot, then) = (
            fixture.journal.begin_read().expect("it is readable"),
            fixture.expected.clone(),
        );
        fixture.batch(&[Step::Rotate(round % 8), Step::Rotate(round % 3)]);
        fixture.batch(&[
            Step::Rotate(round % 5),
            Step::Delete(round % 7),
            Step::Create(round % 7),
        ]);
        fixture.journal.settle_some().expect("it settles");
        let seen = fixture.seen_by(&snapshot);
        assert!(seen.keys().eq(then.keys()), "records are the snapshot's");
        for (place, login) in then {
            // The tokens of this test are numbers that only grow.
            let before = login.token.reveal();
            let now = seen[&place].token.reveal();
            assert!(now >= before, "round {round}: {place:?}");
            let found = persistent_login::get(&snapshot, place.id).expect("it is readable");
            let now = found.expect("it is the snapshot's").token.reveal();
            assert!(now >= before, "round {round}: {place:?}");
        }
        drop(snapshot);
        fixture.check();
    }
}

/// How many transactions are tried for a bound.
const ROUNDS: usize = 400;

/// A journal as it is by default for few logins, scaled down.
const BOUNDED: JournalLimits = JournalLimits {
    target: Some(64),
    settle_min: 8,
    ..LIMITS
};

/// Runs batches of the sizes that `sizes` gives in turn, on the logins that `login` gives, and asserts
/// that overlay and journal stay within their bounds.
#[track_caller]
fn assert_bounded(what: &str, sizes: &[usize], rows_bound: usize, login: impl Fn(usize) -> u8) {
    let mut fixture = Fixture::new(BOUNDED, u8::MAX);
    let largest = sizes.iter().max().copied().unwrap_or_default();
    let (mut overlay_max, mut rows_max, mut count) = (0, 0, 0);
    for round in 0..ROUNDS {
        let size = sizes[round * sizes.len() / ROUNDS];
        let steps: Vec<_> = (count..count + size)
            .map(|n| Step::Rotate(login(n)))
            .collect();
        count += size;
        fixture.batch(&steps);
        overlay_max = overlay_max.max(fixture.journal.waiting.len());
        if round % 20 == 0 {
            rows_max = rows_max.max(fixture.rows());
        }
    }
    // What is earned is spent in steps, and by the next commit.
    assert!(
        overlay_max <= 64 + 2 * 8 + 2 * largest,
        "{what}: {overlay_max}"
    );
    assert!(rows_max <= rows_bound + 8 * largest, "{what}: {rows_max}");
    fixture.reopen();
}

#[test]
fn overlay_and_journal_stay_within_their_bounds() {
    let scattered = |n: usize| (n.wrapping_mul(2_654_435_761) >> 7) as u8 % 255;
    let skewed = move |n: usize| if n.is_multiple_of(4) { scattered(n) } else { 3 };
    let hot = |_| 7;
    for (how, sizes) in [
        ("one at a time", vec![1]),
        ("many at a time", vec![16]),
        ("one at a time after many", vec![16, 1, 1]),
        ("many at a time after one", vec![1, 1, 16, 3]),
    ] {
        assert_bounded(&format!("scattered, {how}"), &sizes, 3 * 64, scattered);
        assert_bounded(&format!("skewed, {how}"), &sizes, 3 * 64, skewed);
        assert_bounded(&format!("one login, {how}"), &sizes, 3 * 64, hot);
        // The hand runs after them all the way round.
        let in_order = |n| (n % 255) as u8;
        assert_bounded(&format!("in order, {how}"), &sizes, 2 * 255, in_order);
    }
}

#[test]
fn rest_is_reached_in_short_steps() {
    let limits = JournalLimits {
        target: Some(1_000),
        ..LIMITS
    };
    let mut fixture = Fixture::new(limits, u8::MAX);
    for number in 0..u8::MAX {
        fixture.batch(&[Step::Rotate(number)]);
    }
    assert!(!fixture.journal.is_at_rest());
    let mut steps = 0;
    while !fixture.journal.is_at_rest() {
        fixture.journal.settle(100).expect("it settles");
        fixture = fixture.reopen();
        steps += 1;
    }
    // Three to settle 255, the last of which removes a hundred entries; two to remove the rest of as many
    // and those of the steps.
    assert_eq!(steps, 5);
}

#[test]
fn the_target_follows_the_number_of_logins() {
    let limits = JournalLimits {
        target: None,
        ..LIMITS
    };
    assert_eq!(limits.target_for(0), 4_096);
    assert_eq!(limits.target_for(100_000), 50_000);
    assert_eq!(limits.target_for(1_000_000), 256_000);
    assert_eq!(limits.target_for(4_000_000), 512_000);
    assert_eq!(limits.target_for(u64::MAX), 1 << 20);
}

#[test]
fn entries_are_what_they_were() {
    let turns = (any::<u64>(), any::<Option<u8>>()).prop_map(|(cycle, hand)| Turn {
        cycle,
        hand: hand.map(place),
    });
    let rows = (any::<u8>(), any::<u128>(), any::<u128>(), any::<i64>());
    let rows = vec(
        rows.prop_map(|(number, token, replaced, at)| {
            let rotation = Rotation {
                replaced: Token::new(Uuid::from_u128(replaced)),
                at: Timestamp::from_millis(at),
            };
            let token = Token::new(Uuid::from_u128(token));
            (place(number), Rotated { token, rotation })
        }),
        0..5,
    );
    holds((turns, rows), |(turn, rows)| {
        let entry = encode_entry(turn, &rows);
        assert_eq!(decode_entry(&entry), Ok((turn, rows)));
        for length in 0..entry.len() {
            assert!(matches!(
                decode_entry(&entry[..length]),
                Err(Failure::Corrupt(_))
            ));
        }
    });
    holds(vec(any::<u8>(), 0..200), |bytes| {
        let _ = decode_entry(&bytes);
    });
    check_time(&encode_entry(Turn::FIRST, &[]), decode_entry);
    is_linear("a long entry", 1_000, long_entry, |entry| {
        decode_entry(entry).expect("it is whole");
    });
}

fn long_entry(rows: usize) -> Vec<u8> {
    let rotation = Rotation {
        replaced: Token::new(Uuid::nil()),
        at: Timestamp::from_millis(1),
    };
    let token = Token::new(Uuid::max());
    encode_entry(
        Turn::FIRST,
        &vec![(place(9), Rotated { token, rotation }); rows],
    )
}

fn decode_entry(entry: &[u8]) -> Result<(Turn, Vec<(Place, Rotated)>), Failure> {
    let (turn, mut decoder) = decode_turn(entry)?;
    let rows = decoder.list(decode_row)?;
    decoder.finish()?;
    Ok((turn, rows))
}

#[test]
fn what_was_seen_is_recalled_however_many_rotations_came_and_were_settled_since() {
    let mut fixture = Fixture::new(LIMITS, 3);
    let see = |fixture: &mut Fixture| {
        let snapshot = fixture.journal.begin_read().expect("it is readable");
        let login = persistent_login::get_at(&snapshot, place(1)).expect("it is readable");
        Seen::new(&snapshot, login.expect("it exists"))
    };
    // Each is older than the next by one commit or more, and the last one is as new as can be.
    let mut seen = vec![see(&mut fixture)];
    fixture.batch(&[Step::Rotate(1)]);
    seen.push(see(&mut fixture));
    fixture.rest();
    seen.push(see(&mut fixture));
    fixture.batch(&[Step::Rotate(2)]);
    seen.push(see(&mut fixture));
    assert!(
        !fixture.journal.waiting.contains_key(&place(1)),
        "it is settled"
    );
    let recall_all = |fixture: &mut Fixture, seen: Vec<Seen<PersistentLogin>>| {
        let txn = fixture.journal.begin_write().expect("it begins");
        for seen in seen {
            let (recalled, version) = seen.recall(&txn).expect("it is recalled");
            assert_eq!(
                persistent_login::rotated_since(&txn, version, recalled),
                fixture.expected[&place(1)]
            );
        }
        txn.abort().expect("it is undone");
    };
    recall_all(&mut fixture, seen);
    let seen = vec![see(&mut fixture)];
    fixture.batch(&[Step::Rotate(1), Step::Rotate(1)]);
    recall_all(&mut fixture, seen);
}

#[test]
fn a_read_that_races_with_settling_never_goes_back() {
    const LOGINS: u8 = 8;
    let mut fixture = Fixture::new(LIMITS, LOGINS);
    let newest = fixture.journal.begin_read().expect("it is readable");
    let newest = RwLock::new(Arc::new(newest));
    let over = AtomicBool::new(false);
    let watch = || {
        let mut last = [0; LOGINS as usize];
        while !over.load(Ordering::Relaxed) {
            let snapshot = Arc::clone(&newest.read().expect("nobody panicked"));
            for (number, last) in (0..LOGINS).zip(&mut last) {
                let found = persistent_login::get(&*snapshot, place(number).id);
                let login = found.expect("it is readable").expect("it exists");
                // The tokens of this test are numbers that only grow.
                let token = login.token.reveal().as_u128();
                assert!(token >= *last, "login {number}: {token} after {last}");
                *last = token;
            }
        }
    };
    thread::scope(|scope| {
        let watchers = [scope.spawn(watch), scope.spawn(watch)];
        for round in 0..2_000 {
            fixture.batch(&[
                Step::Rotate(round as u8 % LOGINS),
                Step::Rotate((round / 3) as u8 % LOGINS),
            ]);
            let snapshot = fixture.journal.begin_read().expect("it is readable");
            *newest.write().expect("nobody panicked") = Arc::new(snapshot);
        }
        over.store(true, Ordering::Relaxed);
        for watcher in watchers {
            watcher.join().expect("it saw nothing go back");
        }
    });
}

#[test]
fn what_nobody_relies_on_leaves_the_overlay() {
    let mut fixture = Fixture::new(LIMITS, 3);
    fixture.batch(&[Step::Rotate(1)]);
    fixture.rest();
    assert_eq!(fixture.journal.edition.overlay.rotated(place(1).id), None);
}

#[test]
fn what_was_seen_is_not_recalled_once_a_record_was_written() {
    let mut fixture = Fixture::new(LIMITS, 3);
    let version = fixture.journal.version();
    let txn = fixture.journal.begin_write().expect("it begins");
    fixture.step(&txn, Step::Rotate(1));
    assert!(txn.shows_records_of(version));
    fixture.step(&txn, Step::Delete(2));
    assert!(!txn.shows_records_of(version), "by this transaction");
    fixture.journal.commit(txn).expect("it commits");
    let txn = fixture.journal.begin_write().expect("it begins");
    assert!(!txn.shows_records_of(version), "by the one before");
    assert!(txn.shows_records_of(version + 1));
}
