//! Random operations on the services and on a model: every result and every state must be the same.
//!
//! The model is `support/contract.rs`; its settings change randomly whenever the database is opened.
//! `REMEMBERD_TEST_LONG=1` runs ten times as many operations, `REMEMBERD_TEST_OPERATIONS` sets their number;
//! `REMEMBERD_TEST_SEED` replays a run.

mod rare;

use std::sync::Arc;
use std::time::Duration;

use rand::rngs::StdRng;
use rand::seq::IteratorRandom;
use rand::{Rng, RngExt, SeedableRng};
use rememberd::testing::{
    App, DataDirectory, Device, DeviceUpdate, Event, ExpectedOwner, KeySource, Keys, LoginKey,
    ObjectId, PersistentLoginId, TenantName, Token, Username, open_database,
    service::persistent_login::RefreshOptions,
    tables::{profile, tenant},
};
use tempfile::TempDir;
use uuid::Uuid;

use crate::support::contract::{Model, TENANT};
use crate::support::operation::{Operation, Outcome, is_of_logins};
use crate::support::settings::Settings;
use crate::support::test_caller::TestCaller;
use crate::support::{self, audit};

/// The number of operations. They take a few seconds in a debug build, mostly for disk syncs.
const OPERATIONS: usize = 5_000;

/// The number of operations between two comparisons of the whole state.
const COMPARE_EVERY: usize = 50;

/// How many steps with a rare event are tried for events that did not occur otherwise.
const RARE_STEPS_MAX: usize = 300;

/// The approximate number of profiles.
const PROFILES: usize = 5;

#[tokio::test]
async fn random_operations_have_the_same_results_in_the_model() {
    let seed = support::test_seed();
    let operations = support::size("REMEMBERD_TEST_OPERATIONS", OPERATIONS);
    let mut trial = Trial::begin(seed).await;
    for number in 0..operations {
        let step = trial.draw();
        trial.apply(number, step).await;
        if number % COMPARE_EVERY == 0 {
            trial.assert_same_state();
        }
    }
    // What happens rarely has happened once, however the run went.
    let rare = [Step::LoseSyncs, Step::Share, Step::LoseKey];
    for (number, step) in (operations..).zip(rare.iter().cycle().take(RARE_STEPS_MAX)) {
        if trial.missing_event().is_none() {
            break;
        }
        for _ in 0..10 {
            let step = trial.draw();
            trial.apply(number, step).await;
        }
        trial.apply(number, step.clone()).await;
    }
    trial.reopen().await;
    trial.assert_same_state();
    if operations >= OPERATIONS {
        trial.assert_all_events_occurred();
    }
}

