//! Support of the durability tests: seeds and sizes, a ledger of acknowledged changes, a consistency check
//! of a whole database, a disk that can lose power and a workload on it, and the app and the program.

pub mod attachment;
pub mod audit;
pub mod contract;
pub mod disk;
pub mod generations;
pub mod ledger;
pub mod login;
pub mod operation;
pub mod process;
pub mod settings;
pub mod test_caller;
pub mod workload;

use std::collections::BTreeMap;
use std::env;
use std::fmt::Display;
use std::fs;
use std::io::Cursor;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use rand::SeedableRng;
use rand::rngs::StdRng;
use rememberd::testing::{
    App, Clock, Config, Engine, EngineOptions, Entropy, Failure, JournalLimits, KeyRing, KeySource,
    Keys, ObjectId, Opener, PersistentLoginId, Profile, SecretKey, SeedFile, SeedRules, Store,
    Tenant, TenantName, Timestamp, Token, WriterLimits, service::seed, upgrade,
};
use uuid::Uuid;

use crate::support::disk::Disk;
use crate::support::login::Login;

/// The demo data, which every test loads first.
pub const DEMO_FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/data/demo.json");

/// The id of the profile in the demo data.
pub const DEMO_PROFILE: &str = "5925a68def86951f895cf497";

/// The id of the only login in the demo data.
pub const DEMO_LOGIN: &str = "b68c0013-d7b2-4004-8463-d7ba03e15d94";

/// The initial time of manual clocks.
pub const START: Timestamp = Timestamp::from_millis(1_700_000_000_000);

/// How a test opens a database, unless its size or its kind of commit matters.
pub const OPTIONS: EngineOptions = EngineOptions {
    cache_bytes: 1 << 20,
    two_phase_commit: false,
};

/// The factor by which a long run is longer.
const LONG_FACTOR: usize = 10;

/// The seed of this run: `REMEMBERD_TEST_SEED`, or a random one. It is printed, so that a failure can
/// be replayed.
pub fn test_seed() -> u64 {
    let seed = variable("REMEMBERD_TEST_SEED").unwrap_or_else(rand::random);
    eprintln!("REMEMBERD_TEST_SEED={seed}");
    seed
}

/// A random number generator with this `seed`.
pub fn random(seed: u64) -> StdRng {
    StdRng::seed_from_u64(seed)
}

/// The value of an environment variable that configures a test.
pub fn variable<T: FromStr<Err: Display>>(name: &str) -> Option<T> {
    let text = env::var(name).ok()?;
    match text.parse() {
        Ok(value) => Some(value),
        Err(error) => panic!("{name}={text}: {error}"),
    }
}

/// Whether this is a long run, which takes minutes: `REMEMBERD_TEST_LONG=1`.
pub fn is_long() -> bool {
    match variable::<u8>("REMEMBERD_TEST_LONG") {
        None | Some(0) => false,
        Some(1) => true,
        Some(other) => panic!("REMEMBERD_TEST_LONG={other}: it must be 0 or 1"),
    }
}

/// The size of a test: the value of the environment variable `name`, else `usual`, or ten times `usual` in
/// a long run.
pub fn size(name: &str, usual: usize) -> usize {
    let factor = if is_long() { LONG_FACTOR } else { 1 };
    variable(name).unwrap_or(usual * factor)
}

/// The limits of a journal so small that few rotations fill it. Nothing is applied when idle, so that a run
/// can be replayed.
pub fn tiny_journal() -> JournalLimits {
    JournalLimits {
        target: Some(6),
        apply_min: 2,
        idle_after: Duration::from_secs(3_600),
        cache_bytes: 64 * 300,
    }
}

/// The flags of the program for a journal of the same size, which is applied as soon as it is idle.
pub const TINY_JOURNAL_FLAGS: [&str; 3] = [
    "--journal-target=6",
    "--journal-apply-min=2",
    "--journal-idle-after=1ms",
];

/// Opens a store with a tiny journal, and with limits that no test reaches.
pub async fn open_store(opener: Opener) -> Store {
    try_open_store(opener).await.expect("the database opens")
}

