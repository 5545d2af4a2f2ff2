//! A workload on a disk that records it: rounds of concurrent operations, each of them one commit.
//!
//! The order of operations in a commit, and thus the whole recording, depends on the seed only.

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
    App, Device, DeviceUpdate, EngineOptions, Event, ObjectId, PersistentLoginId, TenantName,
    Token, Username,
    service::persistent_login::{self, RefreshOptions},
    tables::profile,
};
use serde_json::Value;

use crate::support;
use crate::support::contract::{Model, TENANT};
use crate::support::disk::{Disk, DiskEvent, Recording};
use crate::support::ledger::{Change, State};
use crate::support::login::Login;
use crate::support::operation::Operation;
use crate::support::settings::Settings;
use crate::support::test_caller::TestCaller;

/// The maximum number of operations in a commit.
const OPERATIONS_MAX: usize = 6;

/// The maximum size of an attribute of the profile in bytes: enough to grow and shrink the file.
const ATTRIBUTE_BYTES_MAX: usize = 100_000;

/// The results of a workload.
pub struct WorkloadRun {
    /// The recording of the disk, from the loaded demo data on.
    pub recording: Recording,
    /// The logins at the start of the recording.
    pub initial: Vec<Login>,
    /// The changes of the operations, by their numbers in the recording.
    pub changes: Vec<Change>,
    /// The expected events of the audit log.
    pub events: Vec<Event>,
}

