//! Power loss at every sync of a workload, and between syncs: no acknowledged change is lost.
//!
//! A workload runs once, on a disk that records it. For each sync, and for moments between the syncs, the
//! test builds images of the possible content of the disk after a power loss at that moment. The database
//! is opened from every image and compared with the ledger of the changes acknowledged until then, which is
//! kept outside of the image.
//!
//! `REMEMBERD_TEST_LONG=1` makes the workload ten times as long and checks several images of every moment;
//! `REMEMBERD_TEST_ROUNDS` sets the workload's length, `REMEMBERD_TEST_SEED` replays a run.

use std::collections::{BTreeSet, HashSet};
use std::panic::{AssertUnwindSafe, catch_unwind};

use rand::rngs::StdRng;
use rand::seq::IteratorRandom;
use rand::{RngExt, SeedableRng};
use rememberd::testing::{
    Device, Engine, EngineOptions, Event, Failure, JOURNALED, Journal, Moment, ObjectId,
    PersistentLoginId, Read, Reason, Timestamp, WriteTxn,
    tables::{persistent_login, profile},
};

use crate::support::disk::{Disk, DiskEvent, Recording, Replay, Survival};
use crate::support::ledger::{Change, Ledger, State, View};
use crate::support::login::Login;
use crate::support::operation::is_of_logins;
use crate::support::workload::{self, WorkloadRun};
use crate::support::{self, audit};

/// The approximate number of commits in the workload.
const ROUNDS: usize = 130;

/// The number of moments that are checked in a workload of that length: more than 2,000 for one-phase and
/// two-phase commits together.
const MOMENTS: usize = 1_050;

/// The number of images of each moment, in addition to the one of a sync without any unsynced write.
const IMAGES: usize = 1;

/// The number of images of each moment in a long run.
const IMAGES_LONG: usize = 4;

/// The probability of another power loss during recovery.
const CUT_AGAIN: f64 = 0.25;

/// Events that the workload cannot cause: it restores no file, loses no key, presents no token of another login,
/// and no login of it is used so often.
const ELSEWHERE: [Event; 4] = [
    Event::NewerToken,
    Event::Revocation(Reason::KeyMissing),
    Event::UnknownToken,
    Event::Shared,
];

const ONE_PHASE: EngineOptions = EngineOptions {
    cache_bytes: 1 << 20,
    two_phase_commit: false,
};

const TWO_PHASE: EngineOptions = EngineOptions {
    two_phase_commit: true,
    ..ONE_PHASE
};

#[tokio::test]
async fn acknowledged_changes_survive_power_loss() {
    assert_survives(&ONE_PHASE).await;
}

#[tokio::test]
async fn acknowledged_changes_survive_power_loss_with_two_phase_commits() {
    assert_survives(&TWO_PHASE).await;
}

