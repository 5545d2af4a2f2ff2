//! Signing up by the link of a mail, through the API of a process.

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::mail::relay::{Relay, URL};
use crate::support::process::{DEMO_ACCESS_TOKEN, DEMO_SEED, Launch, Serving};

const API: &str = "/crafter-profile/api/1";

#[track_caller]
fn post(serving: &Serving, path: &str, parameters: &[(&str, &str)]) -> Value {
    let client = serving.client(DEMO_ACCESS_TOKEN);
    let response = client.post(&format!("{API}/{path}"), &client.encode(parameters));
    assert_eq!(response.status, 200, "{response:?}");
    serde_json::from_str(&response.body).expect("a body is JSON")
}

#[test]
fn the_link_of_a_mail_verifies_an_account_also_under_a_newer_key() {
    let Some(mut relay) = Relay::plain() else {
        return;
    };
    let home = TempDir::new().expect("a temporary directory");
    let flags = relay.flags();
    let start = || {
        let launch = Launch::serve(home.path()).seed(DEMO_SEED);
        flags
            .iter()
            .fold(launch, |launch, flag| launch.argument(flag))
            .start()
    };
    let serving = start();
    post(
        &serving,
        "tenant/default/verify_new_profiles",
        &[("verify", "true")],
    );
    let sign_up = |username| {
        let form = [
            ("tenantName", "default"),
            ("username", username),
            ("email", "jane@example.com"),
            ("enabled", "true"),
            ("verificationUrl", URL),
        ];
        let created = post(&serving, "profile/create", &form);
        assert_eq!(
            (&created["enabled"], &created["verified"]),
            (&json!(false), &json!(false))
        );
        created["id"].clone()
    };
    let first = (sign_up("signs-up"), relay.token_id());
    let second = (sign_up("signs-up-before-the-key"), relay.token_id());
    let assert_verifies = |serving: &Serving, (profile_id, token_id): (Value, String)| {
        let form = [("verificationTokenId", token_id.as_str())];
        let verified = post(serving, "profile/verify", &form);
        assert_eq!(verified["id"], profile_id);
        assert_eq!(
            (&verified["enabled"], &verified["verified"]),
            (&json!(true), &json!(true))
        );
    };
    assert_verifies(&serving, first);
    serving.stop();
    let rotated = Launch::new(&["key", "rotate", "--data-dir"])
        .argument(home.path())
        .run();
    assert!(rotated.status.success(), "{rotated:?}");
    assert_verifies(&start(), second);
}
