//! A workload on a disk that records it: rounds of concurrent operations, one commit each.
//!
//! The order of operations inside a commit, and so the whole recording, depends on the seed alone.

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::mpsc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use rand::rngs::StdRng;
use rand::seq::IteratorRandom;
use rand::{Rng, RngExt};
use rememberd::testing::{
    App, Device, Engine, EngineOptions, Event, ObjectId, PersistentLogin, tables::access_token,
    tables::profile, upgrade,
};
use serde_json::Value;

use crate::support;
use crate::support::audit;
use crate::support::contract::{As, Model};
use crate::support::disk::{Disk, DiskEvent, Recording};
use crate::support::ledger::{Change, State};
use crate::support::operation::Operation;
use crate::support::settings::Settings;

/// How many operations share a commit at most.
const OPERATIONS_MAX: usize = 6;

/// How large an attribute of the profile may become, in bytes: enough to make the file grow and
/// shrink.
const ATTRIBUTE_BYTES_MAX: usize = 100_000;

/// What a workload leaves behind.
pub struct Past {
    /// What happened to the disk, from the loaded example data on.
    pub recording: Recording,
    /// The logins that were there at the beginning.
    pub first: Vec<PersistentLogin>,
    /// What the operations, by their numbers in the recording, came to.
    pub outcomes: Vec<Change>,
    /// Of everything that happened, for the audit log.
    pub events: Vec<Event>,
}

/// Runs `rounds` rounds on `disk`, and more of them, up to ten times as many, until what happened
/// `is_enough`.
pub async fn run(
    disk: &Disk,
    options: &EngineOptions,
    rounds: usize,
    is_enough: impl Fn(&[Event]) -> bool,
    random: &mut StdRng,
) -> Past {
    let mut model = Model::new(support::START, Settings::draw(random));
    let app = open(disk, options, &model, random.next_u64()).await;
    support::load_demo(&app).await;
    let profiles = prepare(&app, &mut model).await;
    disk.begin_recording();
    let mut workload = Workload {
        app,
        disk: disk.clone(),
        options: options.clone(),
        first: model.logins.values().cloned().collect(),
        model,
        profiles,
        outcomes: Vec::new(),
    };
    for round in 0..10 * rounds {
        if round >= rounds && is_enough(&workload.model.events) {
            break;
        }
        match random.random_range(0..20) {
            0 | 1 => workload.restart(random).await,
            2 => workload.resize_profile(random).await,
            3 | 4 => workload.advance(random),
            _ => workload.round(random).await,
        }
    }
    let closed = workload.app.store.close().await;
    closed.expect("the database closes");
    Past {
        recording: disk.recording(),
        first: workload.first,
        outcomes: workload.outcomes,
        events: workload.model.events,
    }
}

async fn open(disk: &Disk, options: &EngineOptions, model: &Model, seed: u64) -> App {
    let (disk, options) = (disk.clone(), options.clone());
    let opener = move |_opening| {
        let engine = Engine::open_backend(disk.clone(), &options)?;
        upgrade(&engine)?;
        Ok(engine)
    };
    let store = support::open_store(Box::new(opener)).await;
    support::app(&model.settings.flags(), store, model.now, seed)
}

/// Makes a caller and a second profile, and tells the model what is there.
async fn prepare(app: &App, model: &mut Model) -> Vec<ObjectId> {
    let demo = ObjectId::parse(support::DEMO_PROFILE).expect("it is an id");
    let second = ObjectId::from_bytes([2; 12]);
    let profiles = vec![demo, second];
    app.store
        .write(move |txn| {
            access_token::put(txn, &As::Master.token())?;
            let made = support::profile(second, "default", true);
            profile::put(txn, &made)
        })
        .await
        .expect("they are put");
    for &id in &profiles {
        let standing = app.store.read(|txn| profile::status(txn, id));
        let standing = standing.expect("the store is open");
        model.profiles.insert(id.to_string(), standing);
    }
    let stored = app.store.read(|txn| Ok(audit::logins(txn)));
    let logins = stored.expect("the store is open");
    for login in logins.expect("the indexes are whole") {
        model.begin("example data", login, Device::default());
    }
    profiles
}

struct Workload {
    app: App,
    disk: Disk,
    options: EngineOptions,
    model: Model,
    profiles: Vec<ObjectId>,
    first: Vec<PersistentLogin>,
    outcomes: Vec<Change>,
}