async fn assert_survives(options: &EngineOptions) {
    let mut random = StdRng::seed_from_u64(support::test_seed());
    let rounds = support::size("REMEMBERD_TEST_ROUNDS", ROUNDS);
    let disk = Disk::new(Vec::new());
    let run = workload::run(
        &disk,
        options,
        rounds,
        |events| missing_event(events).is_none(),
        &mut random,
    )
    .await;
    let report = Report::of(&run, options, &mut random);
    eprintln!(
        "{} moments of {}, {} images",
        report.moments.len(),
        run.recording.events.len() + 1,
        report.images
    );
    assert_eq!(
        missing_event(&run.events),
        None,
        "the workload continues until every event has occurred"
    );
    let changes = run.changes.iter().map(|change| change.states.len());
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

/// The first kind of event that does not occur: a run without it does not test it.
fn missing_event(events: &[Event]) -> Option<Event> {
    let expected = |event: &Event| is_of_logins(event) && !ELSEWHERE.contains(event);
    let mut all = Event::ALL.into_iter().filter(expected);
    all.find(|event| !events.contains(event))
}

#[tokio::test]
async fn a_disk_that_does_not_sync_is_detected() {
    let mut random = StdRng::seed_from_u64(support::test_seed());
    let run = workload::run(
        &Disk::without_syncs(),
        &ONE_PHASE,
        10,
        |_| true,
        &mut random,
    )
    .await;
    let report = Report::of(&run, &ONE_PHASE, &mut random);
    assert!(report.has_loss(), "{:?}", report.damages);
}

#[tokio::test]
async fn an_acknowledgement_before_its_sync_is_detected() {
    let mut random = StdRng::seed_from_u64(support::test_seed());
    let disk = Disk::new(Vec::new());
    let mut run = workload::run(&disk, &ONE_PHASE, 10, |_| true, &mut random).await;
    run.recording.events = acknowledged_at_once(run.recording.events);
    let report = Report::of(&run, &ONE_PHASE, &mut random);
    assert!(report.has_loss(), "{:?}", report.damages);
}

#[test]
fn a_torn_operation_and_an_obsolete_login_are_detected() {
    let (old, new) = (support::login(1), support::login(2));
    let mut ledger = Ledger::default();
    ledger.add_existing(&old);
    let states = vec![
        (old.id, State::Absent),
        (new.id, State::Exactly(new.clone())),
    ];
    let change = Change {
        states,
        creations: 0,
    };
    ledger.request(change.clone());
    let effective = |ledger: &Ledger, found: &[&Login]| {
        let found: Vec<_> = found.iter().copied().cloned().collect();
        ledger.verify(&found, View::Record).ok()
    };
    assert_eq!(effective(&ledger, &[&old]), Some(0));
    assert_eq!(effective(&ledger, &[&new]), Some(1));
    assert_eq!(effective(&ledger, &[]), None, "only the deletion");
    assert_eq!(effective(&ledger, &[&old, &new]), None, "only the creation");
    ledger.acknowledge(change);
    assert_eq!(effective(&ledger, &[&new]), Some(0));
    assert_eq!(effective(&ledger, &[&old]), None, "it is lost");
    assert_eq!(effective(&ledger, &[&old, &new]), None, "it is not deleted");
    let unrequested = new.clone().rotated(old.token, support::START);
    assert_eq!(
        effective(&ledger, &[&unrequested]),
        None,
        "no request rotated it"
    );
}

#[test]
fn a_record_and_an_index_entry_without_each_other_are_detected() {
    let login = support::login(1);
    let created =
        audit_after(|txn| persistent_login::create(txn, &login.imported(), &Device::default()));
    assert_eq!(created, Ok(vec![login.clone()]));
    let profile_id = ObjectId::from_bytes([8; 12]);
    let of_other_profile = Login {
        profile_id,
        ..login.clone()
    };
    let only_record = audit_after(|txn| {
        persistent_login::create(txn, &login.imported(), &Device::default())?;
        // Finds no record, but removes the index entries that lead to the other one.
        persistent_login::delete(txn, &of_other_profile.imported())
    });
    assert!(only_record.is_err());
    let only_entry = audit_after(|txn| {
        persistent_login::create(txn, &login.imported(), &Device::default())?;
        let timestamp = Timestamp::from_millis(0);
        let other_timestamp = Login {
            timestamp,
            ..login.clone()
        };
        persistent_login::delete(txn, &other_timestamp.imported())
    });
    assert!(only_entry.is_err());
    let two_records = audit_after(|txn| {
        persistent_login::create(txn, &login.imported(), &Device::default())?;
        persistent_login::create(txn, &of_other_profile.imported(), &Device::default())
    });
    assert!(two_records.is_err());
}

/// The results of all images.
#[derive(Debug, Default)]
struct Report {
    /// The number of events before the power loss.
    moments: BTreeSet<usize>,
    images: usize,
    damages: Vec<Damage>,
}

/// A damaged image.
#[derive(Debug)]
struct Damage {
    /// The number of events before the power loss.
    #[expect(dead_code, reason = "it is printed")]
    at: usize,
    #[expect(dead_code, reason = "it is printed")]
    survival: Survival,
    kind: Kind,
}

#[derive(Debug)]
enum Kind {
    /// The database does not open, or is inconsistent, or cannot be written.
    #[expect(dead_code, reason = "it is printed")]
    Broken(String),
    /// It is consistent, but an acknowledged change is lost.
    #[expect(dead_code, reason = "it is printed")]
    Lost(String),
}

impl Report {
    /// Checks images of a power loss at each sync of the run, and between syncs.
    fn of(run: &WorkloadRun, options: &EngineOptions, random: &mut StdRng) -> Self {
        let mut report = Self::default();
        let mut ledger = Ledger::default();
        for login in &run.initial {
            ledger.add_existing(login);
        }
        let mut trial = Trial {
            options,
            replay: Replay::new(&run.recording),
            ledger,
        };
        let images = if support::is_long() {
            IMAGES_LONG
        } else {
            IMAGES
        };
        let moments = moments(&run.recording, random);
        for (at, event) in run.recording.events.iter().enumerate() {
            if matches!(event, DiskEvent::Sync) {
                report.check_image(&trial, at, Survival::Nothing, random);
            }
            if moments.contains(&at) {
                report.check_images(&trial, at, images, random);
            }
            trial.step(run, event);
        }
        let end = run.recording.events.len();
        report.check_image(&trial, end, Survival::Nothing, random);
        report.check_images(&trial, end, images, random);
        report
    }

    fn check_images(&mut self, trial: &Trial<'_>, at: usize, images: usize, random: &mut StdRng) {
        for _ in 0..images {
            self.check_image(trial, at, Survival::draw(random), random);
        }
    }

    fn check_image(
        &mut self,
        trial: &Trial<'_>,
        at: usize,
        survival: Survival,
        random: &mut StdRng,
    ) {
        self.images += 1;
        self.moments.insert(at);
        let image = trial.replay.image(survival, random);
        // A disk that does not sync breaks an assumption of the database, which may panic then.
        let recovered = catch_unwind(AssertUnwindSafe(|| trial.recover_twice(image, random)))
            .unwrap_or_else(|_panic| Err(Kind::Broken("the database panicked".to_owned())));
        if let Err(kind) = recovered {
            self.damages.push(Damage { at, survival, kind });
        }
    }

    fn has_loss(&self) -> bool {
        self.damages
            .iter()
            .any(|damage| matches!(damage.kind, Kind::Lost(_)))
    }
}

/// The replay of a run up to a moment.
struct Trial<'a> {
    options: &'a EngineOptions,
    replay: Replay<'a>,
    ledger: Ledger,
}

