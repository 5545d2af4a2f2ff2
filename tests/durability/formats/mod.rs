//! A database file of every schema version, opened and checked by this build.
//!
//! Each was written by a server of its time, which was killed in the middle of its work: logins were created,
//! rotated and deleted, replaced tokens are still within the grace period, and the rotation journal is not empty.
//! `REMEMBERD_TEST_UPDATE=1` writes the file of the current version, if it is not there yet: the build whose
//! version it is has to do that, before a later one changes the format.

mod maker;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use rememberd::testing::{
    App, Caller, DataDirectory, Device, Engine, Event, Failure, Keys, ListedLogin, LoginError,
    ObjectId, Opening, PersistentLoginId, PersistentLoginRefusal, ProfileRefusal, Revoked,
    SCHEMA_VERSION, TenantName, Timestamp, Token, jobs, open_database,
    service::persistent_login as service, tables, upgrade_copy,
};
use serde_json::Value;

use crate::support::disk::{Disk, Replay, Survival};
use crate::support::login::Login;
use crate::support::{self, audit};

/// The profile that is disabled in every file, and its login.
const DISABLED: (&str, &str) = (
    "5925a68def86951f895cf013",
    "00000000-0000-4000-8000-000000000004",
);

/// A file of an earlier or the current version, and what must be in it.
struct Format {
    version: u64,
    file: PathBuf,
    expected: Value,
}

fn formats() -> Vec<Format> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/formats");
    let format = |version| {
        let file = directory.join(format!("schema-{version}.redb"));
        let json = file.with_extension("json");
        let is_wanted = std::env::var_os("REMEMBERD_TEST_UPDATE").is_some();
        if is_wanted && !file.exists() {
            maker::write(&directory.join("seed.json"), &file, &json);
        }
        let json = fs::read(&json).unwrap_or_else(|error| panic!("{}: {error}", json.display()));
        Format {
            version,
            file,
            expected: serde_json::from_slice(&json).expect("it is JSON"),
        }
    };
    (1..=SCHEMA_VERSION).map(format).collect()
}

impl Format {
    /// A data directory with a copy of the file, as it was when its server was killed.
    fn copy(&self) -> tempfile::TempDir {
        let home = tempfile::tempdir().expect("a temporary directory");
        fs::copy(&self.file, home.path().join("rememberd.redb")).expect("it is copied");
        if self.has_keys() {
            let keys = self.file.with_extension("keys");
            fs::copy(keys, home.path().join("rememberd.keys")).expect("it is copied");
        }
        home
    }

    /// Whether its tokens are derived from a key.
    fn has_keys(&self) -> bool {
        self.version >= 3
    }

    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.expected["now"].as_i64().expect("a time"))
    }

    fn logins(&self) -> Vec<Expected> {
        let logins = self.expected["logins"].as_array().expect("a list");
        logins.iter().map(Expected::new).collect()
    }
}

/// A login that must be in a file.
struct Expected {
    login: Login,
    /// The token that its last rotation replaced, and the one before that.
    replaced: Option<Token>,
    older: Option<Token>,
    /// The one that became void when its parent was presented again.
    void: Option<Token>,
    label: Option<String>,
}

impl Expected {
    fn new(value: &Value) -> Self {
        let text = |name: &str| value[name].as_str();
        let token = |name: &str| text(name).map(|token| Token::parse(token).expect("a token"));
        Self {
            login: Login {
                id: PersistentLoginId::parse(text("id").expect("an id")).expect("an id"),
                tenant: TenantName::new(text("tenant").expect("a tenant")).expect("a tenant"),
                profile_id: ObjectId::parse(text("profileId").expect("an id")).expect("an id"),
                token: token("token").expect("a token"),
                timestamp: Timestamp::from_millis(value["timestamp"].as_i64().expect("a time")),
                rotation: None,
            },
            replaced: token("replaced"),
            older: token("older"),
            void: token("void"),
            label: text("label").map(str::to_owned),
        }
    }

