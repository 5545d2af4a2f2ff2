//! `rememberd check` and `rememberd salvage`: every page of a small database is damaged in turn.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use rand::RngExt;
use rememberd::testing::{
    App, Caller, Device, Opener, Token, open_database, service::demo, service::persistent_login,
};
use tempfile::TempDir;
use tokio::runtime::Runtime;

use crate::faults::client::{lock, wait_until};
use crate::support;
use crate::support::process::address;

/// How many bytes a page of the database has.
const PAGE: usize = 4_096;

/// How many logins the database has: so many that their table has a page of keys above its leaves.
const LOGINS: usize = 150;

/// How many logins a page of them holds at most.
const LOGINS_PER_PAGE: usize = 90;

#[test]
fn every_login_that_is_not_on_the_damaged_page_is_salvaged_with_its_token() {
    let mut random = support::random(support::test_seed());
    let case = Case::new();
    let good = fs::read(&case.database).expect("it is there");
    let (mut losses, mut found) = (0, 0);
    for page in 0..good.len() / PAGE {
        let range = page * PAGE..(page + 1) * PAGE;
        if good[range.clone()].iter().all(|byte| *byte == 0) {
            continue;
        }
        let mut bytes = good.clone();
        if random.random_bool(0.5) {
            bytes[range].fill(0);
        } else {
            random.fill(&mut bytes[range]);
        }
        fs::write(&case.database, &bytes).expect("it is written");
        let checked = run(&["check", "--data-dir", case.path()]);
        let to = case.home.path().join(format!("salvaged-{page}"));
        let salvaged = run(&["salvage", case.path(), &to.to_string_lossy()]);
        let text = String::from_utf8_lossy(&salvaged.stdout).into_owned();
        let code = salvaged.status.code().expect("it ended by itself");
        assert!(code < 2, "page {page}: {salvaged:?}");
        // What lies on unused pages is in neither.
        assert!(
            checked.status.code() >= Some(code),
            "page {page}: {checked:?}"
        );
        assert_eq!(
            fs::read(&case.database).expect("it is there"),
            bytes,
            "page {page}"
        );
        let copy = run(&["check", "--data-dir", &to.to_string_lossy()]);
        // The logins of a lost profile are there without it.
        let expected = i32::from(text.contains("is missing, and has logins"));
        assert_eq!(copy.status.code(), Some(expected), "page {page}: {copy:?}");

        let has_lost = text.contains(" lost");
        let served = case.served_by(&to);
        if !text.contains("No access token is left") {
            let lost = LOGINS - served;
            assert!(lost <= LOGINS_PER_PAGE, "page {page}: {lost} lost\n{text}");
            assert!(lost == 0 || has_lost, "page {page}: {lost} lost\n{text}");
            losses += usize::from(lost > 0);
        }
        found += usize::from(text.contains("found by themselves"));
        fs::remove_dir_all(&to).expect("it is ours");
    }
    assert!(losses > 0, "no page has logins");
    assert!(found > 0, "no page is above others");
}

#[test]
fn a_flipped_bit_is_found_and_costs_one_entry_at_most() {
    let mut random = support::random(support::test_seed());
    let case = Case::new();
    let good = fs::read(&case.database).expect("it is there");
    let mut found = 0;
    // Much of a small file is space that is not used yet.
    for number in 0..500 {
        if number >= 25 && found > 0 {
            break;
        }
        let bit = random.random_range(0..8 * good.len());
        let mut bytes = good.clone();
        bytes[bit / 8] ^= 1 << (bit % 8);
        fs::write(&case.database, &bytes).expect("it is written");
        let to = case.home.path().join(format!("flipped-{number}"));
        let salvaged = run(&["salvage", case.path(), &to.to_string_lossy()]);
        assert!(salvaged.status.code() < Some(2), "bit {bit}: {salvaged:?}");
        found += usize::from(salvaged.status.code() == Some(1));
        let text = String::from_utf8_lossy(&salvaged.stdout).into_owned();
        if !text.contains("No access token is left") {
            // A bit of a page's list of entries may make all of it unreadable.
            assert!(
                case.served_by(&to) >= LOGINS - LOGINS_PER_PAGE,
                "bit {bit}: {text}"
            );
        }
        fs::remove_dir_all(&to).expect("it is ours");
    }
    assert!(found > 0, "no bit was on a page that is used");
}

