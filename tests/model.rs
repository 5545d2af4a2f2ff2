//! Random operations on the services and on a plain map: every answer and every state is the same.
//!
//! The model is `support/contract.rs`. `REMEMBERD_TEST_OPERATIONS` sets how many operations are tried,
//! `REMEMBERD_TEST_SEED` replays a run.

mod support;

use std::sync::Arc;
use std::time::Duration;

use rand::rngs::StdRng;
use rand::seq::IteratorRandom;
use rand::{Rng, RngExt, SeedableRng};
use rememberd::app::App;
use rememberd::clock::Timestamp;
use rememberd::domain::device::Device;
use rememberd::domain::object_id::ObjectId;
use rememberd::service::persistent_login;
use rememberd::store::directory::DataDirectory;
use rememberd::store::engine::EngineOptions;
use rememberd::store::{access_token, profile};
use tempfile::TempDir;
use uuid::Uuid;

use crate::support::audit;
use crate::support::contract::{As, FLAGS, MAX_AGE, Model};

/// Takes a few seconds in debug mode, most of it waiting for the disk.
const OPERATIONS: usize = 5_000;

/// How many operations pass between two comparisons of the whole state.
const COMPARE_EVERY: usize = 50;

const ENGINE: EngineOptions = EngineOptions {
    cache_bytes: 1 << 20,
    two_phase_commit: false,
};

#[tokio::test]
async fn random_operations_come_to_the_same_in_a_plain_map() {
    let seed = support::test_seed();
    let operations = support::variable("REMEMBERD_TEST_OPERATIONS").unwrap_or(OPERATIONS);
    let mut trial = Trial::begin(seed).await;
    for number in 0..operations {
        let operation = trial.draw();
        trial.apply(number, operation).await;
        if number % COMPARE_EVERY == 0 {
            trial.compare();
        }
    }
    trial.reopen().await;
    trial.compare();
}

/// One operation, with everything that it needs to be repeated.
#[derive(Clone, Debug)]
enum Operation {
    Create(As, String),
    Read(As, String),
    Refresh(As, String),
    Delete(As, String),
    Advance(Duration),
    Clean,
    AddProfile(&'static str),
    Enable(ObjectId, bool),
    RemoveProfile(ObjectId),
    Reopen,
}

/// The services on a real file, and the model.
struct Trial {
    random: StdRng,
    directory: Arc<DataDirectory>,
    app: App,
    model: Model,
    _home: TempDir,
}

impl Trial {
    async fn begin(seed: u64) -> Self {
        let mut random = StdRng::seed_from_u64(seed);
        let home = tempfile::tempdir().expect("a temporary directory");
        let directory = DataDirectory::lock(home.path()).expect("the directory is ours");
        let directory = Arc::new(directory);
        let model = Model::new(support::START);
        let app = open(&directory, model.now, random.next_u64()).await;
        app.store
            .write(|txn| {
                for caller in As::WITH_TOKEN {
                    access_token::put(txn, &caller.token())?;
                }
                Ok(())
            })
            .await
            .expect("the access tokens are put");
        let mut trial = Self {
            random,
            directory,
            app,
            model,
            _home: home,
        };
        for tenant in ["default", "acme"] {
            trial.add_profile(tenant).await;
        }
        trial
    }

    fn draw(&mut self) -> Operation {
        match self.random.random_range(0..1_000) {
            0..230 => Operation::Create(self.caller(), self.profile_text()),
            230..430 => Operation::Read(self.caller(), self.login_text()),
            430..740 => Operation::Refresh(self.caller(), self.login_text()),
            740..850 => Operation::Delete(self.caller(), self.login_text()),
            850..900 => Operation::Advance(self.step()),
            900..935 => Operation::Clean,
            935..955 => Operation::AddProfile(["default", "acme"][self.random.random_range(0..2)]),
            955..985 => Operation::Enable(self.profile_id(), self.random.random_bool(0.8)),
            985..995 => Operation::RemoveProfile(self.profile_id()),
            _ => Operation::Reopen,
        }
    }

    async fn apply(&mut self, number: usize, operation: Operation) {
        let app = &self.app;
        let model = &mut self.model;
        let shown = format!("operation {number}: {operation:?}");
        match operation {
            Operation::Create(who, profile_id) => {
                let expected = model.creatable(who, &profile_id);
                let answer =
                    persistent_login::create(app, who.caller(), profile_id, Device::default())
                        .await;
                model.created(&shown, expected, answer);
            }
            Operation::Read(who, id) => {
                let expected = model.readable(who, &id).map(|(login, _)| login);
                let answer = persistent_login::read(app, who.caller(), id);
                assert_eq!(answer, expected, "{shown}");
            }
            Operation::Refresh(who, id) => {
                let expected = model.refreshable(who, &id);
                let answer = persistent_login::refresh(app, who.caller(), id, None).await;
                model.refreshed(&shown, expected, answer);
            }
            Operation::Delete(who, id) => {
                let expected = model.delete(who, &id);
                let answer = persistent_login::delete(app, who.caller(), id).await;
                assert_eq!(answer, expected, "{shown}");
            }
            Operation::Advance(step) => {
                model.now = model.now.plus(step);
                app.clock.advance(step);
            }
            Operation::Clean => {
                let expected = model.clean();
                let answer = persistent_login::delete_expired(app).await;
                assert_eq!(answer, Ok(expected), "{shown}");
            }
            Operation::AddProfile(tenant) => self.add_profile(tenant).await,
            Operation::Enable(id, enabled) => self.enable(id, enabled).await,
            Operation::RemoveProfile(id) => self.remove_profile(id).await,
            Operation::Reopen => self.reopen().await,
        }
    }

