//! Power loss at every sync of a workload, and between them: what was acknowledged is there.
//!
//! A workload runs once, on a disk that records it. Then, for each sync and for moments between the
//! syncs, images are made of what may be on the disk after a cut of the power at that moment. The
//! database is opened from every image and held against the ledger of what had been acknowledged, which
//! no part of the image is.
//!
//! `REMEMBERD_TEST_LONG=1` makes the workload ten times as long and tries every moment of it, several
//! times; `REMEMBERD_TEST_ROUNDS` sets the workload's length, `REMEMBERD_TEST_SEED` replays a run.

use std::collections::{BTreeSet, HashSet};
use std::panic::{AssertUnwindSafe, catch_unwind};

use rand::rngs::StdRng;
use rand::seq::IteratorRandom;
use rand::{RngExt, SeedableRng};
use rememberd::testing::{
    Device, Engine, EngineOptions, Event, Failure, JOURNALED, Journal, ObjectId, PersistentLogin,
    PersistentLoginId, Timestamp, WriteTxn, tables::persistent_login,
};

use crate::support::disk::{Disk, DiskEvent, Recording, Replay, Survival};
use crate::support::ledger::{Change, Ledger, Sight, State};
use crate::support::workload::{self, Past};
use crate::support::{self, audit};

/// How many commits the workload has, about.
const ROUNDS: usize = 130;

/// How many moments are tried in a workload of that length. With one-phase and with two-phase commits
/// together they are more than 2,000.
const MOMENTS: usize = 1_050;

/// How many images are made of each moment, beside the one of a sync that loses everything.
const IMAGES: usize = 1;

/// The same in a long run.
const IMAGES_LONG: usize = 4;

/// How often the power is cut again while the database recovers.
const CUT_AGAIN: f64 = 0.25;

const ONE_PHASE: EngineOptions = EngineOptions {
    cache_bytes: 1 << 20,
    two_phase_commit: false,
};

const TWO_PHASE: EngineOptions = EngineOptions {
    two_phase_commit: true,
    ..ONE_PHASE
};

#[tokio::test]
async fn what_was_acknowledged_survives_power_loss() {
    assert_survives(&ONE_PHASE).await;
}

#[tokio::test]
async fn what_was_acknowledged_survives_power_loss_with_two_phase_commits() {
    assert_survives(&TWO_PHASE).await;
}

async fn assert_survives(options: &EngineOptions) {
    let mut random = StdRng::seed_from_u64(support::test_seed());
    let rounds = support::size("REMEMBERD_TEST_ROUNDS", ROUNDS);
    let disk = Disk::new(Vec::new());
    let past = workload::run(
        &disk,
        options,
        rounds,
        |events| everything(events).is_ok(),
        &mut random,
    )
    .await;
    let report = Report::of(&past, options, &mut random);
    eprintln!(
        "{} moments of {}, {} images",
        report.moments.len(),
        past.recording.events.len() + 1,
        report.images
    );
    everything(&past.events).expect("the workload goes on until everything happened");
    let changes = past.outcomes.iter().map(|change| change.states.len());
    assert!(
        changes.max() > Some(1),
        "no operation changed several logins"
    );
    if rounds >= ROUNDS {
        assert!(report.moments.len() >= MOMENTS);
    }
    if let Some(damage) = report.damages.first() {
        panic!(
            "{} images are damaged, first {damage:?}",
            report.damages.len()
        );
    }
}

/// A run in which something never happened proves nothing of it; tells what.
fn everything(events: &[Event]) -> Result<(), Event> {
    let missing = Event::ALL.into_iter().find(|event| !events.contains(event));
    missing.map_or(Ok(()), Err)
}

#[tokio::test]
async fn a_disk_that_only_claims_to_sync_is_found_out() {
    let mut random = StdRng::seed_from_u64(support::test_seed());
    let past = workload::run(&Disk::lying(), &ONE_PHASE, 10, |_| true, &mut random).await;
    let report = Report::of(&past, &ONE_PHASE, &mut random);
    assert!(report.tells_of_loss(), "{:?}", report.damages);
}

#[tokio::test]
async fn an_answer_before_its_sync_is_found_out() {
    let mut random = StdRng::seed_from_u64(support::test_seed());
    let disk = Disk::new(Vec::new());
    let mut past = workload::run(&disk, &ONE_PHASE, 10, |_| true, &mut random).await;
    past.recording.events = answered_at_once(past.recording.events);
    let report = Report::of(&past, &ONE_PHASE, &mut random);
    assert!(report.tells_of_loss(), "{:?}", report.damages);
}

