//! The real binary and the files of the access tokens that it generates.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Stdio;
use std::time::{Duration, Instant};

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use serde_json::json;
use tempfile::TempDir;

use crate::support::fixture::PROFILE;
use crate::support::process::{Launch, Serving, secret, token_files};
use crate::support::random;
use crate::support::server::wait_until;

/// How often a first start is killed.
const KILLS: usize = 40;

fn home() -> TempDir {
    TempDir::new().expect("a temporary directory")
}

/// Asserts that the server accepts this access token: what is missing is the profile.
#[track_caller]
fn assert_accepted(serving: &Serving, id: &str) {
    let response = serving.client(id).create(PROFILE);
    let message = format!("No profile with ID \"{PROFILE}\" found");
    response.assert_error(404, "NO_SUCH_PROFILE", &message);
}

#[test]
fn a_generated_access_token_is_in_its_file_until_it_is_used() {
    let home = home();
    let mut first = Launch::serve(home.path()).start();
    let path = first.token_file();
    let expected = home.path().join("access-token.admin");
    assert_eq!(path, expected);
    let mode = fs::metadata(&path).expect("it is there").permissions();
    assert_eq!(mode.mode() & 0o777, 0o600);
    let id = secret(&path);
    // A wrong token, none, and a stop are no use.
    first.client("wrong").create(PROFILE);
    first.client("").create(PROFILE);
    let ended = first.stop();
    assert!(!ended.stdout.contains(&id), "{}", ended.stdout);
    assert!(!ended.stderr.contains(&id), "{}", ended.stderr);

    let mut second = Launch::serve(home.path()).start();
    assert_eq!(second.first_token(), id);
    assert_accepted(&second, &id);
    assert!(!path.exists());
    assert_accepted(&second, &id);
    second.stop();

    let third = Launch::serve(home.path()).start();
    assert_accepted(&third, &id);
    let printed = third.stop().stdout;
    assert!(token_files(&printed).is_empty(), "{printed}");
}

#[test]
fn each_access_token_of_a_seed_without_an_id_has_a_file() {
    let home = home();
    let token = |application: &str| {
        json!({
            "application": application,
            "tenantPermissions": [{"tenant": "*", "allowedActions": ["*"]}],
        })
    };
    let seed = json!({
        "accesstoken": [token("shop"), token("../blog"), token("shop")],
        "tenant": [{"name": "default"}],
    });
    let file = home.path().join("seed.json");
    fs::write(&file, seed.to_string()).expect("a file");
    let data = home.path().join("data");
    let mut serving = Launch::serve(&data).seed(&file).start();
    let last = serving.token_file();
    let names = ["shop", "___blog", "shop.2"].map(|name| data.join(format!("access-token.{name}")));
    let ids = names.each_ref().map(|path| secret(path));
    assert!(names.contains(&last));
    assert_accepted(&serving, &ids[1]);
    assert_eq!(
        names.each_ref().map(|path| path.exists()),
        [true, false, true]
    );
    assert_accepted(&serving, &ids[0]);
    assert_accepted(&serving, &ids[2]);
    assert!(names.iter().all(|path| !path.exists()));
    let printed = serving.stop().stdout;
    assert!(
        printed.contains("access token of \"../blog\": "),
        "{printed}"
    );
}

#[test]
fn the_access_tokens_of_two_databases_differ() {
    let homes = [home(), home()];
    let [one, two] = homes
        .each_ref()
        .map(|home| Launch::serve(home.path()).start().first_token());
    assert_ne!(one, two);
}

#[test]
fn no_access_token_is_lost_if_nobody_reads_standard_output() {
    let home = home();
    let full = fs::File::options().write(true).open("/dev/full");
    let full = full.expect("it is there");
    let starting = Launch::serve(home.path()).stdout(Stdio::from(full)).spawn();
    wait_until("the database is created", || {
        home.path().join("rememberd.redb").exists()
    });
    drop(starting);
    let mut serving = Launch::serve(home.path()).start();
    let id = serving.first_token();
    assert_accepted(&serving, &id);
}

#[test]
fn a_first_start_that_is_killed_loses_no_access_token() {
    let seed = random::seed();
    let mut random = StdRng::seed_from_u64(seed);
    let began = Instant::now();
    Launch::serve(home().path()).start();
    let start = began.elapsed();
    let mut found = 0;
    for kill in 0..KILLS {
        let home = home();
        let starting = Launch::serve(home.path()).spawn();
        wait_for(start.mul_f64(random.random_range(0.2..1.5)));
        drop(starting);
        let path = home.path().join("access-token.admin");
        let has_database = home.path().join("rememberd.redb").exists();
        let before = has_database.then(|| secret(&path));
        let mut serving = Launch::serve(home.path()).start();
        let id = serving.first_token();
        assert!(before.is_none_or(|before| before == id), "kill {kill}");
        assert_accepted(&serving, &id);
        assert!(!path.exists(), "kill {kill}");
        found += usize::from(has_database);
    }
    eprintln!("{found} of {KILLS} first starts had created a database");
}

/// Waits for a time that is shorter than the scheduler's steps.
fn wait_for(duration: Duration) {
    let began = Instant::now();
    while began.elapsed() < duration {
        std::hint::spin_loop();
    }
}
