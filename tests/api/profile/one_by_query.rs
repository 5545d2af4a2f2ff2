//! Looking for one profile that matches a query. What it has in common with lists is tested with those.

use crate::profile::seed::{
    ADMIN, ANNA, ANNA_JSON, BEN_JSON, READER, ask, assert_json, get, server,
};
use crate::support::client::Response;
use crate::support::server::Server;

fn one_by_query(server: &Server, query: &str) -> Response {
    ask(server, ADMIN, "one_by_query", query)
}

#[test]
fn the_first_profile_by_username_is_returned() {
    let server = server();
    for query in [
        "",
        "{}",
        "{username:'anna'}",
        "{roles:'USER'}",
        "{username:{$in:['carl','anna']}}",
    ] {
        assert_json(&one_by_query(&server, query), ANNA_JSON);
    }
    for query in ["{enabled:false}", "{username:/^b/}", "{roles:null}"] {
        assert_json(&one_by_query(&server, query), BEN_JSON);
    }
    server.update_profile(ANNA, |profile| profile.username = "zoe".to_owned());
    assert_json(&one_by_query(&server, "{}"), BEN_JSON);
    let ids = format!("{{_id:{{$in:[ObjectId('{ANNA}'),ObjectId('60a000000000000000000002')]}}}}");
    assert_json(&one_by_query(&server, &ids), BEN_JSON);
}

#[test]
fn the_attributes_are_those_that_the_caller_may_read_and_wants() {
    let server = server();
    let attributes = |token, to_return| {
        let parameters = [
            ("tenantName", "corp"),
            ("query", "{username:'anna'}"),
            ("attributeToReturn", to_return),
        ];
        let body = get(&server, token, "one_by_query", &parameters).body;
        let profile: serde_json::Value = serde_json::from_str(&body).expect("a profile");
        profile["attributes"].to_string()
    };
    assert_eq!(
        attributes(ADMIN, "tree.h.i,secret"),
        r#"{"tree":{"h":{"i":1}}}"#
    );
    assert_eq!(attributes(READER, "secret,age"), r#"{"secret":"s"}"#);
    assert_eq!(attributes(ADMIN, "$none"), "{}");
}

#[test]
fn no_match_is_not_found() {
    let server = server();
    for query in [
        "{username:'nobody'}",
        "{enabled:'no'}",
        "{_id:{$oid:'60a000000000000000000004'}}",
    ] {
        let message = format!("No profile found for tenant \"corp\" and query \"{query}\"");
        one_by_query(&server, query).assert_error(404, "NO_SUCH_PROFILE", &message);
    }
    // A long query is cut.
    let query = format!("{{username:'{}'}}", "x".repeat(300));
    let message = format!(
        "No profile found for tenant \"corp\" and query \"{}…\"",
        &query[..200]
    );
    one_by_query(&server, &query).assert_error(404, "NO_SUCH_PROFILE", &message);
}
