//! The real binary: how a database is created, and what is left of a start that is refused.

use std::fs::{self, Permissions};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use rustix::process::Signal;
use tempfile::TempDir;

use crate::support::fixture::{self, LOGIN, NOW, PROFILE, TOKEN};
use crate::support::process::{DEMO_ACCESS_TOKEN, DEMO_SEED, Launch, secret, token_files};
use crate::support::server::wait_until;

fn home() -> TempDir {
    TempDir::new().expect("a temporary directory")
}

fn init(data: &Path) -> Launch {
    Launch::new(&["init", "--data-dir"]).argument(data)
}

/// Serves what `init` created.
fn serve(data: &Path) -> Launch {
    Launch::serve(data).argument("--no-create")
}

#[test]
fn a_database_is_created_once_and_then_served() {
    let home = home();
    let data = home.path().join("deep").join("data");
    let created = init(&data).run();
    assert!(created.status.success(), "{created:?}");
    let shown = format!("created {}\n", data.display());
    assert!(created.stdout.starts_with(&shown), "{created:?}");
    let files = token_files(&created.stdout);
    assert_eq!(files, [data.join("access-token.admin")]);
    let id = secret(&files[0]);
    let message = init(&data).assert_fails();
    assert!(message.contains("there is a database already"), "{message}");
    assert!(message.contains(&*data.to_string_lossy()), "{message}");
    let serving = serve(&data).start();
    let response = serving.client(&id).create(PROFILE);
    assert_eq!(response.status, 404);
    assert!(init(&data).assert_fails().contains("in use"));
    serving.stop();
}

#[test]
fn a_database_is_created_with_a_seed_and_with_the_environment_of_the_server() {
    let home = home();
    let key_file = home.path().join("keys");
    let data = home.path().join("data");
    let created = init(&data)
        .variable("REMEMBERD_SEED", DEMO_SEED)
        .variable("REMEMBERD_KEY_FILE", &key_file)
        .variable("REMEMBERD_LISTEN", "127.0.0.1:0")
        .variable("REMEMBERD_NO_CREATE", "true")
        .run();
    let loaded = "seed loaded: 1 profile, 1 login, 1 tenant, 1 access token\n";
    assert!(created.stdout.ends_with(loaded), "{created:?}");
    assert!(key_file.exists());
    let serving = serve(&data)
        .variable("REMEMBERD_KEY_FILE", &key_file)
        .start();
    let read = serving.client(DEMO_ACCESS_TOKEN).read(LOGIN).login();
    assert_eq!(read.id, LOGIN);
}

#[test]
fn a_database_is_not_created_against_the_setting_and_a_missing_one_is_named() {
    let home = home();
    let mounted = home.path().join("mounted");
    let message = serve(&mounted).assert_fails();
    let expected = format!(
        "rememberd: REMEMBERD_DATA_DIR={}: there is no such directory, and --no-create is set: is its disk mounted? ",
        mounted.display()
    );
    assert!(message.starts_with(&expected), "{message}");
    fs::create_dir(&mounted).expect("it is created");
    let message = serve(&mounted).assert_fails();
    assert!(
        message.contains("the directory has no database"),
        "{message}"
    );
    let mend = format!("\"rememberd init --data-dir {}\"", mounted.display());
    assert!(message.contains(&mend), "{message}");
    assert_eq!(names(&mounted), [""; 0]);
}

#[test]
fn nothing_is_left_of_a_start_that_is_refused() {
    let home = home();
    let invalid = home.path().join("invalid.json");
    fs::write(&invalid, "{\"tenant\": [{}]}").expect("a file");
    let not_keys = home.path().join("not-keys");
    fs::write(&not_keys, "no key").expect("a file");
    let taken = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let taken = taken.local_addr().expect("an address");
    let before = names(home.path());
    let data = home.path().join("deep").join("data");
    let empty = home.path().join("empty");
    let start =
        |data: &Path, command: &str| Launch::new(&[command]).variable("REMEMBERD_DATA_DIR", data);
    for command in ["serve", "init"] {
        let missing = home.path().join("missing.json");
        let launches = |data: &Path| {
            [
                start(data, command).seed(&missing),
                start(data, command).seed(&invalid),
                start(data, command)
                    .argument("--key-file")
                    .argument(&not_keys),
                start(data, command)
                    .argument("--key-file")
                    .argument(missing.join("keys")),
                start(data, command).argument("--listen=nowhere"),
            ]
        };
        for launch in launches(&data) {
            launch.argument("--start-retry=0s").assert_fails();
            assert_eq!(names(home.path()), before);
        }
        fs::create_dir(&empty).expect("it is created");
        for launch in launches(&empty) {
            launch.argument("--start-retry=0s").assert_fails();
            assert_eq!(names(&empty), [""; 0]);
        }
        fs::remove_dir(&empty).expect("it is empty");
    }
    let serve = || start(&data, "serve");
    for launch in [
        serve().argument(format!("--listen={taken}")),
        serve().argument("--listen=0.0.0.0:0").seed(DEMO_SEED),
    ] {
        launch.assert_fails();
        assert_eq!(names(home.path()), before);
    }
}