impl Workload {
    /// Some operations at a time. They reach the writer while it is held up, so that they share a
    /// commit; those on the same login take effect in the order in which they were asked for.
    async fn round(&mut self, random: &mut StdRng) {
        let operations = self.draw(random);
        let (held, when_held) = mpsc::channel();
        let (release, released) = mpsc::channel::<()>();
        let mut hold = pin!(self.app.store.write(move |_| {
            held.send(()).expect("the round waits for it");
            released.recv().expect("the round releases it");
            Ok(())
        }));
        assert!(poll(hold.as_mut()).is_pending(), "it needs the writer");
        when_held.recv().expect("the writer runs");

        let first_number = self.outcomes.len();
        let mut answers = Vec::new();
        for (number, operation) in (first_number..).zip(&operations) {
            let mut answer = Box::pin(operation.clone().perform(&self.app));
            self.disk.note(DiskEvent::Asked(number));
            let at_once = poll(answer.as_mut());
            answers.push((answer, at_once));
        }
        release.send(()).expect("the writer waits for it");
        hold.await.expect("it wrote nothing");
        for ((number, operation), (answer, at_once)) in
            (first_number..).zip(operations).zip(answers)
        {
            let answer = match at_once {
                Poll::Ready(answer) => answer,
                Poll::Pending => answer.await,
            };
            let before = self.model.logins.clone();
            let shown = format!("operation {number}: {operation:?}");
            self.model.follow(&shown, operation, answer);
            self.outcomes.push(change(&before, &self.model.logins));
            self.disk.note(DiskEvent::Answered(number));
        }
    }

    /// First perhaps the cleaner, which looks at what was there before the round.
    fn draw(&self, random: &mut StdRng) -> Vec<Operation> {
        let cleaner = match random.random_range(0..6) {
            0 => Some(Operation::DeleteExpired),
            1 => Some(Operation::DeleteIdle(None)),
            _ => None,
        };
        let count = random.random_range(1..=OPERATIONS_MAX);
        let others = (0..count).map(|_| self.draw_one(random));
        cleaner.into_iter().chain(others).collect()
    }

    fn draw_one(&self, random: &mut StdRng) -> Operation {
        let profile = self.profiles[random.random_range(0..self.profiles.len())].to_string();
        let logins = self.model.logins.values();
        let login = logins
            .filter(|login| self.model.is_valid(login))
            .choose(random);
        let Some(login) = login else {
            return Operation::Create(As::Master, profile, Device::default());
        };
        let id = login.id.to_string();
        let tokens = &self.model.tokens[&id];
        let presented = match random.random_range(0..20) {
            0..5 => None,
            5..12 => Some(login.token),
            12..18 => tokens.iter().rev().nth(1).copied(),
            _ => tokens.iter().choose(random).copied(),
        };
        match random.random_range(0..20) {
            0..7 => Operation::Create(As::Master, profile, Device::default()),
            7..17 => Operation::Refresh(As::Master, id, presented),
            17 | 18 => Operation::Delete(As::Master, id),
            _ => {
                let except = random.random_bool(0.5).then_some(login.id);
                Operation::DeleteByProfile(As::Master, profile, except)
            }
        }
    }

    /// Lets time pass: a moment, or so long that logins expire.
    fn advance(&mut self, random: &mut StdRng) {
        let secs = [3, 20, 60, 400, 1_500][random.random_range(0..5)];
        let step = Duration::from_secs(secs);
        self.model.now = self.model.now.plus(step);
        self.app.clock.advance(step);
    }

    /// With other settings.
    async fn restart(&mut self, random: &mut StdRng) {
        self.app.store.close().await.expect("the database closes");
        self.model.settings = Settings::draw(random);
        let seed = random.next_u64();
        self.app = open(&self.disk, &self.options, &self.model, seed).await;
    }

    async fn resize_profile(&mut self, random: &mut StdRng) {
        let id = ObjectId::parse(support::DEMO_PROFILE).expect("it is an id");
        let text = "x".repeat(random.random_range(0..ATTRIBUTE_BYTES_MAX));
        self.app
            .store
            .write(move |txn| {
                let mut found = profile::get(txn, id)?.expect("nobody removes it");
                found
                    .attributes
                    .insert("text".to_owned(), Value::String(text.clone()));
                profile::put(txn, &found)
            })
            .await
            .expect("the profile is changed");
    }
}

/// What is different in `after`.
fn change(
    before: &BTreeMap<String, PersistentLogin>,
    after: &BTreeMap<String, PersistentLogin>,
) -> Change {
    let gone = before
        .iter()
        .filter(|(id, _)| !after.contains_key(*id))
        .map(|(_, login)| (login.id, State::Absent));
    let changed = after
        .iter()
        .filter(|(id, login)| before.get(*id) != Some(*login))
        .map(|(_, login)| (login.id, State::Is(login.clone())));
    Change {
        states: gone.chain(changed).collect(),
        creations: 0,
    }
}

/// Takes the future as far as it goes alone: to its end, or to the writer's queue.
fn poll<T>(future: Pin<&mut impl Future<Output = T>>) -> Poll<T> {
    future.poll(&mut Context::from_waker(Waker::noop()))
}
