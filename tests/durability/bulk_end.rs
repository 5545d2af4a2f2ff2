//! A power loss while the many logins of a profile are ended, and while they are removed afterwards: they are ended all
//! together, none of them comes back, and the removal goes on.

use std::collections::BTreeSet;

use rand::seq::IteratorRandom;
use rememberd::testing::{
    App, Device, ObjectId, PersistentLoginId, service::persistent_login, tables,
};
use uuid::Uuid;

use crate::support::disk::{Disk, DiskEvent, Replay, Survival};
use crate::support::login::Login;
use crate::support::test_caller::TestCaller;
use crate::support::{self, audit};

/// How many logins the profile has: more than the transaction that ends them removes.
const LOGINS: u128 = 150;

/// The login that is excepted.
const EXCEPT: u128 = 77;

/// How many moments between syncs are checked.
const MOMENTS: usize = 60;

fn profile_id() -> ObjectId {
    ObjectId::parse(support::DEMO_PROFILE).expect("it is an id")
}

fn login(number: u128) -> Login {
    Login {
        profile_id: profile_id(),
        ..support::login(number)
    }
}

async fn open(disk: &Disk) -> App {
    let store = support::open_on(disk, &support::OPTIONS).await;
    support::app(&["--cleaner-batch-max=16"], store, support::START, 7)
}

/// A disk with many logins of a profile.
async fn filled() -> (Disk, App) {
    let disk = Disk::new(Vec::new());
    let app = open(&disk).await;
    support::load_demo(&app).await;
    let created = app.store.write(|txn| {
        TestCaller::Master.put_token(txn)?;
        for number in 1..=LOGINS {
            let login = login(number).imported();
            tables::persistent_login::create(txn, &login, &Device::default())?;
        }
        Ok(())
    });
    created.await.expect("they are created");
    (disk, app)
}

/// The numbers of the logins that a caller can read.
fn valid(app: &App) -> BTreeSet<u128> {
    let is_valid = |number: &u128| {
        let id = PersistentLoginId::new(Uuid::from_u128(*number)).to_string();
        persistent_login::read(app, TestCaller::Master.caller(), id).is_ok()
    };
    (1..=LOGINS).filter(is_valid).collect()
}

fn stored(app: &App) -> usize {
    let logins = app
        .store
        .read(|txn| Ok(audit::logins(txn, &support::keys())));
    let logins = logins.expect("the store is open");
    logins.expect("records and indexes agree").len()
}

#[tokio::test]
async fn an_end_of_many_logins_survives_power_loss_as_a_whole() {
    let mut random = support::random(support::test_seed());
    let (disk, app) = filled().await;
    let total = stored(&app);
    disk.begin_recording();
    disk.record(DiskEvent::Requested(0));
    let caller = TestCaller::Master.caller();
    let except = PersistentLoginId::new(Uuid::from_u128(EXCEPT));
    let profile = support::DEMO_PROFILE.to_owned();
    let ended = persistent_login::delete_by_profile(&app, caller, profile, Some(except)).await;
    // The demo data has one login of the profile.
    assert_eq!(ended, Ok(LOGINS as usize));
    disk.record(DiskEvent::Acknowledged(0));
    let removed = persistent_login::remove_ended(&app, profile_id()).await;
    assert_eq!(removed, Ok(LOGINS as usize));
    app.store.close().await.expect("it is closed");
    let recording = disk.recording();

    let all: BTreeSet<_> = (1..=LOGINS).collect();
    let left = BTreeSet::from([EXCEPT]);
    let events = recording.events.iter().enumerate();
    let chosen: BTreeSet<_> = events
        .map(|(at, _)| at)
        .sample(&mut random, MOMENTS)
        .into_iter()
        .collect();
    let mut replay = Replay::new(&recording);
    let (mut is_acknowledged, mut half_done) = (false, 0);
    for (at, event) in recording.events.iter().enumerate() {
        if chosen.contains(&at) || matches!(event, DiskEvent::Sync) {
            let survival = Survival::draw(&mut random);
            let image = Disk::new(replay.image(survival, &mut random));
            let app = open(&image).await;
            let found = valid(&app);
            let has_ended = found == left;
            assert!(
                has_ended || !is_acknowledged && found == all,
                "after {at} events, {survival:?}: {found:?}"
            );
            let before = stored(&app);
            half_done += usize::from((total - LOGINS as usize + 1..total).contains(&before));
            let removed = persistent_login::remove_ended(&app, profile_id()).await;
            let removed = removed.expect("it goes on");
            assert_eq!(stored(&app), before - removed);
            if has_ended {
                assert_eq!(stored(&app), total - LOGINS as usize);
                assert_eq!(valid(&app), left);
            }
            assert_eq!(persistent_login::ended_profiles(&app), Ok(Vec::new()));
            app.store.close().await.expect("it is closed");
        }
        is_acknowledged |= matches!(event, DiskEvent::Acknowledged(0));
        replay.step(event);
    }
    assert!(
        half_done > 3,
        "{half_done} images are of a removal half done"
    );
}