    fn id(&self) -> String {
        self.login.id.to_string()
    }
}

fn caller() -> Caller {
    Caller::new(Some("all".to_owned()))
}

/// An app on the copy in `home`, with a manual clock at `now`.
async fn open(home: &Path, now: Timestamp) -> Result<App, Failure> {
    let directory = DataDirectory::lock(home)?;
    let source = support::key_source(directory.database_path());
    let keys = Keys::default();
    let shared = keys.clone();
    let opener = Box::new(move |opening| {
        let (engine, ring) = open_database(&directory, &support::OPTIONS, opening, &source)?;
        shared.set(ring);
        Ok(engine)
    });
    let store = support::try_open_store(opener).await?;
    let flags: [&str; 0] = [];
    Ok(support::app_with(&flags, store, now, 1, keys))
}

async fn assert_holds(app: &App, format: &Format) {
    let keys = app.keys.get().expect("the database is open");
    for expected in format.logins() {
        let found = app
            .store
            .read(|txn| tables::persistent_login::get(txn, expected.login.id));
        let found = found.expect("it is readable").expect("it is there");
        let found = Login::stored(&found, keys);
        assert_eq!(
            found.rotation.map(|rotation| rotation.replaced),
            expected.replaced
        );
        assert_eq!(found.returned(), expected.login);
        let profile = expected.login.profile_id.to_string();
        let listed = service::list_by_profile(app, caller(), profile, 0, 100)
            .await
            .expect("it is listed");
        let is_it = |listed: &&ListedLogin| listed.id == expected.login.id;
        let listed = listed.iter().find(is_it).expect("it is in the list");
        let label = expected.label.clone();
        assert_eq!(
            listed.device,
            label.map_or_else(Device::default, maker::device)
        );
    }
    for id in format.expected["deleted"].as_array().expect("a list") {
        let id = id.as_str().expect("an id").to_owned();
        let refusal = PersistentLoginRefusal::NotFound { id: id.clone() };
        assert_eq!(service::read(app, caller(), id), Err(refusal.into()));
    }
    let logins = app.store.read(|txn| Ok(audit::logins(txn, keys)));
    let logins = logins
        .expect("it is readable")
        .expect("records and indexes agree");
    assert_eq!(logins.len(), format.logins().len());
    assert_resources(app);
}

