//! A start on a damaged file: it serves, or it is refused by a message that names the file, and then no byte of
//! the file has changed.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use rand::RngExt;
use rand::rngs::StdRng;
use rememberd::testing::{
    Caller, Device, Failure, Opener, Store, open_database, service::demo, service::persistent_login,
};
use tempfile::TempDir;
use tokio::runtime::Runtime;

use crate::faults::client::lock;
use crate::support;

/// How many bytes a page of the database has.
const PAGE: usize = 4_096;

/// How many random bits are flipped in the header, one for each start.
const FLIPPED_BITS: usize = 60;

#[test]
fn a_start_that_is_refused_names_the_file_and_changes_no_byte_of_it() {
    let seed = support::test_seed();
    let mut random = support::random(seed);
    let case = Case::new();
    for good in [case.closed(), case.killed()] {
        let mut refused = 0;
        for (what, bytes) in damages(&good, &mut random) {
            refused += usize::from(case.assert_start(&what, &bytes));
        }
        assert!(refused > 20, "only {refused} were refused");
    }
}

#[test]
fn what_is_no_file_or_not_accessible_is_refused_by_its_name() {
    let case = Case::new();
    fs::remove_file(&case.database).expect("it was there");
    fs::create_dir(&case.database).expect("it is created");
    let failure = case.start().expect_err("it is a directory");
    assert!(matches!(failure, Failure::Unusable(_)), "{failure:?}");
    case.assert_names_the_file("a directory", &failure);
    fs::remove_dir(&case.database).expect("it is there");
    if rustix::process::geteuid().is_root() {
        // Nothing is inaccessible then.
        return;
    }
    fs::write(&case.database, "a database").expect("it is written");
    fs::set_permissions(&case.database, Permissions::from_mode(0o000)).expect("it is ours");
    let failure = case.start().expect_err("it is not accessible");
    assert!(matches!(failure, Failure::Unusable(_)), "{failure:?}");
    case.assert_names_the_file("no permission", &failure);
}

/// The damaged versions of a file, with a name for each.
fn damages(good: &[u8], random: &mut StdRng) -> Vec<(String, Vec<u8>)> {
    let mut damages = vec![
        ("text".to_owned(), b"something else".to_vec()),
        ("zeros".to_owned(), vec![0; good.len()]),
        ("another length".to_owned(), [good, &[0; PAGE]].concat()),
    ];
    for length in (PAGE..good.len())
        .step_by(PAGE)
        .chain([1, 100, 511, PAGE + 1, good.len() - 1])
    {
        damages.push((format!("{length} bytes"), good[..length].to_vec()));
    }
    for page in 0..good.len() / PAGE {
        let mut bytes = good.to_vec();
        bytes[page * PAGE..][..PAGE].fill(0);
        damages.push((format!("page {page} zeroed"), bytes));
        let mut bytes = good.to_vec();
        random.fill(&mut bytes[page * PAGE..][..PAGE]);
        damages.push((format!("page {page} overwritten"), bytes));
    }
    for _ in 0..FLIPPED_BITS {
        let bit = random.random_range(0..8 * 320);
        let mut bytes = good.to_vec();
        bytes[bit / 8] ^= 1 << (bit % 8);
        damages.push((format!("bit {bit} flipped"), bytes));
    }
    damages
}

/// A data directory with a database.
struct Case {
    home: TempDir,
    database: PathBuf,
    runtime: Runtime,
}

impl Case {
    fn new() -> Self {
        let home = TempDir::new().expect("a temporary directory");
        support::write_keys(home.path());
        let directory = lock(home.path());
        let case = Self {
            database: directory.database_path(),
            home,
            runtime: Runtime::new().expect("a runtime"),
        };
        drop(directory);
        let store = case.start().expect("it is created");
        case.runtime.block_on(async {
            let app = support::app(&[""; 0], store, support::START, 7);
            support::load_demo(&app).await;
            app.store.close().await.expect("it closes");
        });
        case
    }

    /// The file as a server leaves it that was stopped.
    fn closed(&self) -> Vec<u8> {
        fs::read(&self.database).expect("it is there")
    }

    /// The file as a server leaves it that was killed.
    fn killed(&self) -> Vec<u8> {
        let store = self.start().expect("it opens");
        let killed = self.runtime.block_on(async {
            let app = support::app(&[""; 0], store, support::START, 8);
            let caller = Caller::new(Some(demo::ACCESS_TOKEN_ID.to_owned()));
            let profile = support::DEMO_PROFILE.to_owned();
            let created = persistent_login::create(&app, caller, profile, Device::default());
            created.await.expect("it is created");
            let killed = fs::read(&self.database).expect("it is there");
            app.store.close().await.expect("it closes");
            killed
        });
        assert_ne!(killed, self.closed());
        killed
    }

    fn start(&self) -> Result<Store, Failure> {
        let directory = lock(self.home.path());
        let source = support::key_source(directory.database_path());
        let opener: Opener = Box::new(move |opening| {
            open_database(&directory, &support::OPTIONS, opening, &source).map(|(engine, _)| engine)
        });
        self.runtime.block_on(support::try_open_store(opener))
    }

    /// Starts with this file. Returns whether that is refused.
    fn assert_start(&self, what: &str, bytes: &[u8]) -> bool {
        fs::write(&self.database, bytes).expect("it is written");
        match self.start() {
            Ok(store) => {
                // A damaged page may keep it from being closed cleanly.
                let _ = self.runtime.block_on(store.close());
                false
            }
            Err(failure) => {
                self.assert_names_the_file(what, &failure);
                let now = fs::read(&self.database).expect("it is there");
                assert!(now == bytes, "{what}: the file was changed; {failure}");
                true
            }
        }
    }

    fn assert_names_the_file(&self, what: &str, failure: &Failure) {
        let text = failure.to_string();
        assert!(
            text.contains(&*self.database.to_string_lossy()),
            "{what}: {text}"
        );
    }
}
