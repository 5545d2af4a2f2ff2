//! Monitoring: the state of the process, for who has the management token.

mod process;

use rememberd::testing::{ManagementToken, Phase};
use serde_json::Value;

use crate::support::client::Response;
use crate::support::fixture::ADMIN;
use crate::support::server::{Server, Setup};

const API: &str = "/crafter-profile/api/1/monitoring";
const TOKEN: &str = "a management token of tests";
const QUERY: &str = "?token=a%20management%20token%20of%20tests";
const PATHS: [&str; 3] = ["status", "memory", "version"];

fn start(setup: Setup) -> Server {
    let server = setup.start();
    let token = ManagementToken::new(TOKEN).expect("a token");
    server
        .app
        .management_token
        .set(token)
        .expect("there is none");
    server
}

#[track_caller]
fn json(response: &Response) -> Value {
    assert_eq!(response.status, 200, "{}", response.body);
    assert_eq!(
        response.header("content-type"),
        "application/json;charset=UTF-8"
    );
    assert_eq!(response.header("cache-control"), "no-store");
    serde_json::from_str(&response.body).expect("JSON")
}

#[test]
fn the_status_is_the_time_since_the_start_and_the_start() {
    let server = start(Setup::new());
    let response = server.client().get(&format!("{API}/status{QUERY}"));
    let uptime = json(&response)["uptime"].as_u64().expect("seconds");
    assert!(uptime < 60, "{uptime}");
    let expected = format!(r#"{{"uptime":{uptime},"startup":"2017-05-24T22:35:32.589Z"}}"#);
    assert_eq!(response.body, expected);
}

#[test]
fn the_memory_and_the_version_are_those_of_the_process() {
    let server = start(Setup::new());
    let memory = json(&server.client().get(&format!("{API}/memory{QUERY}")));
    let bytes = |name: &str| memory[name].as_u64().expect("a number of bytes");
    assert!(bytes("resident") > 1 << 20);
    assert!(bytes("residentMax") >= bytes("resident") && bytes("virtual") >= bytes("resident"));
    let version = server.client().get(&format!("{API}/version{QUERY}"));
    json(&version);
    let expected = format!(
        r#"{{"name":"rememberd","version":"{}"}}"#,
        env!("CARGO_PKG_VERSION")
    );
    assert_eq!(version.body, expected);
}

#[test]
fn it_is_disabled_until_a_token_is_configured() {
    let server = Server::start();
    for path in PATHS {
        for query in ["", QUERY, "?token=", &format!("?accessTokenId={ADMIN}")] {
            let response = server.client().get(&format!("{API}/{path}{query}"));
            let message = "Monitoring is disabled: no management token is configured";
            response.assert_error(404, "OTHER", message);
        }
    }
}

#[test]
fn a_wrong_token_is_401_and_a_missing_one_400() {
    let server = start(Setup::new());
    let client = server.client();
    for path in PATHS {
        for wrong in ["", "x", "a%20management%20token%20of%20test", ADMIN] {
            let response = client.get(&format!("{API}/{path}?token={wrong}"));
            let message = "Management authorization failed, invalid token.";
            response.assert_error(401, "ACCESS_DENIED", message);
        }
        for query in ["", &format!("?accessTokenId={ADMIN}")] {
            let response = client.get(&format!("{API}/{path}{query}"));
            let message = "Required request parameter 'token' for method parameter type String is not present";
            response.assert_error(400, "OTHER", message);
        }
    }
}

#[test]
fn the_token_may_be_in_the_header_and_not_in_the_url_where_that_is_refused() {
    let server = start(Setup::new().flag("--refuse-url-secrets"));
    let client = server.client();
    let target = format!("{API}/version");
    let get = |target: &str, token: &str| {
        let bearer = format!("Bearer {token}");
        client.send("GET", target, &[("authorization", &bearer)], None)
    };
    json(&get(&target, TOKEN));
    assert_eq!(get(&target, "x").status, 401);
    client
        .get(&format!("{target}{QUERY}"))
        .assert_bad_parameter("token");
}

#[test]
fn it_is_as_other_paths_are() {
    let server = start(Setup::new());
    let client = server.client();
    for path in PATHS {
        let target = format!("{API}/{path}{QUERY}");
        let head = client.send("HEAD", &target, &[], None);
        assert_eq!((head.status, head.body.as_str()), (200, ""));
        json(&client.get(&format!("/api/1/monitoring/{path}.json{QUERY}")));
        let response = client.post(&format!("{API}/{path}"), "token=x");
        response.assert_error(405, "OTHER", "Request method 'POST' not supported");
        assert_eq!(response.header("allow"), "GET,HEAD,OPTIONS");
        let options = client.send("OPTIONS", &format!("{API}/{path}"), &[], None);
        options.assert_empty();
        assert_eq!(options.header("allow"), "GET,HEAD,OPTIONS");
        let html = [("accept", "text/html")];
        let response = client.send("GET", &target, &html, None);
        let message = "Answers are application/json, which the Accept header excludes";
        response.assert_error(406, "OTHER", message);
        let suffixed = format!("{API}/{path}.json{QUERY}");
        json(&client.send("GET", &suffixed, &html, None));
    }
    client
        .get(&format!("{API}/{QUERY}"))
        .assert_other_error(404);
    client
        .get(&format!("{API}/others{QUERY}"))
        .assert_other_error(404);
}

#[test]
fn it_is_served_while_the_server_starts() {
    let server = start(Setup::new().phase(Phase::Starting));
    json(&server.client().get(&format!("{API}/status{QUERY}")));
}