#[test]
fn a_database_without_damage_is_copied_as_it_is_and_keeps_its_source() {
    let case = Case::new();
    let before = fs::read(&case.database).expect("it is there");
    let checked = run(&["check", &case.database.to_string_lossy()]);
    assert_eq!(checked.status.code(), Some(0), "{checked:?}");
    let to = case.home.path().join("to");
    let salvaged = run(&["salvage", case.path(), &to.to_string_lossy()]);
    assert_eq!(salvaged.status.code(), Some(0), "{salvaged:?}");
    assert_eq!(case.served_by(&to), LOGINS);
    assert_eq!(fs::read(&case.database).expect("it is there"), before);
    let text = [checked.stdout, salvaged.stdout].concat();
    let text = String::from_utf8_lossy(&text).into_owned();
    for (id, token) in &case.logins {
        let token = token.reveal().to_string();
        assert!(!text.contains(id) && !text.contains(&token), "{text}");
    }
}

#[test]
fn what_cannot_be_checked_or_salvaged_is_said_and_nothing_is_changed() {
    let case = Case::new();
    let to = case.home.path().join("to");
    let to = to.to_string_lossy();
    let assert_refused = |arguments: &[&str], expected: &str| {
        let ended = run(arguments);
        let text = String::from_utf8_lossy(&ended.stderr).into_owned();
        assert_eq!(ended.status.code(), Some(2), "{arguments:?}: {ended:?}");
        assert!(text.contains(expected), "{arguments:?}: {text}");
    };
    assert_refused(&["salvage"], "FROM");
    assert_refused(&["salvage", case.path()], "TO");
    assert_refused(&["check", "/nowhere/at/all"], "/nowhere/at/all");
    assert_refused(&["salvage", "/nowhere/at/all", &to], "/nowhere/at/all");
    assert_refused(&["salvage", case.path(), case.path()], "not empty");
    let garbage = case.home.path().join("garbage");
    fs::write(&garbage, vec![7; 10 * PAGE]).expect("it is written");
    assert_refused(
        &["salvage", &garbage.to_string_lossy(), &to],
        "no table can be found",
    );

    let mut server = command(&["serve", "--listen=127.0.0.1:0", "--data-dir", case.path()])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("it starts");
    address(&mut server);
    assert_refused(&["check", "--data-dir", case.path()], "in use by a server");
    assert_refused(
        &["check", &case.database.to_string_lossy()],
        "in use by a server",
    );
    assert_refused(&["salvage", case.path(), &to], "in use by a server");
    server.kill().expect("it runs");
    server.wait().expect("it was started");
    // A server that was killed leaves a database that only has to be repaired.
    let before = fs::read(&case.database).expect("it is there");
    let checked = run(&["check", "--data-dir", case.path()]);
    assert_eq!(checked.status.code(), Some(0), "{checked:?}");
    assert_eq!(fs::read(&case.database).expect("it is there"), before);
}

#[test]
fn a_salvage_that_was_killed_is_not_served_and_can_be_repeated() {
    let case = Case::new();
    let to = case.home.path().join("to");
    let arguments = ["salvage", case.path(), &to.to_string_lossy()];
    let mut killed = command(&arguments)
        .stdout(Stdio::null())
        .spawn()
        .expect("it starts");
    wait_until("it has begun", || to.join("rememberd.marker").exists());
    killed.kill().expect("it was started");
    killed.wait().expect("it was started");
    if !to.join("rememberd.redb").exists() {
        let refused = run(&[
            "serve",
            "--listen=127.0.0.1:0",
            "--data-dir",
            &to.to_string_lossy(),
        ]);
        assert_eq!(refused.status.code(), Some(1), "{refused:?}");
        let repeated = run(&arguments);
        assert_eq!(repeated.status.code(), Some(0), "{repeated:?}");
    }
    assert_eq!(case.served_by(&to), LOGINS);
}