#[test]
fn half_an_operation_and_an_old_login_are_found_out() {
    let (old, new) = (support::login(1), support::login(2));
    let mut ledger = Ledger::default();
    ledger.begin(&old);
    let states = vec![(old.id, State::Absent), (new.id, State::Is(new.clone()))];
    let change = Change {
        states,
        creations: 0,
    };
    ledger.ask(change.clone());
    let effective = |ledger: &Ledger, found: &[&PersistentLogin]| {
        let found: Vec<_> = found.iter().copied().cloned().collect();
        ledger.verify(&found, Sight::Record).ok()
    };
    assert_eq!(effective(&ledger, &[&old]), Some(0));
    assert_eq!(effective(&ledger, &[&new]), Some(1));
    assert_eq!(effective(&ledger, &[]), None, "the deletion alone");
    assert_eq!(
        effective(&ledger, &[&old, &new]),
        None,
        "the creation alone"
    );
    ledger.answer(change);
    assert_eq!(effective(&ledger, &[&new]), Some(0));
    assert_eq!(effective(&ledger, &[&old]), None, "it is lost");
    assert_eq!(effective(&ledger, &[&old, &new]), None, "it is there again");
    let unasked = new.clone().rotated(old.token, support::START);
    assert_eq!(effective(&ledger, &[&unasked]), None, "nobody rotated it");
}

#[test]
fn a_record_and_its_index_entry_without_each_other_are_found_out() {
    let login = support::login(1);
    let created = audit_after(|txn| persistent_login::create(txn, &login, &Device::default()));
    assert_eq!(created, Ok(vec![login.clone()]));
    let profile_id = ObjectId::from_bytes([8; 12]);
    let of_other_profile = PersistentLogin {
        profile_id,
        ..login.clone()
    };
    let record_alone = audit_after(|txn| {
        persistent_login::create(txn, &login, &Device::default())?;
        // Finds no record, and removes what leads to the other one.
        persistent_login::delete(txn, &of_other_profile)
    });
    assert!(record_alone.is_err());
    let entry_alone = audit_after(|txn| {
        persistent_login::create(txn, &login, &Device::default())?;
        let timestamp = Timestamp::from_millis(0);
        let elsewhere = PersistentLogin {
            timestamp,
            ..login.clone()
        };
        persistent_login::delete(txn, &elsewhere)
    });
    assert!(entry_alone.is_err());
    let two_records = audit_after(|txn| {
        persistent_login::create(txn, &login, &Device::default())?;
        persistent_login::create(txn, &of_other_profile, &Device::default())
    });
    assert!(two_records.is_err());
}

/// What became of all the images.
#[derive(Debug, Default)]
struct Report {
    /// How many events had happened.
    moments: BTreeSet<usize>,
    images: usize,
    damages: Vec<Damage>,
}

/// What is wrong with an image.
#[derive(Debug)]
struct Damage {
    /// How many events had happened.
    #[expect(dead_code, reason = "it is printed")]
    at: usize,
    #[expect(dead_code, reason = "it is printed")]
    survival: Survival,
    kind: Kind,
}

#[derive(Debug)]
enum Kind {
    /// The database does not open, or records and index differ, or it cannot be written.
    #[expect(dead_code, reason = "it is printed")]
    Broken(String),
    /// It is whole and does not hold what it should.
    #[expect(dead_code, reason = "it is printed")]
    Lost(String),
}

impl Report {
    /// Cuts the power at each sync of the past, and between them.
    fn of(past: &Past, options: &EngineOptions, random: &mut StdRng) -> Self {
        let mut report = Self::default();
        let mut ledger = Ledger::default();
        for login in &past.first {
            ledger.begin(login);
        }
        let mut trial = Trial {
            options,
            replay: Replay::new(&past.recording),
            ledger,
        };
        let images = if support::is_long() {
            IMAGES_LONG
        } else {
            IMAGES
        };
        let moments = moments(&past.recording, random);
        for (at, event) in past.recording.events.iter().enumerate() {
            if matches!(event, DiskEvent::Sync) {
                report.try_one(&trial, at, Survival::Nothing, random);
            }
            if moments.contains(&at) {
                report.try_some(&trial, at, images, random);
            }
            trial.step(past, event);
        }
        let end = past.recording.events.len();
        report.try_one(&trial, end, Survival::Nothing, random);
        report.try_some(&trial, end, images, random);
        report
    }

    fn try_some(&mut self, trial: &Trial<'_>, at: usize, images: usize, random: &mut StdRng) {
        for _ in 0..images {
            self.try_one(trial, at, Survival::draw(random), random);
        }
    }

    fn try_one(&mut self, trial: &Trial<'_>, at: usize, survival: Survival, random: &mut StdRng) {
        self.images += 1;
        self.moments.insert(at);
        let image = trial.replay.image(survival, random);
        // A disk that lies breaks what the database takes for granted; it may then panic.
        let recovered = catch_unwind(AssertUnwindSafe(|| trial.recover_twice(image, random)))
            .unwrap_or_else(|_panic| Err(Kind::Broken("the database panicked".to_owned())));
        if let Err(kind) = recovered {
            self.damages.push(Damage { at, survival, kind });
        }
    }

