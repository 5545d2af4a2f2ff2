//! A workload on a disk that records it: rounds of concurrent operations, one commit each.
//!
//! The order of operations inside a commit, and so the whole recording, depends on the seed alone.

use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::mpsc;
use std::task::{Context, Waker};

use rand::rngs::StdRng;
use rand::seq::IteratorRandom;
use rand::{Rng, RngExt};
use rememberd::app::App;
use rememberd::domain::device::Device;
use rememberd::domain::object_id::ObjectId;
use rememberd::domain::persistent_login::{PersistentLogin, PersistentLoginId};
use rememberd::error::{Error, Refusal};
use rememberd::service::access::Caller;
use rememberd::service::{demo, persistent_login};
use rememberd::store::engine::{Engine, EngineOptions};
use rememberd::store::profile;
use serde_json::Value;

use crate::support;
use crate::support::audit;
use crate::support::disk::{Disk, Event, Recording};

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
    pub outcomes: Vec<Outcome>,
}

/// The state that an operation brought a login into, as the client was told.
#[derive(Clone, Debug)]
pub struct Outcome {
    pub id: PersistentLoginId,
    /// `None` for a login that is not there any more.
    pub told: Option<PersistentLogin>,
}

/// What a client may do to logins.
#[derive(Clone, Copy, Debug)]
enum Operation {
    Create,
    Refresh(PersistentLoginId),
    Delete(PersistentLoginId),
}

/// Runs `rounds` rounds on `disk`.
pub async fn run(disk: &Disk, options: &EngineOptions, rounds: usize, random: &mut StdRng) -> Past {
    let app = open(disk, options, random.next_u64()).await;
    support::load_demo(&app).await;
    disk.begin_recording();
    let stored = app.store.read(|txn| Ok(audit::logins(txn)));
    let mut workload = Workload {
        app,
        disk: disk.clone(),
        options: options.clone(),
        first: stored
            .expect("the store is open")
            .expect("the index is whole"),
        outcomes: Vec::new(),
    };
    for _ in 0..rounds {
        match random.random_range(0..20) {
            0 => workload.restart(random).await,
            1..=3 => workload.resize_profile(random).await,
            _ => workload.round(random).await,
        }
    }
    workload
        .app
        .store
        .close()
        .await
        .expect("the database closes");
    Past {
        recording: disk.recording(),
        first: workload.first,
        outcomes: workload.outcomes,
    }
}

async fn open(disk: &Disk, options: &EngineOptions, seed: u64) -> App {
    let (disk, options) = (disk.clone(), options.clone());
    let opener = move |_opening| Engine::open_backend(disk.clone(), &options);
    let store = support::open_store(Box::new(opener)).await;
    support::app(&[""; 0], store, support::START, seed)
}

struct Workload {
    app: App,
    disk: Disk,
    options: EngineOptions,
    first: Vec<PersistentLogin>,
    outcomes: Vec<Outcome>,
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
        begin(hold.as_mut());
        when_held.recv().expect("the writer runs");

        let first_number = self.outcomes.len();
        let mut answers = Vec::new();
        for (number, &operation) in (first_number..).zip(&operations) {
            let mut answer = Box::pin(perform(&self.app, operation));
            self.disk.note(Event::Asked(number));
            begin(answer.as_mut());
            answers.push(answer);
        }
        release.send(()).expect("the writer waits for it");
        hold.await.expect("it wrote nothing");
        for (number, answer) in (first_number..).zip(answers) {
            self.outcomes.push(answer.await);
            self.disk.note(Event::Answered(number));
        }
    }

    fn draw(&self, random: &mut StdRng) -> Vec<Operation> {
        let present = self.present();
        let count = random.random_range(1..=OPERATIONS_MAX);
        let mut operation = || {
            let login = present.iter().copied().choose(random);
            match (random.random_range(0..10), login) {
                (0..3, _) | (_, None) => Operation::Create,
                (3..8, Some(id)) => Operation::Refresh(id),
                (_, Some(id)) => Operation::Delete(id),
            }
        };
        (0..count).map(|_| operation()).collect()
    }

    /// The logins that are there, in the order of their first mention.
    fn present(&self) -> Vec<PersistentLoginId> {
        let mut present: Vec<_> = self.first.iter().map(|login| login.id).collect();
        for outcome in &self.outcomes {
            match &outcome.told {
                Some(_) if present.contains(&outcome.id) => {}
                Some(_) => present.push(outcome.id),
                None => present.retain(|&id| id != outcome.id),
            }
        }
        present
    }

    async fn restart(&mut self, random: &mut StdRng) {
        self.app.store.close().await.expect("the database closes");
        self.app = open(&self.disk, &self.options, random.next_u64()).await;
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
                    .insert("text".to_owned(), Value::String(text));
                Ok(profile::update(txn, &found)?)
            })
            .await
            .expect("the profile is changed");
    }
}

async fn perform(app: &App, operation: Operation) -> Outcome {
    let caller = Caller::new(Some(demo::ACCESS_TOKEN_ID.to_owned()));
    let (id, told) = match operation {
        Operation::Create => {
            let profile = support::DEMO_PROFILE.to_owned();
            let login = persistent_login::create(app, caller, profile, Device::default()).await;
            let login = login.expect("it is created");
            (login.id, Some(login))
        }
        Operation::Refresh(id) => {
            match persistent_login::refresh(app, caller, id.to_string(), None).await {
                Ok(login) => (id, Some(login)),
                // An operation before it in this commit deleted it.
                Err(Error::Refused(Refusal::NoSuchPersistentLogin { .. })) => (id, None),
                Err(error) => panic!("{id} is not refreshed: {error:?}"),
            }
        }
        Operation::Delete(id) => {
            let deleted = persistent_login::delete(app, caller, id.to_string()).await;
            deleted.expect("it is deleted");
            (id, None)
        }
    };
    Outcome { id, told }
}

/// Takes the future as far as it goes alone: to the writer's queue.
fn begin(future: Pin<&mut impl Future>) {
    let mut context = Context::from_waker(Waker::noop());
    assert!(
        future.poll(&mut context).is_pending(),
        "it needs the writer"
    );
}
