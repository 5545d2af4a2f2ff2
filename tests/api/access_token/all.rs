//! Looking at all access tokens.

use rememberd::testing::Event;
use serde_json::{Value, json};

use super::{MASTER, TOKENS, master, server, setup};
use crate::support::fixture;

#[track_caller]
fn ids(json: &str) -> Vec<String> {
    let list: Vec<Value> = serde_json::from_str(json).expect("a list");
    let ids = list
        .iter()
        .map(|token| token["id"].as_str().expect("an id"));
    ids.map(str::to_owned).collect()
}

#[test]
fn access_tokens_are_listed_in_the_order_of_their_creation() {
    let server = server();
    let client = master(&server);
    let seed = fixture::seed();
    let seeded = seed["accesstoken"].as_array().expect("a list");
    let seeded = seeded
        .iter()
        .map(|token| token["_id"].as_str().expect("an id"));
    let mut expected: Vec<_> = seeded.chain([MASTER]).map(str::to_owned).collect();
    assert_eq!(ids(&client.read_token("all").body), expected);
    // Enough for several pieces.
    for number in 0..70 {
        let id = format!("{}", 1_000 - number * 7);
        let created = client.create_token(&json!({"application": "shop", "id": id}));
        assert_eq!(created.status, 200);
        expected.push(id);
    }
    client.delete_token(&expected.remove(3)).assert_empty();
    client.delete_token(&expected.remove(40)).assert_empty();
    let list = client.read_token("all.json");
    assert_eq!(ids(&list.body), expected);
    assert_eq!(server.app.audit.count(Event::DeleteAccessToken), 2);
    // Each is as it is when it is looked at by itself.
    let each: Vec<_> = expected
        .iter()
        .map(|id| client.read_token(id).body)
        .collect();
    assert_eq!(list.body, format!("[{}]", each.join(",")));
    // One that is created again comes last.
    let again = expected.remove(0);
    client.delete_token(&again).assert_empty();
    client.create_token(&json!({"application": "x", "id": again}));
    expected.push(again);
    assert_eq!(ids(&client.read_token("all").body), expected);
    let server = setup().home(server.stop()).start();
    assert_eq!(ids(&master(&server).read_token("all").body), expected);
}

#[test]
fn only_a_master_looks() {
    let server = server();
    let refused = server.client().read_token("all");
    refused.assert_no_master("global action \"READ_TOKEN\"");
    let unknown = server.client().with_token("nobody");
    unknown.read_token("all").assert_unknown_caller("nobody");
}

#[test]
fn the_list_cannot_be_written() {
    let server = server();
    let response = server.client().post(&format!("{TOKENS}/all"), "");
    response.assert_error(405, "OTHER", "Request method 'POST' not supported");
    assert_eq!(response.header("allow"), "GET,HEAD,OPTIONS");
}
