//! Random operations on the services and on a plain map: every answer and every state is the same.
//!
//! The model is `support/contract.rs`; its settings are drawn anew whenever the database is opened.
//! `REMEMBERD_TEST_LONG=1` tries ten times as many operations, `REMEMBERD_TEST_OPERATIONS` any number;
//! `REMEMBERD_TEST_SEED` replays a run.

use std::sync::Arc;
use std::time::Duration;

use rand::rngs::StdRng;
use rand::seq::IteratorRandom;
use rand::{Rng, RngExt, SeedableRng};
use rememberd::testing::{
    App, DataDirectory, Device, EngineOptions, Event, LoginKey, ObjectId, PersistentLoginId, Token,
    open_database, tables::access_token, tables::profile,
};
use tempfile::TempDir;
use uuid::Uuid;

use crate::support::contract::{As, Model};
use crate::support::operation::{Answer, Operation};
use crate::support::settings::Settings;
use crate::support::{self, audit};

/// Takes a few seconds in debug mode, most of it waiting for the disk.
const OPERATIONS: usize = 5_000;

/// How many operations pass between two comparisons of the whole state.
const COMPARE_EVERY: usize = 50;

/// How many profiles there are, about.
const PROFILES: usize = 5;

const ENGINE: EngineOptions = EngineOptions {
    cache_bytes: 1 << 20,
    two_phase_commit: false,
};

#[tokio::test]
async fn random_operations_come_to_the_same_in_a_plain_map() {
    let seed = support::test_seed();
    let operations = support::size("REMEMBERD_TEST_OPERATIONS", OPERATIONS);
    let mut trial = Trial::begin(seed).await;
    for number in 0..operations {
        let step = trial.draw();
        trial.apply(number, step).await;
        if number % COMPARE_EVERY == 0 {
            trial.compare();
        }
    }
    trial.reopen().await;
    trial.compare();
    if operations >= OPERATIONS {
        trial.assert_everything_happened();
    }
}

/// What is tried: an operation on logins, or a change of what they depend on.
#[derive(Clone, Debug)]
enum Step {
    OnLogins(Operation),
    Advance(Duration),
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
    /// How far the cleaner's walk has come.
    walked_to: Option<LoginKey>,
    /// What happened before the database was last opened.
    past_events: Vec<Event>,
    _home: TempDir,
}

