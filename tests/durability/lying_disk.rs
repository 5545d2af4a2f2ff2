//! A disk that reports syncs which it has not done: after a power loss the database is moments old, and
//! acknowledged rotations are lost. Nobody is logged out by that.

use std::collections::BTreeMap;
use std::time::Duration;

use rand::RngExt;
use rememberd::testing::{
    App, Device, Event, Outcome, Timestamp, Token, service::persistent_login as service,
};

use crate::support;
use crate::support::disk::{Disk, DiskEvent, Replay, Survival};
use crate::support::test_caller::TestCaller;

const LOGINS: usize = 4;
const ROTATIONS: usize = 24;

/// Between two rotations.
const PACE: Duration = Duration::from_secs(1);

/// The tokens of each login, by its id.
type Tokens = BTreeMap<String, Vec<Token>>;

async fn open(disk: &Disk, now: Timestamp) -> App {
    let store = support::open_on(disk, &support::OPTIONS).await;
    let flags: [&str; 0] = [];
    support::app(&flags, store, now, 1)
}

async fn refresh(app: &App, id: &str, token: Token) -> (Token, Outcome) {
    let caller = TestCaller::Master.caller();
    let refreshed = service::refresh(app, caller, id.to_owned(), Some(token)).await;
    let refreshed = refreshed.unwrap_or_else(|error| panic!("{id}: {error:?}"));
    (refreshed.login.token, refreshed.outcome)
}

/// Creates the logins, and records on `disk` how they are rotated.
async fn rotate(disk: &Disk) -> Tokens {
    let mut random = support::random(support::test_seed());
    let app = open(disk, support::START).await;
    support::load_demo(&app).await;
    let put = app.store.write(|txn| TestCaller::Master.put_token(txn));
    put.await.expect("it is put");
    let mut tokens = Tokens::new();
    for _ in 0..LOGINS {
        let (caller, profile) = (TestCaller::Master.caller(), support::DEMO_PROFILE);
        let login = service::create(&app, caller, profile.to_owned(), Device::default()).await;
        let login = login.expect("it is created");
        tokens.insert(login.id.to_string(), vec![login.token]);
    }
    disk.begin_recording();
    let ids: Vec<_> = tokens.keys().cloned().collect();
    for _ in 0..ROTATIONS {
        app.clock.advance(PACE);
        let id = &ids[random.random_range(0..ids.len())];
        let known = tokens.get_mut(id).expect("it was created");
        let (fresh, _) = refresh(&app, id, known[known.len() - 1]).await;
        known.push(fresh);
    }
    app.store.close().await.expect("the database closes");
    tokens
}

#[tokio::test]
async fn a_disk_that_lied_about_syncs_logs_nobody_out() {
    let disk = Disk::new(Vec::new());
    let tokens = rotate(&disk).await;
    let recording = disk.recording();
    let mut random = support::random(0);
    let mut replay = Replay::new(&recording);
    let now = (0..=ROTATIONS).fold(support::START, |now, _| now.plus(PACE));
    let (mut restored, mut slow) = (0, 0);
    for event in &recording.events {
        replay.step(event);
        if !matches!(event, DiskEvent::Sync) {
            continue;
        }
        // Whatever was synced after this moment is gone.
        let image = replay.image(Survival::Nothing, &mut random);
        let app = open(&Disk::new(image), now).await;
        let mut newer = 0;
        for (id, tokens) in &tokens {
            let newest = tokens[tokens.len() - 1];
            let caller = TestCaller::Master.caller();
            let known = service::read(&app, caller, id.clone()).expect("it is there");
            let (fresh, outcome) = refresh(&app, id, newest).await;
            let is_lost = known.token != newest;
            assert_eq!(outcome == Outcome::NewerToken, is_lost, "{outcome:?}");
            newer += u64::from(is_lost);
            // A slow request with a token that was replaced before what was lost.
            let position = tokens.iter().position(|token| *token == known.token);
            let position = position.expect("it was issued");
            if is_lost && position > 0 {
                let again = refresh(&app, id, tokens[position - 1]).await;
                assert_eq!(again, (fresh, Outcome::JustReplaced));
                slow += 1;
            }
            // Or with the one that was replaced last.
            if let Some(before) = tokens.iter().rev().nth(1).filter(|_| !is_lost) {
                let again = refresh(&app, id, *before).await;
                assert_eq!(again, (fresh, Outcome::JustReplaced));
            }
            let (_, outcome) = refresh(&app, id, fresh).await;
            assert_eq!(outcome, Outcome::Rotated);
        }
        // What a batch did is recorded before the next one.
        app.store.write(|_| Ok(())).await.expect("it is open");
        assert_eq!(app.audit.count(Event::NewerToken), newer);
        assert_eq!(app.audit.count(Event::Reuse), 0);
        app.store.close().await.expect("the database closes");
        restored += newer;
    }
    assert!(restored > 0 && slow > 0, "rotations were lost");
}