impl<'a> Trial<'a> {
    fn step(&mut self, run: &'a WorkloadRun, event: &'a DiskEvent) {
        self.replay.step(event);
        match event {
            DiskEvent::Requested(number) => self.ledger.request(run.changes[*number].clone()),
            DiskEvent::Acknowledged(number) => {
                self.ledger.acknowledge(run.changes[*number].clone())
            }
            DiskEvent::Write { .. } | DiskEvent::SetLength(_) | DiskEvent::Sync => {}
        }
    }

    /// Recovers the database from the image, and sometimes again after a power loss during recovery.
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

    /// Opens the database from the image, compares it with the ledger, and then writes to it. Returns the
    /// recording of its recovery.
    fn recover(&self, image: Vec<u8>) -> Result<Recording, Kind> {
        let broken = |failure: Failure| Kind::Broken(failure.to_string());
        let disk = Disk::new(image);
        let engine = Engine::open_backend(disk.clone(), self.options).map_err(broken)?;
        let recovery = disk.recording();
        let mut journal =
            Journal::open(engine, JOURNALED, &support::tiny_journal(), 0).map_err(broken)?;
        let logins = audit::logins(&*journal.newest(), &support::keys()).map_err(Kind::Broken)?;
        self.ledger
            .verify(&logins, View::Record)
            .map_err(Kind::Lost)?;
        check_devices(&*journal.newest(), &logins).map_err(Kind::Broken)?;
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

/// Checks that each login has the device of its last rotation, and a profile.
fn check_devices(txn: &impl Read, logins: &[Login]) -> Result<(), String> {
    for login in logins {
        let profile = profile::status(txn, login.profile_id);
        if !matches!(profile, Ok(Some(_))) {
            return Err(format!("{profile:?} is the profile of {login:?}"));
        }
        let device = persistent_login::device(txn, login.key());
        let device = device.map_err(|failure| failure.to_string())?;
        let replaced = login.rotation.map(|rotation| rotation.replaced);
        let expected = replaced.filter(|_| workload::shows_device(login.id));
        if device.user_agent != expected.map(workload::agent_of) {
            return Err(format!("{device:?} is the device of {login:?}"));
        }
    }
    Ok(())
}

/// Removes all logins as the cleaner does when they have expired.
fn remove_all(journal: &mut Journal) -> Result<usize, Failure> {
    let end_of_time = Moment::from_millis(i64::MAX);
    let txn = journal.begin_write()?;
    let ids = persistent_login::BY_CREATION.take_until(&txn, end_of_time, usize::MAX)?;
    for id in &ids {
        persistent_login::remove_expired(&txn, PersistentLoginId::new(*id))?;
    }
    let rest = audit::logins(&txn, &support::keys()).map_err(Failure::Corrupt)?;
    journal.commit(txn)?;
    if rest.is_empty() {
        return Ok(ids.len());
    }
    Err(Failure::Corrupt(format!("the cleaner leaves {rest:?}")))
}

/// The numbers of the events before which the power is lost: all syncs and a sample of the others, or all.
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

/// The same events, with each operation acknowledged as soon as it is requested.
fn acknowledged_at_once(events: Vec<DiskEvent>) -> Vec<DiskEvent> {
    events
        .into_iter()
        .filter(|event| !matches!(event, DiskEvent::Acknowledged(_)))
        .flat_map(|event| {
            let acknowledged = match event {
                DiskEvent::Requested(number) => Some(DiskEvent::Acknowledged(number)),
                _ => None,
            };
            std::iter::once(event).chain(acknowledged)
        })
        .collect()
}

/// The logins that the audit finds in an empty database after `change`.
fn audit_after(
    change: impl FnOnce(&WriteTxn) -> Result<(), Failure>,
) -> Result<Vec<Login>, String> {
    let engine = Engine::open_backend(Disk::new(Vec::new()), &ONE_PHASE).expect("it opens");
    let mut journal =
        Journal::open(engine, JOURNALED, &support::tiny_journal(), 0).expect("it opens");
    let txn = journal.begin_write().expect("it is writable");
    change(&txn).expect("it is written");
    journal.commit(txn).expect("it is committed");
    audit::logins(&*journal.newest(), &support::keys())
}
