//! The secret keys: their file, and that neither the database nor the log has a token.

use std::collections::HashMap;
use std::fs;
use std::panic;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};
use tempfile::TempDir;

use crate::support::fixture::{LOGIN, PROFILE};
use crate::support::process::{DEMO_ACCESS_TOKEN, DEMO_SEED, Ended, Launch, Serving};

const KEY_FILE: &str = "rememberd.keys";

fn home() -> TempDir {
    TempDir::new().expect("a temporary directory")
}

fn launch(home: &TempDir) -> Launch {
    Launch::serve(home.path()).seed(DEMO_SEED)
}

/// A token of the demo's login and one of a new login, after a refresh of both, and the new login's id.
fn tokens(serving: &Serving) -> (String, String, String) {
    let client = serving.client(DEMO_ACCESS_TOKEN);
    let created = client.create(PROFILE).login();
    let refreshed = client.refresh(&created.id).login().token;
    (client.refresh(LOGIN).login().token, refreshed, created.id)
}

fn key_rotate(home: &TempDir) -> Ended {
    Launch::new(&["key", "rotate", "--data-dir"])
        .argument(home.path())
        .run()
}

fn files(directory: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(directory).expect("a directory");
    let files = entries.map(|entry| entry.expect("an entry").path());
    files.filter(|path| path.is_file()).collect()
}

#[test]
fn a_start_without_the_key_is_refused_and_changes_nothing() {
    let home = home();
    let serving = launch(&home).start();
    let (_, token, id) = tokens(&serving);
    serving.stop();
    let path = home.path().join(KEY_FILE);
    let key = fs::read(&path).expect("the key file");
    fs::remove_file(&path).expect("it is there");
    let message = launch(&home).assert_fails();
    let expected = format!(
        "rememberd: {}: key 1 is missing, and 2 logins need it; the file is missing or empty, \
         and without --key-file the keys are in the data directory; restore the file, or start once with --new-key, \
         which ends these logins\n",
        path.display()
    );
    assert!(message.ends_with(&expected), "{message}");
    assert!(!path.exists(), "no other key takes its place");
    let other = String::from_utf8(key.clone()).expect("it is text");
    let other = other.replace("\n1 ", "\n1 0").replace("\n1 0", "\n1 ");
    let flipped = flip_last_digit(&other);
    fs::write(&path, flipped).expect("it is written");
    let message = launch(&home).assert_fails();
    assert!(
        message.contains("key 1 is another one, and 2 logins need it"),
        "{message}"
    );
    fs::write(&path, key).expect("it is written");
    let serving = launch(&home).start();
    let client = serving.client(DEMO_ACCESS_TOKEN);
    client.refresh_with(&id, &token).login();
}

/// The text of a key file with another last digit in its last key.
fn flip_last_digit(text: &str) -> String {
    let text = text.trim_end();
    let (start, last) = text.split_at(text.len() - 1);
    format!("{start}{}\n", if last == "0" { "1" } else { "0" })
}

#[test]
fn with_a_new_key_the_logins_of_the_missing_one_end_and_others_begin() {
    let home = home();
    let serving = launch(&home).start();
    let (_, token, id) = tokens(&serving);
    serving.stop();
    fs::remove_file(home.path().join(KEY_FILE)).expect("it is there");
    let mut serving = launch(&home)
        .argument("--new-key")
        .argument("--cleaner-interval=1s")
        .start();
    let client = serving.client(DEMO_ACCESS_TOKEN);
    for id in [LOGIN, &id] {
        client.read(id).assert_no_such_login(id);
        client.refresh_with(id, &token).assert_no_such_login(id);
    }
    assert_eq!(client.by_profile(PROFILE, "").list(), []);
    serving.wait_for_log("key_missing");
    let created = client.create(PROFILE).login();
    let next = client.refresh_with(&created.id, &created.token).login();
    serving.stop();
    // The access token is found though the key that sealed it is gone.
    let serving = launch(&home).start();
    let client = serving.client(DEMO_ACCESS_TOKEN);
    assert_eq!(client.read(&created.id).login(), next);
    assert_eq!(client.by_profile(PROFILE, "").listed_ids(), [created.id]);
}

