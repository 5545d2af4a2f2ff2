//! The real binary from an empty directory on: an application with user ids of its own, as the README has it.

use serde_json::Value;
use tempfile::TempDir;

use crate::support::client::{Client, Response};
use crate::support::process::Launch;

const USER: [(&str, &str); 2] = [("tenantName", "default"), ("username", "4711")];
const OTHER: [(&str, &str); 2] = [("tenantName", "default"), ("username", "4712")];

#[track_caller]
fn text(response: &Response, name: &str) -> String {
    assert_eq!(response.status, 200, "{response:?}");
    let json: Value = serde_json::from_str(&response.body).expect("it is JSON");
    json[name].as_str().expect("it is a text").to_owned()
}

/// Signs the user in. Returns the cookie: the id and the token.
#[track_caller]
fn sign_in(client: &Client, user: &[(&str, &str)]) -> (String, String) {
    let parameters = [user, &[("createProfile", "true"), ("userAgent", "one")]].concat();
    let created = client.post_with("create", &parameters).login();
    (created.id, created.token)
}

/// A visitor comes with a cookie. Returns the new one, and who it is.
#[track_caller]
fn come_back(client: &Client, (id, token): (String, String)) -> ((String, String), String) {
    let parameters = [
        ("token", token.as_str()),
        ("extended", "true"),
        ("userAgent", "two"),
    ];
    let refreshed = client.post_with(&format!("{id}/refresh_token"), &parameters);
    (
        (id, text(&refreshed, "token")),
        text(&refreshed, "username"),
    )
}

fn sign_out(client: &Client, id: &str, user: &[(&str, &str)]) -> Response {
    client.post_with(&format!("{id}/delete"), user)
}

#[test]
fn an_application_signs_its_users_in_and_out_with_three_calls() {
    let home = TempDir::new().expect("a temporary directory");
    let mut serving = Launch::serve(home.path()).start();
    let access_token = serving.first_token();
    let client = serving.client(&access_token);
    let mine = sign_in(&client, &USER);
    let second = sign_in(&client, &USER);
    let others = sign_in(&client, &OTHER);
    let (mine, username) = come_back(&client, mine);
    assert_eq!(username, "4711");
    let listed = client.get_with("by_profile", &USER).list();
    assert_eq!(listed.len(), 2);
    let agents: Vec<_> = listed
        .iter()
        .map(|login| login.user_agent.as_deref())
        .collect();
    assert!(agents.contains(&Some("one")) && agents.contains(&Some("two")));

    // The server was restarted in between.
    serving.stop();
    let serving = Launch::serve(home.path()).start();
    let client = serving.client(&access_token);
    let (mine, username) = come_back(&client, mine);
    assert_eq!(username, "4711");
    // An id from a page is not the visitor's own.
    sign_out(&client, &others.0, &USER).assert_no_such_login(&others.0);
    sign_out(&client, &mine.0, &USER).assert_empty();
    client.read(&mine.0).assert_no_such_login(&mine.0);
    client.delete(&mine.0).assert_empty();
    client
        .post_with("delete_by_profile", &USER)
        .assert_deleted(1);
    client.read(&second.0).assert_no_such_login(&second.0);
    let (_, username) = come_back(&client, others);
    assert_eq!(username, "4712");
    serving.stop();
}