/// Asserts that the tenants and profiles are those of the seed file.
fn assert_resources(app: &App) {
    let read = app.store.read(|txn| {
        let tenant = |name| tables::tenant::get(txn, &TenantName::new(name).expect("a name"));
        let default = tenant("default")?.expect("it is there");
        assert_eq!(default.available_roles, ["USER"]);
        assert_eq!(
            default.attribute_definitions[0].default_value,
            Some("Ulm".into())
        );
        assert!(
            tenant("acme.com")?
                .expect("it is there")
                .verify_new_profiles
        );
        for (username, tenant, enabled) in [
            ("ada", "default", true),
            ("bob", "acme.com", true),
            ("cy", "default", false),
        ] {
            let tenant = TenantName::new(tenant).expect("a name");
            let id = tables::profile::id_by_username(txn, &tenant, username)?;
            let id = id.expect("the username is taken");
            let profile = tables::profile::get(txn, id)?.expect("it is there");
            assert_eq!(
                (profile.username.as_str(), profile.enabled),
                (username, enabled)
            );
            assert_eq!(profile.password.is_some(), username == "ada");
            let is_ada = (username == "ada").then_some(());
            assert_eq!(profile.roles, is_ada.map(|()| vec!["USER".to_owned()]));
            let attributes = profile.attributes.as_ref();
            let attributes = attributes.map(|found| Vec::from_iter(found.iter()));
            let expected = is_ada.map(|()| vec![("age", "36.5"), ("city", r#""Bern""#)]);
            assert_eq!(attributes, expected);
            assert_eq!(tables::profile::status(txn, id)?, Some(profile.status()));
        }
        Ok(())
    });
    read.expect("it is readable");
}

#[tokio::test]
async fn every_version_is_opened_with_everything_in_it() {
    for format in formats() {
        let home = format.copy();
        for _ in 0..2 {
            let app = open(home.path(), format.now()).await.expect("it opens");
            assert_holds(&app, &format).await;
            app.store.close().await.expect("it closes");
        }
    }
}

#[tokio::test]
async fn a_backup_of_every_version_restores() {
    for format in formats() {
        let home = format.copy();
        let files = tempfile::tempdir().expect("a temporary directory");
        let backup = files.path().join("backup.redb");
        run("backup", &backup, home.path());
        // A file that was copied while no server used it is a backup, too.
        for file in [&backup, &home.path().join("rememberd.redb")] {
            let restored = tempfile::tempdir().expect("a temporary directory");
            if format.has_keys() && *file != backup {
                let keys = home.path().join("rememberd.keys");
                fs::copy(keys, restored.path().join("rememberd.keys")).expect("it is copied");
            }
            run("restore", file, restored.path());
            let app = open(restored.path(), format.now()).await.expect("it opens");
            assert_holds(&app, &format).await;
            app.store.close().await.expect("it closes");
        }
    }
}

/// Runs this command of the program with a file and a data directory.
fn run(command: &str, file: &Path, data: &Path) {
    let ended = Command::new(env!("CARGO_BIN_EXE_rememberd"))
        .arg(command)
        .arg(file)
        .arg("--data-dir")
        .arg(data)
        .env_clear()
        .output()
        .expect("it starts");
    assert!(ended.status.success(), "{ended:?}");
}

#[tokio::test]
async fn the_time_goes_on_from_the_newest_of_every_version() {
    const YEAR: Duration = Duration::from_secs(365 * 86_400);
    for format in formats() {
        let home = format.copy();
        let (now, hour) = (format.now(), Duration::from_secs(3_600));
        let app = open(home.path(), now.minus(YEAR)).await.expect("it opens");
        jobs::start(&app).await.expect("the clock starts");
        let version = format.version;
        assert!(app.clock.now().time() > now.minus(hour), "schema {version}");
        app.store.close().await.expect("it closes");
    }
}

#[tokio::test]
async fn the_logins_of_every_version_continue_to_work() {
    for format in formats() {
        let home = format.copy();
        let app = open(home.path(), format.now()).await.expect("it opens");
        let (profile, login) = DISABLED;
        let (id, tenant) = (profile.to_owned(), "default".to_owned());
        let mut void_tokens = 0;
        let refused = service::refresh(&app, caller(), login.to_owned(), None).await;
        assert_eq!(refused, Err(ProfileRefusal::Disabled { id, tenant }.into()));
        for expected in format
            .logins()
            .into_iter()
            .filter(|expected| expected.id() != login)
        {
            let refresh = |token| service::refresh(&app, caller(), expected.id(), Some(token));
            // Within the grace period the replaced token gets its successor.
            if let Some(replaced) = expected.replaced {
                let same = refresh(replaced)
                    .await
                    .expect("it is within the grace period");
                assert_eq!(Login::from(same.login), expected.login);
            }
            if let Some(older) = expected.older {
                let refreshed = refresh(older).await.map(|refreshed| refreshed.login);
                if format.has_keys() {
                    let same = refreshed.expect("it is within the grace period too");
                    assert_eq!(Login::from(same), expected.login);
                } else {
                    // Earlier versions kept the token that was replaced last, and no other.
                    let unknown: LoginError = PersistentLoginRefusal::TokenUnknown.into();
                    assert_eq!(refreshed, Err(unknown));
                }
            }
            let rotated = refresh(expected.login.token)
                .await
                .expect("its token is current")
                .login;
            assert_ne!(rotated.token, expected.login.token);
            let read = service::read(&app, caller(), expected.id());
            assert_eq!(read, Ok(rotated));
            if let Some(void) = expected.void {
                void_tokens += 1;
                let reused = refresh(void).await;
                let refusal = PersistentLoginRefusal::TokenReused {
                    revoked: Revoked::Login,
                };
                assert_eq!(reused, Err(refusal.into()));
            }
        }
        // What was recorded after a commit is there once the store is closed.
        app.store.close().await.expect("it closes");
        let is_refused = app.audit.count(Event::UnknownToken) > 0;
        assert_eq!(is_refused, !format.has_keys(), "there is an older token");
        assert_eq!(app.audit.count(Event::Reuse), void_tokens);
        assert_eq!(void_tokens > 0, format.version >= 4, "there is a void one");
    }
}

#[test]
fn an_upgrade_survives_a_power_cut_at_any_moment() {
    let seed = support::test_seed();
    for format in formats()
        .iter()
        .filter(|format| format.version < SCHEMA_VERSION)
    {
        let image = fs::read(&format.file).expect("it is readable");
        let disk = Disk::new(image);
        let engine = Engine::open_backend(disk.clone(), &support::OPTIONS).expect("it opens");
        let upgraded = format.copy();
        let source = support::key_source(upgraded.path().join("rememberd.redb"));
        upgrade_copy(&engine, &source).expect("it is upgraded");
        drop(engine);
        let recording = disk.recording();
        let mut random = support::random(seed);
        let syncs = recording.events.len();
        for cut in 0..=syncs {
            let mut replay = Replay::new(&recording);
            recording.events[..cut]
                .iter()
                .for_each(|event| replay.step(event));
            let image = replay.image(Survival::draw(&mut random), &mut random);
            let home = format.copy();
            fs::write(home.path().join("rememberd.redb"), image).expect("it is written");
            // The key file is on the disk before the database has anything of it.
            let keys = home.path().join("rememberd.keys");
            fs::copy(&source.path, keys).expect("it is copied");
            let runtime = tokio::runtime::Runtime::new().expect("a runtime");
            runtime.block_on(async {
                let app = open(home.path(), format.now()).await.expect("it opens");
                assert_holds(&app, format).await;
                app.store.close().await.expect("it closes");
            });
        }
    }
}

#[tokio::test]
async fn a_newer_version_is_refused_and_left_as_it_is() {
    let format = formats().pop().expect("there is a current one");
    for is_clean in [true, false] {
        let home = format.copy();
        let path = home.path().join("rememberd.redb");
        if is_clean {
            let app = open(home.path(), format.now()).await.expect("it opens");
            app.store.close().await.expect("it closes");
        }
        let directory = DataDirectory::lock(home.path()).expect("it is ours");
        let source = support::key_source(directory.database_path());
        let (engine, _) = open_database(&directory, &support::OPTIONS, Opening::Start, &source)
            .expect("it opens");
        maker::put_schema_version(&engine, SCHEMA_VERSION + 7);
        if is_clean {
            engine.close().expect("it closes");
        } else {
            let bytes = fs::read(&path).expect("it is readable");
            drop(engine);
            fs::write(&path, bytes).expect("it is as after a crash");
        }
        drop(directory);
        let before = fs::read(&path).expect("it is readable");
        let refused = open(home.path(), format.now())
            .await
            .expect_err("it is refused");
        let Failure::Unusable(message) = &refused else {
            panic!("{refused:?}");
        };
        for part in [
            "rememberd.redb",
            &(SCHEMA_VERSION + 7).to_string(),
            &SCHEMA_VERSION.to_string(),
        ] {
            assert!(message.contains(part), "{message}");
        }
        let after = fs::read(&path).expect("it is readable");
        assert!(!is_clean || before == after, "not a byte of it changed");
    }
}