/// A step of the test: an operation on logins, or a change of their profiles, the clock or the database.
#[derive(Clone, Debug)]
enum Step {
    OnLogins(Operation),
    Advance(Duration),
    AddProfile(&'static str),
    Enable(ObjectId, bool),
    RemoveProfile(ObjectId),
    Reopen,
    /// Reopens the database, and keeps a copy of it.
    BackUp,
    /// Reopens the copy instead.
    Restore,
    /// Reopens the database as it was moments ago.
    LoseSyncs,
    /// Reopens the database without the key of its logins.
    LoseKey,
    /// Presents the current token of a login and then, again and again, the one that was replaced by it late.
    Share,
}

/// The services on a real file, and the model of them.
struct Trial {
    random: StdRng,
    directory: Arc<DataDirectory>,
    app: App,
    model: Model,
    /// The position of the cleaner's walk.
    cleaner_position: Option<LoginKey>,
    /// The events before the database was last opened.
    past_events: Vec<Event>,
    /// A copy of the file, and the model of then. The key has not been lost since.
    backup: Option<(Vec<u8>, Model)>,
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
                for caller in TestCaller::WITH_TOKEN {
                    caller.put_token(txn)?;
                }
                tenant::put(txn, &support::tenant(TENANT))
            })
            .await
            .expect("the access tokens and the tenant are put");
        let mut trial = Self {
            random,
            directory,
            app,
            model,
            cleaner_position: None,
            past_events: Vec::new(),
            backup: None,
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
            990..993 => Step::Reopen,
            993 => Step::BackUp,
            994..996 if self.backup.is_some() => Step::Restore,
            996 if self.random.random_bool(0.3) => Step::LoseKey,
            997 | 998 => Step::LoseSyncs,
            _ => Step::Share,
        }
    }

    fn draw_operation(&mut self) -> Operation {
        match self.random.random_range(0..860) {
            0..230 => Operation::Create(self.caller(), self.profile_text(), self.device()),
            230..260 => {
                let (tenant, username) = self.username();
                let creates_profile = self.random.random();
                let (caller, device) = (self.caller(), self.device());
                Operation::CreateByUsername(caller, tenant, username, creates_profile, device)
            }
            260..350 => Operation::Read(self.caller(), self.login_text()),
            350..700 => {
                let id = self.login_text();
                let options = RefreshOptions {
                    presented: self.presented(&id),
                    expected: self.expected_owner(&id).map(Box::new),
                    device: self.device_update(),
                    is_extended: self.random.random(),
                };
                Operation::Refresh(self.caller(), id, options)
            }
            700..750 => {
                let id = self.login_text();
                let expected = self.expected_owner(&id);
                Operation::Delete(self.caller(), id, expected)
            }
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
            _ => Operation::DeleteIdle(self.cleaner_position),
        }
    }

    async fn apply(&mut self, number: usize, step: Step) {
        let context = format!("operation {number}: {step:?}");
        match step {
            Step::OnLogins(operation) => self.apply_operation(&context, operation).await,
            Step::Advance(step) => self.advance(step),
            Step::AddProfile(tenant) => self.add_profile(tenant).await,
            Step::Enable(id, enabled) => self.enable(id, enabled).await,
            Step::RemoveProfile(id) => self.remove_profile(id).await,
            Step::Reopen => self.reopen().await,
            Step::BackUp => self.back_up().await,
            Step::Restore => self.restore(&context).await,
            Step::LoseSyncs => self.lose_syncs(&context).await,
            Step::LoseKey => self.lose_key(&context).await,
            Step::Share => self.share(&context).await,
        }
    }

    async fn apply_operation(&mut self, context: &str, operation: Operation) {
        let outcome = operation.clone().run(&self.app).await;
        if let Outcome::Position(Ok(position)) = &outcome {
            self.cleaner_position = *position;
        }
        self.model.assert_result(context, operation, outcome);
    }

    fn advance(&mut self, step: Duration) {
        self.model.now = self.model.now.plus(step);
        self.app.clock.advance(step);
    }

    async fn add_profile(&mut self, tenant: &'static str) {
        let id = ObjectId::new(self.model.now, self.random.random());
        let created = support::profile(id, tenant, true);
        self.model
            .add_profile(id, &created.tenant, &created.username);
        self.app
            .store
            .write(move |txn| profile::put(txn, &created))
            .await
            .expect("the profile is put");
    }

    async fn enable(&mut self, id: ObjectId, enabled: bool) {
        let profile = self.model.profiles.get_mut(&id.to_string());
        if let Some(status) = profile.and_then(Option::as_mut) {
            status.enabled = enabled;
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
        self.model.remove_profile(id);
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
        self.close().await;
        self.model.set(Settings::draw(&mut self.random));
        self.open().await;
    }

    async fn close(&mut self) {
        self.assert_audit_log().await;
        self.app.store.close().await.expect("the database closes");
        self.past_events.append(&mut self.model.events);
    }

    async fn open(&mut self) {
        self.app = open(&self.directory, &self.model, self.random.next_u64()).await;
    }

    /// Asserts that the whole stored state is the model's.
    fn assert_same_state(&self) {
        let keys = self.app.keys.get().expect("the store is open");
        let stored = self.app.store.read(|txn| Ok(audit::logins(txn, keys)));
        let logins = stored
            .expect("the store is open")
            .expect("the index is consistent");
        let mut expected: Vec<_> = self.model.logins.values().cloned().collect();
        expected.sort_by_key(|login| (login.timestamp, login.id));
        assert_eq!(logins, expected);
        for (id, expected) in &self.model.profiles {
            let id = ObjectId::parse(id).expect("the model's ids are ids");
            let status = self.app.store.read(|txn| profile::status(txn, id));
            assert_eq!(status, Ok(expected.clone()), "{id}");
        }
    }

    /// Asserts that the audit log has counted the model's events since the database was opened.
    async fn assert_audit_log(&self) {
        let nothing = self.app.store.write(|_| Ok(()));
        // The audit log records a batch after its responses, but before the next batch.
        nothing.await.expect("the store is open");
        for event in Event::ALL {
            let count = occurrences(&self.model.events, event);
            assert_eq!(self.app.audit.count(event), count, "{event:?}");
        }
    }

    /// A run without an event does not test it.
    fn assert_all_events_occurred(&self) {
        for event in Event::ALL {
            let count = occurrences(&self.past_events, event);
            eprintln!("{event:?}: {count}");
        }
        assert_eq!(self.missing_event(), None);
    }

    fn missing_event(&self) -> Option<Event> {
        let has_occurred =
            |event: &Event| self.past_events.contains(event) || self.model.events.contains(event);
        let mut modeled = Event::ALL.into_iter().filter(is_of_logins);
        modeled.find(|event| !has_occurred(event))
    }

    fn caller(&mut self) -> TestCaller {
        if self.random.random_bool(0.7) {
            TestCaller::Master
        } else {
            TestCaller::OTHERS[self.random.random_range(0..TestCaller::OTHERS.len())]
        }
    }

    /// Whether there are so few profiles that each of them has several logins.
    fn has_few_profiles(&self) -> bool {
        self.model.profiles.values().flatten().count() < PROFILES
    }

    /// The id of a profile, rarely of a deleted one.
    fn profile_id(&mut self) -> ObjectId {
        let includes_deleted = self.random.random_bool(0.1);
        let profiles = self.model.profiles.iter();
        profiles
            .filter(|(_, status)| includes_deleted || status.is_some())
            .choose(&mut self.random)
            .or_else(|| self.model.profiles.iter().next())
            .and_then(|(id, _)| ObjectId::parse(id))
            .expect("there is a profile from the start on")
    }

    fn profile_text(&mut self) -> String {
        match self.random.random_range(0..20) {
            0 => "no profile".to_owned(),
            1 => ObjectId::new(self.model.now, self.random.random()).to_string(),
            2 => self.profile_id().to_string().to_uppercase(),
            _ => self.profile_id().to_string(),
        }
    }

    /// A tenant and a username, mostly of a profile that exists.
    fn username(&mut self) -> (TenantName, Username) {
        let known = self.model.usernames.keys().choose(&mut self.random);
        let (tenant, username) = match (self.random.random_range(0..4), known) {
            (0..3, Some((tenant, username))) => (tenant.as_str(), username.clone()),
            (_, _) => {
                let tenant = ["default", "acme"][self.random.random_range(0..2)];
                (tenant, format!("user {}", self.random.random_range(0..3)))
            }
        };
        let tenant = TenantName::new(tenant).expect("a tenant has a name");
        (tenant, Username::new(username).expect("it is short"))
    }

    /// The id of an existing or deleted login, or another text.
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

    /// Whose login this is expected to be: mostly anybody's, or that of its profile, or of another one.
    fn expected_owner(&mut self, id: &str) -> Option<ExpectedOwner> {
        let usernames = &self.model.usernames;
        let login = self.model.logins.get(&id.to_lowercase());
        let own = usernames
            .iter()
            .find(|(_, profile_id)| login.is_some_and(|login| login.profile_id == **profile_id));
        let any = usernames.iter().choose(&mut self.random);
        let (name, profile_id) = match self.random.random_range(0..10) {
            0..6 => return None,
            6..9 => own.or(any)?,
            _ => any?,
        };
        let mut some = |text: String| self.random.random_bool(0.5).then_some(text);
        Some(ExpectedOwner {
            profile_id: some(profile_id.to_string().to_uppercase()),
            tenant: some(name.0.as_str().to_owned()),
            username: some(name.1.clone()),
        })
    }

    /// The token that is presented for this login: none, its current one, the one before, an older one, or
    /// another login's.
    fn presented(&mut self, id: &str) -> Option<Token> {
        let id = &id.to_lowercase();
        let tokens = self.model.tokens.get(id);
        let tokens = tokens.map_or(&[][..], Vec::as_slice);
        let foreign = self.model.logins.values().choose(&mut self.random);
        match self.random.random_range(0..20) {
            0..7 => None,
            7..12 => self.model.logins.get(id).map(|login| login.token),
            12 => tokens.last().copied(),
            13..17 => tokens.iter().rev().nth(1).copied(),
            17 | 18 => tokens.iter().choose(&mut self.random).copied(),
            _ => foreign.map(|login| login.token),
        }
    }

    fn device(&mut self) -> Device {
        let mut text = |kind: &str| {
            let number = self.random.random_range(0..10);
            (number < 5).then(|| format!("{kind} {number}"))
        };
        Device {
            label: text("label"),
            user_agent: text("user agent"),
            ip_address: text("address"),
        }
    }

    fn device_update(&mut self) -> Option<Box<DeviceUpdate>> {
        let Device {
            user_agent,
            ip_address,
            ..
        } = self.device();
        let update = DeviceUpdate {
            user_agent,
            ip_address,
        };
        self.random.random_bool(0.4).then(|| Box::new(update))
    }

    /// A step of the clock: at most a minute, or until the next time at which a window or a login ends, or a
    /// millisecond before or after that, or so long that many logins expire.
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
        Duration::from_millis(u64::try_from(millis).expect("the step is positive"))
    }
}

fn occurrences(events: &[Event], event: Event) -> u64 {
    let found = events.iter().filter(|&&other| other == event);
    found.map(|_| 1).sum()
}

async fn open(directory: &Arc<DataDirectory>, model: &Model, seed: u64) -> App {
    let directory = Arc::clone(directory);
    let source = KeySource {
        replaces_missing: true,
        ..support::key_source(directory.database_path())
    };
    let keys = Keys::default();
    let shared = keys.clone();
    let store = support::open_store(Box::new(move |opening| {
        let (engine, ring) = open_database(&directory, &support::OPTIONS, opening, &source)?;
        shared.set(ring);
        Ok(engine)
    }))
    .await;
    support::app_with(&model.settings.flags(), store, model.now, seed, keys)
}