    async fn add_profile(&mut self, tenant: &'static str) {
        let id = ObjectId::new(self.model.now, self.random.random());
        let made = support::profile(id, tenant, true);
        self.model
            .profiles
            .insert(id.to_string(), Some(made.standing()));
        self.app
            .store
            .write(move |txn| Ok(profile::create(txn, &made)?))
            .await
            .expect("the profile is put");
    }

    async fn enable(&mut self, id: ObjectId, enabled: bool) {
        let known = self.model.profiles.get_mut(&id.to_string());
        if let Some(standing) = known.and_then(Option::as_mut) {
            standing.enabled = enabled;
        }
        self.app
            .store
            .write(move |txn| {
                if let Some(mut found) = profile::get(txn, id)? {
                    found.enabled = enabled;
                    profile::update(txn, &found)?;
                }
                Ok(())
            })
            .await
            .expect("the profile is changed");
    }

    async fn remove_profile(&mut self, id: ObjectId) {
        self.model.profiles.insert(id.to_string(), None);
        self.app
            .store
            .write(move |txn| {
                if let Some(found) = profile::get(txn, id)? {
                    profile::delete(txn, &found)?;
                }
                Ok(())
            })
            .await
            .expect("the profile is removed");
    }

    async fn reopen(&mut self) {
        self.app.store.close().await.expect("the database closes");
        self.app = open(&self.directory, self.model.now, self.random.next_u64()).await;
    }

    /// Compares everything that is stored.
    fn compare(&self) {
        let stored = self.app.store.read(|txn| Ok(audit::logins(txn)));
        let logins = stored
            .expect("the store is open")
            .expect("the index is whole");
        let mut expected: Vec<_> = self.model.logins.values().cloned().collect();
        expected.sort_by_key(|login| (login.timestamp, login.id));
        assert_eq!(logins, expected);
        for (id, expected) in &self.model.profiles {
            let id = ObjectId::parse(id).expect("the model's ids are ids");
            let standing = self.app.store.read(|txn| Ok(profile::standing(txn, id)?));
            assert_eq!(standing, Ok(expected.clone()), "{id}");
        }
    }

    fn caller(&mut self) -> As {
        if self.random.random_bool(0.7) {
            As::Master
        } else {
            As::OTHERS[self.random.random_range(0..As::OTHERS.len())]
        }
    }

    /// The id of a profile, rarely of one that is gone.
    fn profile_id(&mut self) -> ObjectId {
        let gone_too = self.random.random_bool(0.1);
        let profiles = self.model.profiles.iter();
        profiles
            .filter(|(_, standing)| gone_too || standing.is_some())
            .choose(&mut self.random)
            .or_else(|| self.model.profiles.iter().next())
            .and_then(|(id, _)| ObjectId::parse(id))
            .expect("there was a profile from the start on")
    }

    fn profile_text(&mut self) -> String {
        match self.random.random_range(0..20) {
            0 => "no profile".to_owned(),
            1 => ObjectId::new(self.model.now, self.random.random()).to_string(),
            2 => self.profile_id().to_string().to_uppercase(),
            _ => self.profile_id().to_string(),
        }
    }

    /// The id of a login that is or was there, or another text.
    fn login_text(&mut self) -> String {
        let present = self.model.logins.keys().choose(&mut self.random).cloned();
        let past = self.model.past_ids.iter().choose(&mut self.random).cloned();
        match self.random.random_range(0..20) {
            0 => Some("create".to_owned()),
            1 => Some(Uuid::from_u128(self.random.random()).to_string()),
            2 => present.map(|id| id.to_uppercase()),
            3 => past,
            _ => present,
        }
        .unwrap_or_default()
    }

    /// A minute or less, or up to the moment when the next login expires, or just short of it, or so
    /// long that many expire together.
    fn step(&mut self) -> Duration {
        let now = self.model.now.as_millis();
        let expiries = self.model.logins.values();
        let next = expiries
            .map(|login| login.timestamp.plus(MAX_AGE).as_millis() - now)
            .filter(|&ahead| ahead > 0)
            .min();
        let millis = match (self.random.random_range(0..20), next) {
            (0..5, Some(ahead)) => ahead,
            (5..10, Some(ahead)) => ahead - 1,
            (10, _) => 1_800_000,
            _ => self.random.random_range(0..60_000),
        };
        Duration::from_millis(u64::try_from(millis).expect("it lies ahead"))
    }
}

async fn open(directory: &Arc<DataDirectory>, now: Timestamp, seed: u64) -> App {
    let directory = Arc::clone(directory);
    let store = support::open_store(Box::new(move |opening| {
        directory.open_database(&ENGINE, opening)
    }))
    .await;
    support::app(FLAGS, store, now, seed)
}