/// Opens the database on a simulated disk as [`open_store`] does, with the [`keys`].
pub async fn open_on(disk: &Disk, options: &EngineOptions) -> Store {
    let (disk, options) = (disk.clone(), options.clone());
    let opener = move |_opening| {
        let engine = Engine::open_backend(disk.clone(), &options)?;
        upgrade(&engine, &keys(), &Entropy::Os)?;
        Ok(engine)
    };
    open_store(Box::new(opener)).await
}

/// Opens a store as [`open_store`] does.
///
/// # Errors
///
/// If the database cannot be opened.
pub async fn try_open_store(opener: Opener) -> Result<Store, Failure> {
    let limits = WriterLimits {
        queue_jobs_max: 1_024,
        batch_jobs_max: 1_024,
        // So that a transaction of the cleaner is in the same commit as what is queued with it.
        background_pause_max: Duration::ZERO,
        start_retry: Duration::ZERO,
        journal: tiny_journal(),
    };
    rememberd::testing::open_store(opener, &limits).await
}

/// An app on `store` with the [`keys`] and a manual clock at `now`, whose ids depend on `seed` only.
pub fn app(flags: &[impl AsRef<str>], store: Store, now: Timestamp, seed: u64) -> App {
    let shared = Keys::default();
    shared.set(keys());
    app_with(flags, store, now, seed, shared)
}

/// As [`app`], with other keys.
pub fn app_with(
    flags: &[impl AsRef<str>],
    store: Store,
    now: Timestamp,
    seed: u64,
    keys: Keys,
) -> App {
    let flags: Vec<_> = flags.iter().map(AsRef::as_ref).collect();
    let mut config = Config::from_flags(&flags).expect("the flags are valid");
    // So that a test sees at once what the cleaner does.
    config.clock.expired_kept_for = Duration::ZERO;
    App::new(
        config,
        store,
        Clock::manual(now),
        Entropy::seeded(seed),
        keys,
    )
}

/// The key file beside a database file.
pub fn key_source(database: PathBuf) -> KeySource {
    KeySource {
        path: database.with_file_name("rememberd.keys"),
        replaces_missing: false,
        entropy: Entropy::Os,
    }
}

/// Writes the [`keys`] into a data directory.
pub fn write_keys(directory: &Path) {
    let line = format!("1 {}\n", "01".repeat(32));
    fs::write(directory.join("rememberd.keys"), line).expect("it is written");
}

/// The keys of every database on a simulated disk.
pub fn keys() -> KeyRing {
    let keys = BTreeMap::from([(1, SecretKey::new(&[1; 32]))]);
    KeyRing::new(keys, true).expect("there is a key")
}

/// Loads the demo data into an empty database.
pub async fn load_demo(app: &App) {
    let json = fs::read(DEMO_FILE).expect("the demo data is part of the repository");
    let file = SeedFile::check(Cursor::new(json), |_| {}).expect("the demo data is a seed file");
    let loaded = seed::load(app, file, SeedRules::default(), |_, _| Ok(())).await;
    let loaded = loaded.expect("the demo data is valid");
    assert!(loaded.is_some(), "the database was empty");
}

/// A profile with this id, whose username is the id as text.
pub fn profile(id: ObjectId, tenant: &str, enabled: bool) -> Profile {
    Profile {
        id,
        username: id.to_string(),
        password: None,
        email: String::new(),
        verified: true,
        enabled,
        created_on: START,
        last_modified: START,
        tenant: TenantName::new(tenant).expect("a tenant has a name"),
        roles: None,
        attributes: None,
    }
}

/// A tenant of this name.
pub fn tenant(name: &str) -> Tenant {
    Tenant {
        id: ObjectId::from_bytes([9; 12]),
        name: TenantName::new(name).expect("a tenant has a name"),
        verify_new_profiles: false,
        available_roles: Vec::new(),
        sso_enabled: false,
        attribute_definitions: Vec::new(),
        cleanse_attributes: true,
    }
}

/// A login whose id and token are derived from `number`.
pub fn login(number: u128) -> Login {
    Login {
        id: PersistentLoginId::new(Uuid::from_u128(number)),
        tenant: TenantName::new("default").expect("a tenant has a name"),
        profile_id: ObjectId::from_bytes([7; 12]),
        token: Token::new(Uuid::from_u128(!number)),
        timestamp: START,
        rotation: None,
    }
}