/// Runs `rounds` rounds on `disk`, and up to ten times as many until the events satisfy `is_enough`.
pub async fn run(
    disk: &Disk,
    options: &EngineOptions,
    rounds: usize,
    is_enough: impl Fn(&[Event]) -> bool,
    random: &mut StdRng,
) -> WorkloadRun {
    let mut model = Model::new(support::START, Settings::draw(random));
    let app = open(disk, options, &model, random.next_u64()).await;
    support::load_demo(&app).await;
    let profiles = prepare(&app, &mut model).await;
    disk.begin_recording();
    let mut workload = Workload {
        app,
        disk: disk.clone(),
        options: options.clone(),
        initial: model.logins.values().cloned().collect(),
        model,
        profiles,
        changes: Vec::new(),
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
    WorkloadRun {
        recording: disk.recording(),
        initial: workload.initial,
        changes: workload.changes,
        events: workload.model.events,
    }
}

async fn open(disk: &Disk, options: &EngineOptions, model: &Model, seed: u64) -> App {
    let store = support::open_on(disk, options).await;
    support::app(&model.settings.flags(), store, model.now, seed)
}

/// Creates an access token and a second profile, and adds the existing logins to the model.
async fn prepare(app: &App, model: &mut Model) -> Vec<ObjectId> {
    let demo = ObjectId::parse(support::DEMO_PROFILE).expect("it is an id");
    let second = ObjectId::from_bytes([2; 12]);
    let profiles = vec![demo, second];
    app.store
        .write(move |txn| {
            TestCaller::Master.put_token(txn)?;
            let created = support::profile(second, "default", true);
            profile::put(txn, &created)
        })
        .await
        .expect("they are put");
    for &id in &profiles {
        let status = app.store.read(|txn| profile::status(txn, id));
        let status = status.expect("the store is open");
        model.profiles.insert(id.to_string(), status);
    }
    // A token that came from elsewhere is forgotten at some time, which the model does not know.
    let caller = TestCaller::Master.caller();
    let deleted = persistent_login::delete(app, caller, support::DEMO_LOGIN.to_owned()).await;
    deleted.expect("it is deleted");
    profiles
}

struct Workload {
    app: App,
    disk: Disk,
    options: EngineOptions,
    model: Model,
    profiles: Vec<ObjectId>,
    initial: Vec<Login>,
    changes: Vec<Change>,
}

impl Workload {
    /// Runs some operations in one commit: they are queued while the writer is blocked. Operations on the
    /// same login take effect in the order in which they are queued.
    async fn round(&mut self, random: &mut StdRng) {
        let operations = self.draw(random);
        let (held, when_held) = mpsc::channel();
        let (release, released) = mpsc::channel::<()>();
        let mut hold = pin!(self.app.store.write(move |_| {
            held.send(()).expect("the round receives it");
            released.recv().expect("the round sends it");
            Ok(())
        }));
        assert!(poll(hold.as_mut()).is_pending(), "it is queued");
        when_held.recv().expect("the writer runs");

        let first_number = self.changes.len();
        let mut futures = Vec::new();
        for (number, operation) in (first_number..).zip(&operations) {
            let mut future = Box::pin(operation.clone().run(&self.app));
            self.disk.record(DiskEvent::Requested(number));
            let polled = poll(future.as_mut());
            futures.push((future, polled));
        }
        release.send(()).expect("the writer receives it");
        hold.await.expect("it wrote nothing");
        for ((number, operation), (future, polled)) in (first_number..).zip(operations).zip(futures)
        {
            let result = match polled {
                Poll::Ready(result) => result,
                Poll::Pending => future.await,
            };
            let before = self.model.logins.clone();
            let context = format!("operation {number}: {operation:?}");
            self.model.assert_result(&context, operation, result);
            self.changes.push(change(&before, &self.model.logins));
            self.disk.record(DiskEvent::Acknowledged(number));
        }
    }

    /// The operations of a round. The cleaner comes first, because it reads the state before the round.
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
            return Operation::Create(TestCaller::Master, profile, Device::default());
        };
        let id = login.id.to_string();
        let tokens = &self.model.tokens[&id];
        let shows_device = shows_device(login.id);
        let presented = match random.random_range(0..20) {
            0..5 if !shows_device => None,
            0..12 => Some(login.token),
            12..18 => tokens.iter().rev().nth(1).copied(),
            _ => tokens.iter().choose(random).copied(),
        };
        let presented = presented.or(Some(login.token).filter(|_| shows_device));
        match random.random_range(0..20) {
            0 => {
                let tenant = TenantName::new(TENANT).expect("it has a name");
                let username = format!("user {}", random.random_range(0..1_000));
                let username = Username::new(username).expect("it is short");
                Operation::CreateByUsername(
                    TestCaller::Master,
                    tenant,
                    username,
                    true,
                    Device::default(),
                )
            }
            1..7 => Operation::Create(TestCaller::Master, profile, Device::default()),
            7..17 => {
                let device = presented
                    .filter(|_| shows_device)
                    .map(|token| DeviceUpdate {
                        user_agent: Some(agent_of(token)),
                        ip_address: None,
                    });
                let options = RefreshOptions {
                    presented,
                    device: device.map(Box::new),
                    ..RefreshOptions::default()
                };
                Operation::Refresh(TestCaller::Master, id, options)
            }
            17 | 18 => Operation::Delete(TestCaller::Master, id, None),
            _ => {
                let except = random.random_bool(0.5).then_some(login.id);
                Operation::DeleteByProfile(TestCaller::Master, profile, except)
            }
        }
    }

    /// Advances the clock: by some seconds, or until logins expire.
    fn advance(&mut self, random: &mut StdRng) {
        let secs = [3, 20, 60, 400, 1_500][random.random_range(0..5)];
        let step = Duration::from_secs(secs);
        self.model.now = self.model.now.plus(step);
        self.app.clock.advance(step);
    }

    /// Reopens the database with other settings.
    async fn restart(&mut self, random: &mut StdRng) {
        self.app.store.close().await.expect("the database closes");
        self.model.set(Settings::draw(random));
        let seed = random.next_u64();
        self.app = open(&self.disk, &self.options, &self.model, seed).await;
    }

    async fn resize_profile(&mut self, random: &mut StdRng) {
        let id = ObjectId::parse(support::DEMO_PROFILE).expect("it is an id");
        let text = "x".repeat(random.random_range(0..ATTRIBUTE_BYTES_MAX));
        self.app
            .store
            .write(move |txn| {
                let mut found = profile::get(txn, id)?.expect("it is never deleted");
                let attributes = found.attributes.get_or_insert_default();
                attributes.set("text", &Value::String(text.clone()));
                profile::put(txn, &found)
            })
            .await
            .expect("the profile is changed");
    }
}

/// Whether each refresh of the login presents a token and shows a device, that of [`agent_of`] the token.
pub fn shows_device(id: PersistentLoginId) -> bool {
    id.uuid().as_bytes()[0].is_multiple_of(2)
}

/// The user agent of a refresh that presents this token.
pub fn agent_of(token: Token) -> String {
    format!("with {}", token.reveal())
}

/// The difference between `before` and `after`.
fn change(before: &BTreeMap<String, Login>, after: &BTreeMap<String, Login>) -> Change {
    let deleted = before
        .iter()
        .filter(|(id, _)| !after.contains_key(*id))
        .map(|(_, login)| (login.id, State::Absent));
    let changed = after
        .iter()
        .filter(|(id, login)| before.get(*id) != Some(*login))
        .map(|(_, login)| (login.id, State::Exactly(login.clone())));
    Change {
        states: deleted.chain(changed).collect(),
        creations: 0,
    }
}

/// Polls the future once: to its end, or until it is queued.
fn poll<T>(future: Pin<&mut impl Future<Output = T>>) -> Poll<T> {
    future.poll(&mut Context::from_waker(Waker::noop()))
}
