//! The real binary: what it logs, and what it never logs.

use std::collections::HashSet;

use serde_json::Value;
use tempfile::TempDir;

use crate::support::client::{Client, FORM, LOGINS, assert_request_id};
use crate::support::fixture::{LOGIN, NO_LOGIN, PROFILE};
use crate::support::process::{DEMO_ACCESS_TOKEN, DEMO_SEED, Launch};

/// Part of the queries and bodies of [`requests`], and of no line of the log.
const MARK: &str = "marked-text";

/// Part of the audit log's lines, and of no others.
const AUDIT_ONLY: [&str; 1] = [PROFILE];

/// The parts of a request's line that are the same in every run.
#[derive(PartialEq, Eq, Debug)]
struct Line {
    level: String,
    method: String,
    route: String,
    status: u64,
    application: Option<&'static str>,
}

/// A line of a request whose access token is valid.
fn admitted(method: &str, route: &str, status: u64) -> Line {
    Line {
        application: Some("demo"),
        ..line(method, route, status)
    }
}

fn line(method: &str, route: &str, status: u64) -> Line {
    Line {
        level: "INFO".to_owned(),
        method: method.to_owned(),
        route: route.to_owned(),
        status,
        application: None,
    }
}

/// Sends requests of every kind. Returns the secrets in them and in their responses.
fn requests(client: &Client) -> Vec<String> {
    let before = client.read(LOGIN).login();
    let refreshed = client.refresh(LOGIN).login();
    let created = client.create(PROFILE).login();
    client.delete(&created.id).assert_empty();
    let query = format!("accessTokenId={MARK}&other={MARK}");
    client.get(&format!("{LOGINS}/{NO_LOGIN}?{query}"));
    client.post(&format!("{LOGINS}/create"), &query);
    client.get(&format!("/nowhere/{MARK}?{query}"));
    client.send("BREW", &format!("{LOGINS}/create?{query}"), &[], None);
    let headers = [FORM, ("accept", "text/marked-text"), ("cookie", MARK)];
    let target = format!("{LOGINS}/{MARK}/refresh_token?{query}");
    client.send("POST", &target, &headers, Some(query.as_bytes()));
    client.get("/health/ready");
    [
        before.token,
        before.id,
        refreshed.token,
        created.token,
        created.id,
        NO_LOGIN.to_owned(),
        DEMO_ACCESS_TOKEN.to_owned(),
        MARK.to_owned(),
        "accessTokenId".to_owned(),
        "profileId".to_owned(),
    ]
    .into()
}

/// The lines of [`requests`].
fn expected() -> Vec<Line> {
    vec![
        admitted("GET", "persistent_login/read", 200),
        admitted("POST", "persistent_login/refresh_token", 200),
        admitted("POST", "persistent_login/create", 200),
        admitted("POST", "persistent_login/delete", 200),
        line("GET", "persistent_login/read", 403),
        line("POST", "persistent_login/create", 403),
        line("GET", "none", 404),
        line("other", "none", 405),
        line("POST", "persistent_login/refresh_token", 406),
        line("GET", "health/ready", 200),
    ]
}

/// The log, in this format, of a server that served [`requests`]. Asserts that it has no secret.
fn log(format: &str) -> String {
    let home = TempDir::new().expect("a temporary directory");
    let serving = Launch::serve(home.path())
        .seed(DEMO_SEED)
        .argument(format!("--log-format={format}"))
        .start();
    let secrets = requests(&serving.client(DEMO_ACCESS_TOKEN));
    let ended = serving.stop();
    for secret in secrets {
        assert!(!ended.stderr.contains(&secret), "{secret} in {ended:?}");
        // The example data are public, and so is the command to try with them.
        let mut printed = ended
            .stdout
            .lines()
            .filter(|line| !line.starts_with("try: "));
        assert!(
            !printed.any(|line| line.contains(&secret)),
            "{secret} in {ended:?}"
        );
    }
    let mut events = 0;
    for line in ended.stderr.lines() {
        let is_event = is_event(line, format);
        events += usize::from(is_event);
        for text in AUDIT_ONLY {
            assert_eq!(line.contains(text), is_event, "{text} in {line}");
        }
    }
    assert_eq!(events, 3, "{ended:?}");
    ended.stderr
}

