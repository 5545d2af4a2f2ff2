//! A file that is mostly unused is shrunk when the database is closed, and a power loss meanwhile loses nothing.

use std::collections::BTreeSet;

use rand::rngs::StdRng;
use rand::seq::IteratorRandom;
use redb::StorageBackend;
use rememberd::testing::{Device, Engine, JOURNALED, Journal, tables::persistent_login};

use crate::support::disk::{Disk, DiskEvent, Replay, Survival};
use crate::support::login::Login;
use crate::support::{self, audit};

/// How many logins there were: their records and indexes take more than the least that is given back.
const LOGINS: u128 = 12_000;

/// Every so many of them stays.
const KEPT_ONE_OF: u128 = 500;

/// How many moments between syncs are checked.
const MOMENTS: usize = 60;

fn open(disk: &Disk) -> Journal {
    let engine = Engine::open_backend(disk.clone(), &support::OPTIONS).expect("it opens");
    Journal::open(engine, JOURNALED, &support::tiny_journal(), 0).expect("it opens")
}

/// Fills the database on `disk` and removes most of it, and closes it. Returns what is left.
fn fill_and_clean(disk: &Disk) -> Vec<Login> {
    let mut journal = open(disk);
    for first in (1..=LOGINS).step_by(2_000) {
        let txn = journal.begin_write().expect("it is writable");
        for number in first..first + 2_000 {
            let login = support::login(number).imported();
            persistent_login::create(&txn, &login, &Device::default()).expect("it is created");
        }
        journal.commit(txn).expect("it is committed");
    }
    let (mut kept, mut removed) = (Vec::new(), Vec::new());
    for number in 1..=LOGINS {
        let login = support::login(number);
        if number % KEPT_ONE_OF == 0 {
            kept.push(login);
        } else {
            removed.push(login);
        }
    }
    for batch in removed.chunks(500) {
        let txn = journal.begin_write().expect("it is writable");
        for login in batch {
            persistent_login::delete(&txn, &login.imported()).expect("it is deleted");
        }
        journal.commit(txn).expect("it is committed");
    }
    disk.begin_recording();
    journal.close().expect("it is closed");
    kept
}

fn logins_on(image: Vec<u8>) -> Vec<Login> {
    let journal = open(&Disk::new(image));
    let logins = audit::logins(&*journal.newest(), &support::keys());
    journal.close().expect("it is closed");
    logins.expect("records and indexes agree")
}

#[test]
fn a_mostly_unused_file_is_shrunk_at_a_clean_close() {
    let mut random: StdRng = support::random(support::test_seed());
    let disk = Disk::new(Vec::new());
    let kept = fill_and_clean(&disk);
    let recording = disk.recording();
    let before = recording.base.len();
    let after = usize::try_from(disk.len().expect("it has a length")).expect("it fits");
    assert!(before > 2 << 20, "{before}");
    assert!(after < before / 4, "{after} of {before} bytes");

    let ids: BTreeSet<_> = kept.iter().map(|login| login.id).collect();
    let events = recording.events.iter().enumerate();
    let chosen: BTreeSet<_> = events
        .map(|(at, _)| at)
        .sample(&mut random, MOMENTS)
        .into_iter()
        .collect();
    let mut replay = Replay::new(&recording);
    for (at, event) in recording.events.iter().enumerate() {
        if chosen.contains(&at) || matches!(event, DiskEvent::Sync) {
            let survival = Survival::draw(&mut random);
            let logins = logins_on(replay.image(survival, &mut random));
            let found: BTreeSet<_> = logins.iter().map(|login| login.id).collect();
            assert_eq!(found, ids, "after {at} events, {survival:?}");
        }
        replay.step(event);
    }
}

#[test]
fn a_file_in_use_is_left_as_it_is() {
    let disk = Disk::new(Vec::new());
    let mut journal = open(&disk);
    let txn = journal.begin_write().expect("it is writable");
    for number in 1..=LOGINS {
        let login = support::login(number).imported();
        persistent_login::create(&txn, &login, &Device::default()).expect("it is created");
    }
    journal.commit(txn).expect("it is committed");
    let before = disk.len().expect("it has a length");
    journal.close().expect("it is closed");
    let after = disk.len().expect("it has a length");
    assert!(after >= before / 2, "{after} of {before} bytes");
}