impl Trial {
    async fn begin(seed: u64) -> Self {
        let mut random = StdRng::seed_from_u64(seed);
        let home = tempfile::tempdir().expect("a temporary directory");
        let directory = DataDirectory::lock(home.path()).expect("the directory is ours");
        let directory = Arc::new(directory);
        let model = Model::new(support::START, Settings::draw(&mut random));
        let app = open(&directory, &model, random.next_u64()).await;
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
            walked_to: None,
            past_events: Vec::new(),
            _home: home,
        };
        for tenant in ["default", "acme"] {
            trial.add_profile(tenant).await;
        }
        trial
    }

    fn draw(&mut self) -> Step {
        match self.random.random_range(0..1_000) {
            0..815 | 890..935 => Step::OnLogins(self.draw_operation()),
            815..890 => Step::Advance(self.step()),
            935..955 if self.has_few_profiles() => {
                Step::AddProfile(["default", "acme"][self.random.random_range(0..2)])
            }
            935..955 => Step::RemoveProfile(self.profile_id()),
            955..990 => Step::Enable(self.profile_id(), self.random.random_bool(0.8)),
            _ => Step::Reopen,
        }
    }

    fn draw_operation(&mut self) -> Operation {
        match self.random.random_range(0..860) {
            0..260 => Operation::Create(self.caller(), self.profile_text(), self.device()),
            260..350 => Operation::Read(self.caller(), self.login_text()),
            350..700 => {
                let id = self.login_text();
                let presented = self.presented(&id);
                Operation::Refresh(self.caller(), id, presented)
            }
            700..750 => Operation::Delete(self.caller(), self.login_text()),
            750..800 => {
                let (start, count) = (
                    self.random.random_range(0..4),
                    self.random.random_range(0..9),
                );
                Operation::List(self.caller(), self.profile_text(), start, count)
            }
            800..815 => {
                let except = PersistentLoginId::parse(&self.login_text());
                Operation::DeleteByProfile(self.caller(), self.profile_text(), except)
            }
            815..835 => Operation::DeleteExpired,
            _ => Operation::DeleteIdle(self.walked_to),
        }
    }

    async fn apply(&mut self, number: usize, step: Step) {
        let shown = format!("operation {number}: {step:?}");
        match step {
            Step::OnLogins(operation) => {
                let answer = operation.clone().perform(&self.app).await;
                if let Answer::Walked(Ok(walked_to)) = &answer {
                    self.walked_to = *walked_to;
                }
                self.model.follow(&shown, operation, answer);
            }
            Step::Advance(step) => {
                self.model.now = self.model.now.plus(step);
                self.app.clock.advance(step);
            }
            Step::AddProfile(tenant) => self.add_profile(tenant).await,
            Step::Enable(id, enabled) => self.enable(id, enabled).await,
            Step::RemoveProfile(id) => self.remove_profile(id).await,
            Step::Reopen => self.reopen().await,
        }
    }

    async fn add_profile(&mut self, tenant: &'static str) {
        let id = ObjectId::new(self.model.now, self.random.random());
        let made = support::profile(id, tenant, true);
        self.model
            .profiles
            .insert(id.to_string(), Some(made.status()));
        self.app
            .store
            .write(move |txn| profile::put(txn, &made))
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
                    profile::put(txn, &found)?;
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
        self.compare_audit_log().await;
        self.app.store.close().await.expect("the database closes");
        self.past_events.append(&mut self.model.events);
        self.model.settings = Settings::draw(&mut self.random);
        self.app = open(&self.directory, &self.model, self.random.next_u64()).await;
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
            let standing = self.app.store.read(|txn| profile::status(txn, id));
            assert_eq!(standing, Ok(expected.clone()), "{id}");
        }
    }

    /// The audit log has counted what happened since the database was opened.
    async fn compare_audit_log(&self) {
        let nothing = self.app.store.write(|_| Ok(()));
        // What the audit log is told after an answer, it was told before the next batch.
        nothing.await.expect("the store is open");
        for event in Event::ALL {
            let happened = occurrences(&self.model.events, event);
            assert_eq!(self.app.audit.count(event), happened, "{event:?}");
        }
    }

    /// A run in which something never happened proves nothing of it.
    fn assert_everything_happened(&self) {
        for event in Event::ALL {
            let happened = occurrences(&self.past_events, event);
            eprintln!("{happened} times {event:?}");
            assert!(happened > 0, "{event:?}");
        }
    }

    fn caller(&mut self) -> As {
        if self.random.random_bool(0.7) {
            As::Master
        } else {
            As::OTHERS[self.random.random_range(0..As::OTHERS.len())]
        }
    }

    /// So that each of them has some logins.
    fn has_few_profiles(&self) -> bool {
        self.model.profiles.values().flatten().count() < PROFILES
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
        let past = self.model.tokens.keys().choose(&mut self.random).cloned();
        match self.random.random_range(0..20) {
            0 => Some("create".to_owned()),
            1 => Some(Uuid::from_u128(self.random.random()).to_string()),
            2 => present.map(|id| id.to_uppercase()),
            3 => past,
            _ => present,
        }
        .unwrap_or_default()
    }

    /// What comes in a cookie for this login: nothing, or its token, or the one before, or one of any
    /// age, or another login's.
    fn presented(&mut self, id: &str) -> Option<Token> {
        let tokens = self.model.tokens.get(&id.to_lowercase());
        let tokens = tokens.map_or(&[][..], Vec::as_slice);
        let foreign = self.model.logins.values().choose(&mut self.random);
        match self.random.random_range(0..20) {
            0..7 => None,
            7..13 => tokens.last().copied(),
            13..17 => tokens.iter().rev().nth(1).copied(),
            17 | 18 => tokens.iter().choose(&mut self.random).copied(),
            _ => foreign.map(|login| login.token),
        }
    }

    fn device(&mut self) -> Device {
        let mut text = |kind: &str| {
            let number = self.random.random_range(0..100);
            (number < 50).then(|| format!("{kind} {number}"))
        };
        Device {
            label: text("label"),
            user_agent: text("user agent"),
            ip_address: text("address"),
        }
    }

    /// A minute or less, or up to the moment when something changes for a login by time alone, or just
    /// short of it, or just beyond, or so long that many expire together.
    fn step(&mut self) -> Duration {
        let now = self.model.now.as_millis();
        let settings = &self.model.settings;
        let moments = self.model.logins.values().flat_map(|login| {
            let windows = login.rotation.map(|rotation| {
                [settings.grace, settings.coalesce].map(|end| rotation.at.plus(end))
            });
            let expires = self.model.expires(login);
            windows.into_iter().flatten().chain([expires])
        });
        let next = moments
            .map(|moment| moment.as_millis() - now)
            .filter(|&ahead| ahead > 0)
            .min();
        let millis = match (self.random.random_range(0..40), next) {
            (0..8, Some(ahead)) => ahead,
            (8..14, Some(ahead)) => ahead - 1,
            (14..20, Some(ahead)) => ahead + 1,
            (20, _) => 1_800_000,
            _ => self.random.random_range(0..60_000),
        };
        Duration::from_millis(u64::try_from(millis).expect("it lies ahead"))
    }
}

fn occurrences(events: &[Event], event: Event) -> u64 {
    let found = events.iter().filter(|&&other| other == event);
    found.map(|_| 1).sum()
}

async fn open(directory: &Arc<DataDirectory>, model: &Model, seed: u64) -> App {
    let directory = Arc::clone(directory);
    let store = support::open_store(Box::new(move |opening| {
        open_database(&directory, &ENGINE, opening)
    }))
    .await;
    support::app(&model.settings.flags(), store, model.now, seed)
}