#[test]
fn a_rotated_key_is_used_from_the_next_rotation_of_a_login_on() {
    let home = home();
    let ended = key_rotate(&home);
    assert!(!ended.status.success());
    assert!(ended.stderr.contains("it has no key"), "{}", ended.stderr);
    let serving = launch(&home).start();
    let (imported, token, id) = tokens(&serving);
    let path = home.path().join(KEY_FILE);
    let before = fs::read(&path).expect("the key file");
    let ended = key_rotate(&home);
    assert!(!ended.status.success(), "{ended:?}");
    assert!(
        ended
            .stderr
            .contains("it is in use by a server, which would not notice the key"),
        "{ended:?}"
    );
    assert!(
        ended.stderr.contains("\"rememberd admin key rotate\""),
        "{ended:?}"
    );
    assert_eq!(fs::read(&path).expect("the key file"), before);
    serving.stop();
    let ended = key_rotate(&home);
    assert!(ended.status.success(), "{}", ended.stderr);
    assert!(
        ended.stdout.starts_with("key 2 was added to "),
        "{}",
        ended.stdout
    );
    let serving = launch(&home).start();
    let client = serving.client(DEMO_ACCESS_TOKEN);
    assert_eq!(client.read(&id).login().token, token);
    let next = client.refresh_with(&id, &token).login();
    client.refresh_with(LOGIN, &imported).login();
    // The token of the earlier key is the one that was just replaced.
    assert_eq!(client.refresh_with(&id, &token).login(), next);
    serving.stop();
    // With the new key alone the login goes on.
    let text = fs::read_to_string(&path).expect("the key file");
    let kept: String = text
        .lines()
        .filter(|line| !line.starts_with("1 "))
        .map(|line| format!("{line}\n"))
        .collect();
    fs::write(&path, kept).expect("it is written");
    let message = launch(&home).assert_fails();
    assert!(
        message.contains("key 1 is missing, and 0 logins need it"),
        "{message}"
    );
    let serving = launch(&home).argument("--new-key").start();
    let client = serving.client(DEMO_ACCESS_TOKEN);
    assert_eq!(client.read(&id).login(), next);
    client.refresh_with(&id, &next.token).login();
}

#[test]
fn the_key_file_may_be_elsewhere_and_the_database_has_no_token_in_clear() {
    // As many as the profile may have beside the one of the demo.
    const LOGINS: usize = 990;
    let (home, elsewhere) = (home(), home());
    let key_file = elsewhere.path().join("keys");
    let launch = || {
        Launch::serve(home.path())
            .argument("--key-file")
            .argument(&key_file)
            .argument("--log-format=json")
    };
    let mut serving = launch().start();
    let access_token = serving.first_token();
    assert_eq!(access_token.len(), 64);
    serving.stop();
    let home = seeded(&key_file);
    let serve = || {
        Launch::serve(home.path())
            .argument("--key-file")
            .argument(&key_file)
    };
    let serving = serve().start();
    let client = serving.client(DEMO_ACCESS_TOKEN);
    let mut secrets = vec![access_token, DEMO_ACCESS_TOKEN.to_owned()];
    // The imported one, and those that replace it as long as it is kept.
    secrets.push(client.read(LOGIN).login().token);
    secrets.push(client.refresh(LOGIN).login().token);
    let mut last = Vec::new();
    for _ in 0..LOGINS {
        let created = client.create(PROFILE).login();
        let next = client.refresh_with(&created.id, &created.token).login();
        secrets.extend([created.token, next.token.clone()]);
        last.push((created.id, next.token));
    }
    let mut contents = files_of(home.path());
    let mut log = serving.stop().stderr;
    assert!(!home.path().join(KEY_FILE).exists());
    let rotated = Launch::new(&["key", "rotate", "--data-dir"])
        .argument(home.path())
        .argument("--key-file")
        .argument(&key_file)
        .run();
    assert!(rotated.status.success(), "{}", rotated.stderr);
    log += &(rotated.stdout + &rotated.stderr);
    let serving = serve().start();
    let client = serving.client(DEMO_ACCESS_TOKEN);
    secrets.push(client.refresh(LOGIN).login().token);
    for (id, token) in &last[..LOGINS / 10] {
        secrets.push(client.refresh_with(id, token).login().token);
    }
    // Refusals: a token of another login, one that is none, and unknown access tokens.
    let (id, token) = &last[LOGINS - 1];
    client.refresh_with(LOGIN, token).assert_unknown_token();
    client
        .refresh_with(id, &format!("{token}0"))
        .assert_bad_parameter("token");
    for caller in [token.as_str(), &secrets[0]] {
        let refused = serving.client(caller).read(id);
        assert_eq!(refused.status, 403, "{refused:?}");
    }
    log += &serving.stop().stderr;
    contents.extend(files_of(home.path()));
    contents.push(log.into_bytes());
    let mut forms = Forms::default();
    for secret in &secrets {
        forms.add(secret);
    }
    for content in &contents {
        forms.assert_absent(content);
    }
    // The search would find one, wherever it begins.
    for form in forms_of(&secrets[2]) {
        let leak = [b"x", form.as_slice()].concat();
        assert!(panic::catch_unwind(|| forms.assert_absent(&leak)).is_err());
    }
    for start in ["", "x", "xy"] {
        let bytes = [start.as_bytes(), secrets[2].as_bytes()].concat();
        let leak = STANDARD.encode(bytes).into_bytes();
        assert!(panic::catch_unwind(|| forms.assert_absent(&leak)).is_err());
    }
}