#[test]
fn nothing_is_left_of_a_database_for_which_there_is_no_room() {
    let home = home();
    let data = home.path().join("deep").join("data");
    let key_file = home.path().join("keys");
    let start = |command: &str, blocks: u32| {
        Launch::new(&[command, "--start-retry=0s", "--listen=127.0.0.1:0"])
            .variable("REMEMBERD_DATA_DIR", &data)
            .variable("REMEMBERD_KEY_FILE", &key_file)
            .limited(&format!("ulimit -f {blocks}"))
    };
    for blocks in (0..20).map(|power| (1 << power) - 1) {
        let created = start("init", blocks).run();
        if created.status.success() {
            serve(&data)
                .variable("REMEMBERD_KEY_FILE", &key_file)
                .start()
                .stop();
            return;
        }
        for message in [created.stderr, start("serve", blocks).assert_fails()] {
            assert!(!message.contains("rememberd check"), "{message}");
            assert_eq!(names(home.path()), [""; 0], "{blocks}: {message}");
        }
    }
    panic!("no limit is high enough");
}

#[test]
fn a_signal_leaves_nothing_or_a_whole_database() {
    let home = home();
    let seed_file = home.path().join("seed.json");
    let logins: Vec<_> = (0..2_000)
        .map(|number| {
            let id = format!("00000000-0000-4000-8000-{number:012}");
            fixture::login(&id, TOKEN, PROFILE, "default", NOW)
        })
        .collect();
    let mut seed = fixture::seed();
    seed["persistentlogin"] = logins.into();
    fs::write(&seed_file, seed.to_string()).expect("it is written");
    let key_file = home.path().join("keys");
    let before = names(home.path());
    let data = home.path().join("data");
    let database = data.join("rememberd.redb");
    let awaited = [
        data.join("rememberd.lock"),
        data.join("rememberd.redb.unfinished"),
        key_file.clone(),
        database.clone(),
    ];
    for awaited in awaited {
        let process = init(&data)
            .argument("--key-file")
            .argument(&key_file)
            .seed(&seed_file)
            .spawn();
        wait_until("it has begun", || awaited.exists() || database.exists());
        process.signal(Signal::INT);
        let ended = process.wait();
        if ended.status.success() {
            let message = init(&data).assert_fails();
            assert!(message.contains("there is a database already"), "{message}");
            serve(&data)
                .variable("REMEMBERD_KEY_FILE", &key_file)
                .start()
                .stop();
            fs::remove_dir_all(&data).expect("it exists");
            fs::remove_file(&key_file).expect("it exists");
        } else {
            let stopped = "cannot create the database: stopped by a signal; nothing is left of it";
            assert!(ended.stderr.contains(stopped), "{ended:?}");
        }
        assert_eq!(names(home.path()), before, "{awaited:?}: {ended:?}");
    }
}

#[test]
fn a_data_directory_that_others_may_write_to_is_refused() {
    let home = home();
    fs::set_permissions(home.path(), Permissions::from_mode(0o775)).expect("it is ours");
    let message = Launch::serve(home.path()).assert_fails();
    let mend = format!("\"chmod go-w {}\"", home.path().display());
    assert!(message.contains(&mend), "{message}");
    assert_eq!(names(home.path()), [""; 0]);
    fs::set_permissions(home.path(), Permissions::from_mode(0o755)).expect("it is ours");
    Launch::serve(home.path()).start().stop();
}

fn names(directory: &Path) -> Vec<String> {
    let entries = fs::read_dir(directory).expect("a directory");
    let mut names: Vec<String> = entries
        .map(|entry| entry.expect("an entry").file_name())
        .map(|name| name.to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
}
