//! A power loss while a profile with many logins and tickets is disabled and enabled again, and while what was ended is
//! removed afterwards: logins and tickets end all together, none of them ever comes back, no acknowledged change of the
//! profile and no login since is lost, and the removal goes on.

use std::collections::BTreeSet;

use rand::seq::IteratorRandom;
use rememberd::testing::{
    App, Device, ObjectId, PersistentLoginId,
    service::{persistent_login, profile, ticket},
    tables,
};
use uuid::Uuid;

use crate::support::disk::{Disk, DiskEvent, Replay, Survival};
use crate::support::login::Login;
use crate::support::test_caller::TestCaller;
use crate::support::{self, audit};

/// How many logins and how many tickets the profile has: more than the transaction that ends them removes.
const MANY: u128 = 90;

/// How many moments between syncs are checked.
const MOMENTS: usize = 60;

/// The changes, in their order.
const DISABLED: usize = 0;
const ENABLED: usize = 1;
const CREATED: usize = 2;

fn profile_id() -> ObjectId {
    ObjectId::parse(support::DEMO_PROFILE).expect("it is an id")
}

async fn open(disk: &Disk) -> App {
    let store = support::open_on(disk, &support::OPTIONS).await;
    support::app(&["--cleaner-batch-max=16"], store, support::START, 7)
}

/// What the profile had before it was disabled.
struct Before {
    tickets: Vec<String>,
}

/// A disk with many logins and tickets of a profile.
async fn filled() -> (Disk, App, Before) {
    let disk = Disk::new(Vec::new());
    let app = open(&disk).await;
    support::load_demo(&app).await;
    let created = app.store.write(|txn| {
        TestCaller::Master.put_token(txn)?;
        for number in 1..=MANY {
            let login = Login {
                profile_id: profile_id(),
                ..support::login(number)
            };
            tables::persistent_login::create(txn, &login.imported(), &Device::default())?;
        }
        Ok(())
    });
    created.await.expect("they are created");
    let mut tickets = Vec::new();
    for _ in 1..=MANY {
        let profile = support::DEMO_PROFILE.to_owned();
        let created = ticket::create(&app, TestCaller::Master.caller(), profile).await;
        let created = created.expect("it is created");
        tickets.push(created.id.reveal().to_string());
    }
    (disk, app, Before { tickets })
}

impl Before {
    /// How many logins and tickets can be read.
    fn valid(&self, app: &App) -> (usize, usize) {
        let caller = || TestCaller::Master.caller();
        let ids = (1..=MANY).map(|number| PersistentLoginId::new(Uuid::from_u128(number)));
        let logins = ids
            .filter(|id| persistent_login::read(app, caller(), id.to_string()).is_ok())
            .count();
        let mut tickets = 0;
        for id in &self.tickets {
            tickets += usize::from(ticket::read(app, &caller(), id).is_ok());
        }
        (logins, tickets)
    }
}

fn stored(app: &App) -> (usize, u64) {
    let logins = app
        .store
        .read(|txn| Ok(audit::logins(txn, &support::keys())));
    let logins = logins.expect("the store is open");
    let logins = logins.expect("records and indexes agree").len();
    let tickets = app.store.read(tables::ticket::count);
    (logins, tickets.expect("the store is open"))
}

/// Removes what was ended.
async fn clean_up(app: &App) {
    let removed = persistent_login::remove_ended(app, profile_id()).await;
    removed.expect("it goes on");
    let removed = ticket::remove_ended(app, profile_id()).await;
    removed.expect("it goes on");
}

async fn set_enabled(app: &App, is_enabled: bool) {
    let caller = TestCaller::Master.caller();
    let profile = support::DEMO_PROFILE.to_owned();
    let changed = profile::set_enabled(app, caller, profile, is_enabled).await;
    assert_eq!(changed.expect("it is changed").enabled, is_enabled);
}

#[tokio::test]
async fn an_end_of_all_access_survives_power_loss_as_a_whole() {
    let mut random = support::random(support::test_seed());
    let (disk, app, before) = filled().await;
    let many = MANY as usize;
    assert_eq!(before.valid(&app), (many, many));
    disk.begin_recording();
    disk.record(DiskEvent::Requested(DISABLED));
    set_enabled(&app, false).await;
    disk.record(DiskEvent::Acknowledged(DISABLED));
    disk.record(DiskEvent::Requested(ENABLED));
    set_enabled(&app, true).await;
    disk.record(DiskEvent::Acknowledged(ENABLED));
    let caller = TestCaller::Master.caller();
    let profile = support::DEMO_PROFILE.to_owned();
    let new = persistent_login::create(&app, caller, profile, Device::default()).await;
    let new = new.expect("it is created").id.to_string();
    disk.record(DiskEvent::Acknowledged(CREATED));
    clean_up(&app).await;
    assert_eq!(stored(&app), (1, 0));
    app.store.close().await.expect("it is closed");
    let recording = disk.recording();

    let events = recording.events.iter().enumerate();
    let chosen: BTreeSet<_> = events
        .map(|(at, _)| at)
        .sample(&mut random, MOMENTS)
        .into_iter()
        .collect();
    let mut replay = Replay::new(&recording);
    let (mut requested, mut acknowledged, mut half_done) = (BTreeSet::new(), BTreeSet::new(), 0);
    for (at, event) in recording.events.iter().enumerate() {
        if chosen.contains(&at) || matches!(event, DiskEvent::Sync) {
            let survival = Survival::draw(&mut random);
            let image = Disk::new(replay.image(survival, &mut random));
            let app = open(&image).await;
            let found = before.valid(&app);
            let context = format!("after {at} events, {survival:?}: {found:?}");
            let has_ended = found == (0, 0);
            let is_whole = found == (many, many);
            assert!(
                has_ended || !acknowledged.contains(&DISABLED) && is_whole,
                "{context}"
            );
            let status = app
                .store
                .read(|txn| tables::profile::status(txn, profile_id()));
            let is_enabled = status.expect("it is read").expect("it exists").enabled;
            if acknowledged.contains(&ENABLED) {
                assert!(is_enabled, "{context}");
            } else if !requested.contains(&ENABLED) {
                // The end and the change are one.
                assert_eq!(is_enabled, !has_ended, "{context}");
            }
            let (logins, tickets) = stored(&app);
            half_done +=
                usize::from((1..many).contains(&logins) || (1..many as u64).contains(&tickets));
            if has_ended {
                clean_up(&app).await;
                set_enabled(&app, true).await;
                assert_eq!(before.valid(&app), (0, 0), "{context}");
                assert!(stored(&app).0 <= 1, "{context}");
                assert_eq!(stored(&app).1, 0, "{context}");
            }
            let caller = TestCaller::Master.caller();
            let is_new_valid = persistent_login::read(&app, caller, new.clone()).is_ok();
            assert!(
                is_new_valid || !acknowledged.contains(&CREATED),
                "{context}"
            );
            assert_eq!(persistent_login::ended_profiles(&app), Ok(Vec::new()));
            assert_eq!(ticket::ended_profiles(&app), Ok(Vec::new()));
            app.store.close().await.expect("it is closed");
        }
        match event {
            DiskEvent::Requested(number) => drop(requested.insert(*number)),
            DiskEvent::Acknowledged(number) => drop(acknowledged.insert(*number)),
            _ => {}
        }
        replay.step(event);
    }
    assert!(
        half_done > 3,
        "{half_done} images are of a removal half done"
    );
}