    fn tells_of_loss(&self) -> bool {
        self.damages
            .iter()
            .any(|damage| matches!(damage.kind, Kind::Lost(_)))
    }
}

/// The past up to a moment.
struct Trial<'a> {
    options: &'a EngineOptions,
    replay: Replay<'a>,
    ledger: Ledger,
}

impl<'a> Trial<'a> {
    fn step(&mut self, past: &'a Past, event: &'a DiskEvent) {
        self.replay.step(event);
        match event {
            DiskEvent::Asked(number) => self.ledger.ask(past.outcomes[*number].clone()),
            DiskEvent::Answered(number) => self.ledger.answer(past.outcomes[*number].clone()),
            DiskEvent::Write { .. } | DiskEvent::SetLength(_) | DiskEvent::Sync => {}
        }
    }

    /// The database opens from the image, sometimes also if the power is cut again while it does.
    fn recover_twice(&self, image: Vec<u8>, random: &mut StdRng) -> Result<(), Kind> {
        let recovery = self.recover(image)?;
        if !random.random_bool(CUT_AGAIN) {
            return Ok(());
        }
        let cut = random.random_range(0..=recovery.events.len());
        let mut replay = Replay::new(&recovery);
        for event in &recovery.events[..cut] {
            replay.step(event);
        }
        let image = replay.image(Survival::draw(random), random);
        self.recover(image).map(drop)
    }

    /// Opens the database from the image, holds it against the ledger, and then uses it; tells what
    /// opening it did to the disk.
    fn recover(&self, image: Vec<u8>) -> Result<Recording, Kind> {
        let broken = |failure: Failure| Kind::Broken(failure.to_string());
        let disk = Disk::new(image);
        let engine = Engine::open_backend(disk.clone(), self.options).map_err(broken)?;
        let recovery = disk.recording();
        let mut journal =
            Journal::open(engine, JOURNALED, &support::tiny_journal(), 0).map_err(broken)?;
        let logins = audit::logins(&*journal.newest()).map_err(Kind::Broken)?;
        self.ledger
            .verify(&logins, Sight::Record)
            .map_err(Kind::Lost)?;
        let removed = remove_all(&mut journal).map_err(broken)?;
        journal.close().map_err(broken)?;
        if removed != logins.len() {
            return Err(Kind::Broken(format!(
                "the cleaner removes {removed} of {} logins",
                logins.len()
            )));
        }
        Ok(recovery)
    }
}

/// Does what the cleaner does when everything is expired.
fn remove_all(journal: &mut Journal) -> Result<usize, Failure> {
    let end_of_time = Timestamp::from_millis(i64::MAX);
    let txn = journal.begin_write()?;
    let ids = persistent_login::BY_CREATION.take_until(&txn, end_of_time, usize::MAX)?;
    for id in &ids {
        persistent_login::remove_expired(&txn, PersistentLoginId::new(*id))?;
    }
    let rest = audit::logins(&txn).map_err(Failure::Corrupt)?;
    journal.commit(txn)?;
    if rest.is_empty() {
        return Ok(ids.len());
    }
    Err(Failure::Corrupt(format!("the cleaner leaves {rest:?}")))
}

/// The numbers of the events before which the power is cut: all syncs, and some others, or all.
fn moments(recording: &Recording, random: &mut StdRng) -> HashSet<usize> {
    let numbered = recording.events.iter().enumerate();
    if support::is_long() {
        return numbered.map(|(at, _)| at).collect();
    }
    let (syncs, others): (Vec<_>, Vec<_>) =
        numbered.partition(|(_, event)| matches!(event, DiskEvent::Sync));
    let rest = MOMENTS.saturating_sub(syncs.len());
    let chosen = others.into_iter().sample(random, rest);
    let moments = syncs.into_iter().chain(chosen);
    moments.map(|(at, _)| at).collect()
}

/// The same events, but each operation is answered as soon as it is asked for.
fn answered_at_once(events: Vec<DiskEvent>) -> Vec<DiskEvent> {
    events
        .into_iter()
        .filter(|event| !matches!(event, DiskEvent::Answered(_)))
        .flat_map(|event| {
            let answer = match event {
                DiskEvent::Asked(number) => Some(DiskEvent::Answered(number)),
                _ => None,
            };
            std::iter::once(event).chain(answer)
        })
        .collect()
}

/// What the audit says of an empty database after `change`.
fn audit_after(
    change: impl FnOnce(&WriteTxn) -> Result<(), Failure>,
) -> Result<Vec<PersistentLogin>, String> {
    let engine = Engine::open_backend(Disk::new(Vec::new()), &ONE_PHASE).expect("it opens");
    let mut journal =
        Journal::open(engine, JOURNALED, &support::tiny_journal(), 0).expect("it opens");
    let txn = journal.begin_write().expect("it is writable");
    change(&txn).expect("it is written");
    journal.commit(txn).expect("it is committed");
    audit::logins(&*journal.newest())
}
