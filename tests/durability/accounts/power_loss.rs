//! A power loss at any moment of random operations, among them the deletion of tenants, changes that all profiles of a
//! tenant follow, and the work that carries both out: what is there afterwards is what was there before or after the
//! operation that was under way, as a whole, and it stays so when that work is done.

use std::time::Duration;

use rand::{Rng, RngExt};
use rememberd::testing::Timestamp;

use crate::accounts::draw::draw;
use crate::accounts::model::Model;
use crate::accounts::operation::{Change, Operation};
use crate::accounts::state::State;
use crate::support::disk::{Disk, DiskEvent, Replay, Survival};
use crate::{accounts, support};

/// The number of operations before the recording begins, and of those that are recorded.
const BEFORE: usize = 150;
const RECORDED: usize = 250;

/// The number of power losses.
const LOSSES: usize = 150;

/// The work that is carried out in the background.
const WORK: [Operation; 3] = [
    Operation::CarryOutSweeps,
    Operation::RemoveEnded,
    Operation::RemoveExpired,
];

#[tokio::test]
async fn a_power_loss_undoes_no_change_of_accounts_and_leaves_none_half() {
    let mut random = support::random(support::test_seed());
    let disk = Disk::new(Vec::new());
    let app = accounts::open(&disk, 1, support::START, random.next_u64()).await;
    accounts::put_root(&app).await;
    let mut model = Model::new(support::START);
    // The model before each recorded operation, at the time of that operation.
    let mut models = Vec::new();
    for number in 0..BEFORE + RECORDED {
        if number == BEFORE {
            disk.begin_recording();
        }
        let step = Duration::from_millis(random.random_range(0..2_000));
        app.clock.advance(step);
        model.now += i64::try_from(step.as_millis()).expect("it is short");
        let operation = match random.random_range(0..20) {
            0 if number >= BEFORE => Operation::DeleteTenant("acme"),
            1 => Operation::CreateTenant("acme"),
            2 => Operation::ChangeTenant("acme", Change::RemoveRoles(vec!["USER"])),
            3 => Operation::CarryOutSweeps,
            4 => Operation::RemoveEnded,
            _ => draw(&mut random, &model),
        };
        if number >= BEFORE {
            disk.record(DiskEvent::Requested(number - BEFORE));
            models.push(model.clone());
        }
        let context = format!("operation {number}: {operation:?}");
        let answer = operation.clone().run(&app).await;
        let answer = answer.unwrap_or_else(|failure| panic!("{context}: {failure}"));
        model.apply(&context, &operation, &answer);
    }
    app.store.close().await.expect("it is closed");
    models.push(model.clone());

    let recording = disk.recording();
    let losses = support::size("REMEMBERD_TEST_LOSSES", LOSSES);
    let probability = (losses as f64 / recording.events.len() as f64).min(1.0);
    let mut replay = Replay::new(&recording);
    let (mut under_way, mut checked, mut undone) = (None, 0, 0);
    for (at, event) in recording.events.iter().enumerate() {
        if let Some(number) = under_way
            && random.random_bool(probability)
        {
            let survival = Survival::draw(&mut random);
            let image = Disk::new(replay.image(survival, &mut random));
            let before: &Model = &models[number];
            let after = &models[number + 1];
            let context = format!("{at} events, in operation {number}, {survival:?}");
            undone += usize::from(check(&image, before, after, &model, &context).await);
            checked += 1;
        }
        if let DiskEvent::Requested(number) = event {
            under_way = Some(*number);
        }
        replay.step(event);
    }
    eprintln!("{checked} power losses, {undone} of which undid what was under way");
    assert!(checked > losses / 2);
    assert!((1..checked).contains(&undone));
}

/// Checks what is on the disk. Returns whether the operation that was under way was undone.
async fn check(disk: &Disk, before: &Model, after: &Model, all: &Model, context: &str) -> bool {
    let now = before.now;
    let expected = [before, after].map(|model| {
        let mut model = model.clone();
        model.now = now;
        model.crash();
        model.state()
    });
    let app = accounts::open(disk, 1, Timestamp::from_millis(now), 7).await;
    let found = State::observe(&app, &all.known);
    let is_undone = found != expected[1];
    if is_undone {
        assert_eq!(found, expected[0], "{context}");
    }
    for work in WORK {
        let done = work.run(&app).await;
        assert!(done.is_ok(), "{context}: {done:?}");
        assert_eq!(State::observe(&app, &all.known), found, "{context}");
    }
    app.store.close().await.expect("it is closed");
    is_undone && expected[0] != expected[1]
}