#[test]
fn a_salvage_onto_a_full_disk_says_so_and_leaves_no_database() {
    let case = Case::new();
    let to = case.home.path().join("to");
    // A limit of the shell stands for the disk; its signal is ignored, so that writing fails.
    let script = format!(
        "trap '' XFSZ; ulimit -f 40; exec '{}' salvage '{}' '{}'",
        env!("CARGO_BIN_EXE_rememberd"),
        case.path(),
        to.display()
    );
    let ended = Command::new("sh")
        .args(["-c", &script])
        .output()
        .expect("a shell");
    assert_eq!(ended.status.code(), Some(2), "{ended:?}");
    let text = String::from_utf8_lossy(&ended.stderr).into_owned();
    assert!(text.contains(&*to.to_string_lossy()), "{text}");
    assert!(!to.join("rememberd.redb").exists());
    let repeated = run(&["salvage", case.path(), &to.to_string_lossy()]);
    assert_eq!(repeated.status.code(), Some(0), "{repeated:?}");
}

fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_rememberd"));
    command.args(arguments).env_clear().stdin(Stdio::null());
    command
}

fn run(arguments: &[&str]) -> Output {
    command(arguments).output().expect("it starts")
}

/// A data directory with a database that was closed.
struct Case {
    home: TempDir,
    database: PathBuf,
    /// The current tokens of the logins, by their ids.
    logins: BTreeMap<String, Token>,
    runtime: Runtime,
}

impl Case {
    fn new() -> Self {
        let home = TempDir::new().expect("a temporary directory");
        let from = home.path().join("from");
        fs::create_dir(&from).expect("it is created");
        support::write_keys(&from);
        let runtime = Runtime::new().expect("a runtime");
        let logins = runtime.block_on(async {
            let app = open(&from).await;
            support::load_demo(&app).await;
            let mut logins = BTreeMap::new();
            for _ in 0..LOGINS {
                let profile = support::DEMO_PROFILE.to_owned();
                let created = persistent_login::create(&app, caller(), profile, Device::default());
                let id = created.await.expect("it is created").id.to_string();
                let refreshed = persistent_login::refresh(&app, caller(), id.clone(), None).await;
                logins.insert(id, refreshed.expect("it is there").login.token);
            }
            app.store.close().await.expect("it closes");
            logins
        });
        Self {
            database: from.join("rememberd.redb"),
            home,
            logins,
            runtime,
        }
    }

    /// The data directory.
    fn path(&self) -> &str {
        let path = self.database.parent().expect("it is in a directory");
        path.to_str().expect("it is text")
    }

    /// How many logins a server on this directory has. Asserts that it accepts their tokens.
    fn served_by(&self, directory: &Path) -> usize {
        self.runtime.block_on(async {
            let app = open(directory).await;
            let mut served = 0;
            for (id, token) in &self.logins {
                let Ok(read) = persistent_login::read(&app, caller(), id.clone()) else {
                    continue;
                };
                served += 1;
                if read.token.reveal() != token.reveal() {
                    // Its page is lost, and what was found is its state before: its owner goes on all the same.
                    let presented = Some(*token);
                    let refreshed =
                        persistent_login::refresh(&app, caller(), id.clone(), presented);
                    refreshed.await.expect("a newer token is accepted");
                }
            }
            app.store.close().await.expect("it closes");
            served
        })
    }
}

fn caller() -> Caller {
    Caller::new(Some(demo::ACCESS_TOKEN_ID.to_owned()))
}

async fn open(directory: &Path) -> App {
    let directory = lock(directory);
    let source = support::key_source(directory.database_path());
    let opener: Opener = Box::new(move |opening| {
        open_database(&directory, &support::OPTIONS, opening, &source).map(|(engine, _)| engine)
    });
    let store = support::open_store(opener).await;
    support::app(&["--logins-per-profile-max=1000"], store, support::START, 7)
}