/// The contents of the files in a directory, as a backup would have them.
fn files_of(directory: &Path) -> Vec<Vec<u8>> {
    let files = files(directory);
    let contents = files
        .iter()
        .map(|path| fs::read(path).expect("it is readable"));
    contents.collect()
}

/// A secret as it could be written: as text, in hexadecimal digits of either case, as bytes in either order, and text
/// and bytes in Base64 of either alphabet, whatever comes before them.
fn forms_of(secret: &str) -> Vec<Vec<u8>> {
    let plain = secret.replace('-', "");
    let bytes = (0..plain.len() / 2).map(|index| {
        let digits = &plain[2 * index..2 * index + 2];
        u8::from_str_radix(digits, 16).expect("hexadecimal digits")
    });
    let bytes: Vec<u8> = bytes.collect();
    let reversed = bytes.iter().rev().copied().collect();
    let upper = [secret, &plain].map(|text| text.to_uppercase().into_bytes());
    let mut forms = vec![secret.into(), plain.into_bytes(), bytes.clone(), reversed];
    forms.extend(upper);
    for encoded in [secret.as_bytes(), &bytes] {
        for before in 0..3 {
            let padded = [&[0; 2][..before], encoded].concat();
            for engine in [&STANDARD, &URL_SAFE] {
                let text = engine.encode(&padded).into_bytes();
                // The first and the last characters depend on what is around.
                forms.push(text[4..text.len() - 4].to_vec());
            }
        }
    }
    forms
}

/// Secrets in each form in which they could be written, by the first bytes of the form.
#[derive(Default)]
struct Forms(HashMap<[u8; 4], Vec<Vec<u8>>>);

impl Forms {
    fn add(&mut self, secret: &str) {
        for form in forms_of(secret) {
            let first = *form.first_chunk().expect("a form is longer");
            self.0.entry(first).or_default().push(form);
        }
    }

    #[track_caller]
    fn assert_absent(&self, content: &[u8]) {
        for (start, first) in content.windows(4).enumerate() {
            let first: &[u8; 4] = first.try_into().expect("four bytes");
            for form in self.0.get(first).into_iter().flatten() {
                assert!(!content[start..].starts_with(form), "{form:?} at {start}");
            }
        }
    }
}

/// A database with the demo's data and the key in `key_file`.
fn seeded(key_file: &Path) -> TempDir {
    let home = home();
    let serving = launch(&home)
        .argument("--key-file")
        .argument(key_file)
        .start();
    serving.stop();
    home
}

#[test]
fn a_check_without_the_keys_names_their_file_and_speaks_of_no_damage() {
    let home = home();
    let serving = launch(&home).start();
    let check = || Launch::new(&["check", "--data-dir"]).argument(home.path());
    let refused = check().run();
    assert_eq!(refused.status.code(), Some(2), "{refused:?}");
    assert!(
        refused.stderr.contains("\"rememberd backup FILE\""),
        "{refused:?}"
    );
    serving.stop();
    let (keys, elsewhere) = (home.path().join(KEY_FILE), home.path().join("elsewhere"));
    fs::rename(&keys, &elsewhere).expect("it is ours");
    let checked = check().run();
    assert_eq!(checked.status.code(), Some(1), "{checked:?}");
    for expected in [
        "No damage was found",
        "--key-file",
        &*keys.to_string_lossy(),
    ] {
        assert!(checked.stdout.contains(expected), "{checked:?}");
    }
    assert!(!checked.stdout.contains("salvage"), "{checked:?}");
    let checked = check().argument("--key-file").argument(&elsewhere).run();
    assert_eq!(checked.status.code(), Some(0), "{checked:?}");
}

#[test]
fn a_key_after_the_highest_number_is_refused_and_changes_nothing() {
    let home = home();
    let path = home.path().join(KEY_FILE);
    let text = format!("{} {}\n", u32::MAX, "ab".repeat(32));
    fs::write(&path, &text).expect("it is written");
    let ended = key_rotate(&home);
    assert_eq!(ended.status.code(), Some(1), "{ended:?}");
    assert!(
        ended.stderr.contains("4294967295 is the highest"),
        "{ended:?}"
    );
    assert_eq!(fs::read_to_string(&path).ok(), Some(text));
}