/// Whether a line of the log is one of the audit log.
fn is_event(line: &str, format: &str) -> bool {
    match format {
        "json" => {
            let event: Value = serde_json::from_str(line).expect("every line is JSON");
            event["fields"]["message"] == "audit"
        }
        _ => line.contains(" INFO audit what="),
    }
}

#[test]
fn each_request_is_a_line_of_text_without_secrets() {
    let log = log("text");
    let mut ids = Vec::new();
    let mut lines = Vec::new();
    for text in log.lines().filter(|text| text.contains(" INFO request ")) {
        let field = |name: &str| {
            text.split(' ')
                .find_map(|field| field.strip_prefix(name)?.strip_prefix('='))
                .unwrap_or_else(|| panic!("no {name} in {text}"))
                .trim_matches('"')
        };
        let number = |name: &str| -> u64 { field(name).parse().expect("a number") };
        let level = text.split_whitespace().nth(1).unwrap_or_default();
        ids.push(field("request_id").to_owned());
        assert!(number("duration_us") > 0);
        lines.push(Line {
            level: level.to_owned(),
            application: text.contains(r#" application="demo""#).then_some("demo"),
            ..line(field("method"), field("route"), number("status"))
        });
    }
    assert_eq!(lines, expected());
    assert_ids(&ids);
}

#[test]
fn each_request_is_a_json_object_without_secrets() {
    let log = log("json");
    let mut ids = Vec::new();
    let mut audited = Vec::new();
    let mut lines = Vec::new();
    for text in log.lines() {
        let event: Value = serde_json::from_str(text).expect("every line is JSON");
        let fields = &event["fields"];
        let id = fields["request_id"].as_str();
        if fields["message"] == "audit" {
            // The request's own line may come before it or after it.
            audited.push(id.expect("an id").to_owned());
        }
        let Some(id) = id.filter(|_| fields["message"] == "request") else {
            continue;
        };
        let text = |value: &Value| value.as_str().expect("a text").to_owned();
        ids.push(id.to_owned());
        assert!(fields["duration_us"].as_f64().is_some(), "{event}");
        assert!(text(&event["timestamp"]).ends_with('Z'));
        lines.push(Line {
            level: text(&event["level"]),
            method: text(&fields["method"]),
            route: text(&fields["route"]),
            status: fields["status"].as_u64().expect("a number"),
            application: (fields["application"] == "demo").then_some("demo"),
        });
    }
    assert_eq!(lines, expected());
    assert_ids(&ids);
    assert_eq!(audited, ids[1..4], "each write has the id of its request");
}

/// Asserts that these are the ids of different requests.
#[track_caller]
fn assert_ids(ids: &[String]) {
    let different: HashSet<_> = ids.iter().collect();
    assert_eq!(different.len(), ids.len(), "{ids:?}");
    ids.iter().for_each(|id| assert_request_id(id));
}

#[test]
fn at_a_higher_level_requests_are_not_logged() {
    let home = TempDir::new().expect("a temporary directory");
    for level in ["warn", "error"] {
        let serving = Launch::serve(home.path())
            .seed(DEMO_SEED)
            .argument(format!("--log-level={level}"))
            .start();
        requests(&serving.client(DEMO_ACCESS_TOKEN));
        assert_eq!(serving.stop().log(), "");
    }
}

#[test]
fn what_cannot_be_parsed_is_a_line_with_the_id_of_its_response() {
    let home = TempDir::new().expect("a temporary directory");
    let mut serving = Launch::serve(home.path()).seed(DEMO_SEED).start();
    let mut wire = serving.wire();
    wire.send("nonsense\r\n\r\n");
    let response = wire.response();
    let id = response.header("x-request-id");
    let line = serving.wait_for_log(id);
    assert!(
        line.contains(r#"method="none" route="none" status=400 "#),
        "{line}"
    );
}
