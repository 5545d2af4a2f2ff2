//! Random operations on the services and on the model: every result and every state must be the same, also after the
//! database was opened again, after a power loss, and after a new key was added.

use std::collections::BTreeMap;
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{Rng, RngExt};
use rememberd::testing::{App, Timestamp};

use crate::accounts::draw::{draw, profile};
use crate::accounts::model::Model;
use crate::accounts::operation::Operation;
use crate::accounts::state::State;
use crate::support::disk::{Disk, Replay, Survival};
use crate::{accounts, support};

/// The number of steps.
const STEPS: usize = 1_500;

/// How many times as many steps are made if an operation of some kind was not accepted.
const MORE: usize = 3;

/// The number of steps between two comparisons of the whole state.
const COMPARE_EVERY: usize = 10;

/// How many tickets a profile gets at once: more than the transaction that ends them removes.
const MANY: usize = 70;

/// The number of kinds of operations.
const KINDS: usize = 24;

/// The largest number of keys.
const KEYS_MAX: u8 = 4;

#[tokio::test]
async fn random_changes_of_accounts_have_the_same_results_in_the_model() {
    let mut random = support::random(support::test_seed());
    let disk = Disk::new(Vec::new());
    let mut model = Model::new(support::START);
    let app = accounts::open(&disk, 1, support::START, random.next_u64()).await;
    accounts::put_root(&app).await;
    let mut trial = Trial {
        disk,
        app,
        keys: 1,
        accepted: BTreeMap::new(),
    };
    trial.disk.begin_recording();
    let steps = support::size("REMEMBERD_TEST_OPERATIONS", STEPS);
    for number in 0.. {
        // What happens rarely has happened once, however the run went.
        if number >= steps && trial.accepted.len() == KINDS || number >= MORE * steps {
            break;
        }
        match random.random_range(0..1_000) {
            0..200 => {
                let longest = [1_000, 10_000, 50_000][random.random_range(0..3)];
                let step = Duration::from_millis(random.random_range(0..=longest));
                trial.app.clock.advance(step);
                model.now += i64::try_from(step.as_millis()).expect("it is short");
            }
            200..208 => trial.crash(&mut model, &mut random).await,
            208..214 => {
                trial.reopen(&mut model, &mut random).await;
            }
            214..218 => {
                let profile = profile(&mut random, &model);
                for _ in 0..MANY {
                    let operation = Operation::CreateTicket(profile.clone());
                    trial.apply(number, &mut model, operation).await;
                }
            }
            _ => {
                let operation = draw(&mut random, &model);
                trial.apply(number, &mut model, operation).await;
            }
        }
        if number % COMPARE_EVERY == 0 {
            trial.assert_same(&format!("after step {number}"), &model);
        }
    }
    trial.reopen(&mut model, &mut random).await;
    eprintln!("accepted operations: {:?}", trial.accepted);
    // A run without a kind of operation does not test it.
    assert_eq!(trial.accepted.len(), KINDS, "{:?}", trial.accepted);
}

struct Trial {
    disk: Disk,
    app: App,
    keys: u8,
    /// How many operations of each kind were not refused.
    accepted: BTreeMap<String, usize>,
}

impl Trial {
    async fn apply(&mut self, number: usize, model: &mut Model, operation: Operation) {
        let context = format!("step {number}: {operation:?}");
        let answer = operation.clone().run(&self.app).await;
        let answer = answer.unwrap_or_else(|failure| panic!("{context}: {failure}"));
        model.apply(&context, &operation, &answer);
        if answer.is_ok() {
            let text = format!("{operation:?}");
            let kind = text.split('(').next().unwrap_or_default().to_owned();
            *self.accepted.entry(kind).or_default() += 1;
        }
    }

    fn assert_same(&self, context: &str, model: &Model) {
        let found = State::observe(&self.app, &model.known);
        assert_eq!(found, model.state(), "{context}");
    }

    /// Loses the power: of what was not synced, something survives.
    async fn crash(&mut self, model: &mut Model, random: &mut StdRng) {
        let recording = self.disk.recording();
        let mut replay = Replay::new(&recording);
        for event in &recording.events {
            replay.step(event);
        }
        let survival = Survival::draw(random);
        let image = replay.image(survival, random);
        self.open(Disk::new(image), model, random).await;
        self.assert_same(&format!("after a crash, {survival:?}"), model);
    }

    async fn reopen(&mut self, model: &mut Model, random: &mut StdRng) {
        self.app.store.close().await.expect("the database closes");
        if self.keys < KEYS_MAX {
            self.keys += 1;
        }
        self.open(self.disk.clone(), model, random).await;
        self.assert_same("after it was opened again", model);
    }

    async fn open(&mut self, disk: Disk, model: &mut Model, random: &mut StdRng) {
        model.crash();
        let now = Timestamp::from_millis(model.now);
        self.app = accounts::open(&disk, self.keys, now, random.next_u64()).await;
        self.disk = disk;
        self.disk.begin_recording();
    }
}
