//! The real binary: nothing that gives access is readable in its log or in its data directory.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::client::Client;
use crate::support::fixture::{self, ADMIN, PROFILE};
use crate::support::process::Launch;

/// The first password of a profile that is created.
const FIRST_PASSWORD: &str = "first-Wm4tZ9-password";

/// The one that it gets instead.
const SECOND_PASSWORD: &str = "second-Hb6rN3-password";

/// The one that it gets by a verification token.
const THIRD_PASSWORD: &str = "third-Kx2vD7-password";

/// Where a mail leads; the log must not show it.
const RESET_URL: &str = "https://shop.example/reset-Qp5nT8";

/// A wrong one, for a sign-in.
const WRONG_PASSWORD: &str = "wrong-Vc8sJ5-password";

const SEEDED_TICKET: &str = "4f1d52a0-97b3-4c5e-8f21-6d0c4be7a918";

const SEEDED_VERIFICATION_TOKEN: &str = "a3c7e915-2b68-4df0-9e34-7185bc0fd264";

/// The JSON of a response whose status is of the same class.
fn send(client: &Client, status: u16, path: &str, parameters: &[(&str, &str)]) -> Value {
    let form = client.encode(parameters);
    let response = client.post(&format!("/api/1/{path}"), &form);
    let is_expected = response.status / 100 == status / 100;
    assert!(is_expected, "{path}: {} {}", response.status, response.body);
    serde_json::from_str(&response.body).unwrap_or_default()
}

fn text(value: &Value) -> String {
    value.as_str().expect("a text").to_owned()
}

/// The contents of the files in the directory, but those whose name has `key`.
fn keyless_files(directory: &Path) -> Vec<(String, Vec<u8>)> {
    let mut files = Vec::new();
    for entry in fs::read_dir(directory).expect("a directory") {
        let path = entry.expect("an entry").path();
        let name = path.file_name().expect("a name").to_string_lossy();
        if path.is_dir() {
            files.append(&mut keyless_files(&path));
        } else if !name.contains("key") {
            files.push((path.display().to_string(), fs::read(&path).expect("a file")));
        }
    }
    files
}

#[test]
fn no_secret_is_in_the_log_or_in_the_data_directory() {
    let mut seed = fixture::seed();
    seed["ticket"] = json!([{"_id": SEEDED_TICKET, "tenant": "default", "profileId": PROFILE}]);
    seed["verificationtoken"] =
        json!([{"_id": SEEDED_VERIFICATION_TOKEN, "tenant": "default", "profileId": PROFILE}]);
    let home = TempDir::new().expect("a temporary directory");
    let file = home.path().join("seed.json");
    fs::write(&file, seed.to_string()).expect("it is written");
    let data = home.path().join("data");
    let launch = || {
        Launch::serve(&data)
            .seed(file.to_str().expect("a text"))
            .argument("--log-level=info")
    };

    let mut logs = Vec::new();
    let mut secrets = [
        FIRST_PASSWORD,
        SECOND_PASSWORD,
        THIRD_PASSWORD,
        WRONG_PASSWORD,
        SEEDED_TICKET,
        SEEDED_VERIFICATION_TOKEN,
        ADMIN,
    ]
    .map(str::to_owned)
    .to_vec();
    for _ in 0..2 {
        let serving = launch().start();
        let client = serving.client(ADMIN);
        let profile = [
            ("tenantName", "default"),
            ("username", "secretive"),
            ("email", "secretive@example.com"),
            ("enabled", "true"),
            ("password", FIRST_PASSWORD),
        ];
        let id = text(&send(&client, 200, "profile/create", &profile)["id"]);
        let sign_in = |status, password| {
            let parameters = [
                ("tenantName", "default"),
                ("username", "secretive"),
                ("password", password),
            ];
            send(&client, status, "authentication/authenticate", &parameters)
        };
        sign_in(401, WRONG_PASSWORD);
        secrets.push(text(&sign_in(200, FIRST_PASSWORD)["id"]));
        let update = format!("profile/{id}/update");
        send(&client, 200, &update, &[("password", SECOND_PASSWORD)]);
        let ticket = text(&sign_in(200, SECOND_PASSWORD)["id"]);
        send(
            &client,
            200,
            &format!("authentication/ticket/{ticket}/invalidate"),
            &[],
        );
        secrets.push(ticket);
        let created = client.create_ticket(&id).ticket();
        client.read_ticket(&created.id).ticket();
        secrets.push(created.id);
        let login = client.create(&id).login();
        let refreshed = client.refresh_with(&login.id, &login.token).login();
        secrets.extend([login.token, refreshed.token]);
        client.get(&format!("/api/1/profile/{id}?accessTokenId={ADMIN}"));
        client.create(PROFILE).login();
        let create = || {
            client
                .create_verification_token(&id)
                .verification_token()
                .id
        };
        let [kept, deleted, verified, changed] = [(); 4].map(|()| create());
        client.read_verification_token(&kept).verification_token();
        client.delete_verification_token(&deleted).assert_empty();
        let verify = [("verificationTokenId", verified.as_str())];
        send(&client, 200, "profile/verify", &verify);
        let change = [
            ("resetTokenId", changed.as_str()),
            ("newPassword", THIRD_PASSWORD),
        ];
        send(&client, 200, "profile/change_password", &change);
        secrets.extend([kept, deleted, verified, changed]);
        let reset = [("resetPasswordUrl", RESET_URL)];
        send(
            &client,
            200,
            &format!("profile/{id}/reset_password"),
            &reset,
        );
        send(&client, 204, &format!("profile/{id}/delete"), &[]);
        let ended = serving.stop();
        logs.push(ended.stderr);
    }
    let files = keyless_files(&data);
    let is_in = |part: &[u8], bytes: &[u8]| bytes.windows(part.len()).any(|window| window == part);
    // What is no secret is found, in the same places.
    assert!(logs.iter().all(|log| log.contains(PROFILE)), "{logs:?}");
    assert!(files.iter().any(|(_, bytes)| is_in(b"jdoe", bytes)));
    assert!(logs.iter().all(|log| !log.contains(RESET_URL)), "{logs:?}");
    for secret in &secrets {
        for log in &logs {
            assert!(!log.contains(secret), "{secret} is in the log");
        }
        let raw = uuid::Uuid::try_parse(secret).ok();
        for (path, bytes) in &files {
            assert!(!is_in(secret.as_bytes(), bytes), "{secret} is in {path}");
            let has_raw = raw.is_some_and(|raw| is_in(raw.as_bytes(), bytes));
            assert!(!has_raw, "{secret} is in {path}");
        }
    }
}
