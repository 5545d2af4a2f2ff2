//! The audit log: each event of a login is counted in the server and written to the real binary's log.

use std::pin::pin;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rememberd::testing::{
    Caller, Device, Event, Reason, Token, service::audit_key, service::persistent_login,
};
use serde_json::Value;
use tempfile::TempDir;

use crate::persistent_login::compare_and_rotate::{GRACE, reused_token};
use crate::support::client::Client;
use crate::support::fixture::{
    ACME_LOGIN, ADMIN, DISABLED_LOGIN, LOGIN, NO_LOGIN, POWERLESS, PROFILE, TOKEN,
};
use crate::support::process::{DEMO_ACCESS_TOKEN, DEMO_SEED, Launch, Serving};
use crate::support::raw_request::waiting_for_writer;
use crate::support::server::{Server, Setup, wait_until};

/// A UUID that no login has as a token.
const NO_TOKEN: &str = "11111111-2222-4333-8444-555555555555";

const REUSE: Event = Event::Revocation(Reason::TokenReuse);

const CAP: Event = Event::Revocation(Reason::Cap);

/// Asserts that `work` counts these events and no other.
#[track_caller]
fn assert_counts(server: &Server, work: impl FnOnce(), expected: &[(Event, u64)]) {
    let audit = Arc::clone(&server.app.audit);
    wait_for_audit_log(server);
    let before = Event::ALL.map(|event| audit.count(event));
    work();
    wait_for_audit_log(server);
    for (event, before) in Event::ALL.into_iter().zip(before) {
        let expected = expected.iter().find(|(expected, _)| *expected == event);
        let expected = expected.map_or(0, |(_, count)| *count);
        assert_eq!(audit.count(event) - before, expected, "{event:?}");
    }
}

/// Waits until the audit log has recorded all jobs that the writer's queue contains.
fn wait_for_audit_log(server: &Server) {
    // A batch is recorded after its responses are sent, and the first wait may be part of that batch.
    server.wait_for_writer();
    server.wait_for_writer();
}

#[test]
fn each_action_is_counted_as_its_event() {
    let server = Setup::new()
        .flag("--coalesce-refreshes=5s")
        .flag("--logins-per-profile-max=2")
        .start();
    let client = server.client();
    let refresh = |token: &str| drop(client.refresh_with(LOGIN, token));
    assert_counts(
        &server,
        || drop(client.refresh(LOGIN)),
        &[(Event::Rotation, 1)],
    );
    assert_counts(
        &server,
        || drop(client.refresh(LOGIN)),
        &[(Event::Coalesced, 1)],
    );
    assert_counts(&server, || refresh(TOKEN), &[(Event::Grace, 1)]);
    let current = client.refresh(LOGIN).login().token;
    assert_counts(&server, || refresh(&current), &[(Event::Rotation, 1)]);
    assert_counts(
        &server,
        || drop(client.create(PROFILE)),
        &[(Event::Create, 1)],
    );
    let over_cap = [(Event::Create, 1), (CAP, 1)];
    server.app.clock.advance(Duration::from_secs(1));
    assert_counts(&server, || drop(client.create(PROFILE)), &over_cap);
    let unknown = || {
        client
            .refresh_with(ACME_LOGIN, NO_TOKEN)
            .assert_unknown_token()
    };
    assert_counts(&server, unknown, &[(Event::UnknownToken, 1)]);
    let id = client.by_profile(PROFILE, "").listed_ids().remove(0);
    let first = client.read(&id).login();
    let second = client.refresh_with(&id, &first.token).login();
    server.app.clock.advance(4 * GRACE);
    let retry = || drop(client.refresh_with(&id, &first.token));
    assert_counts(&server, retry, &[(Event::LateRetry, 1)]);
    let reuse = || drop(client.refresh_with(&id, &second.token));
    assert_counts(&server, reuse, &[(Event::Reuse, 1), (REUSE, 1)]);
    assert_counts(
        &server,
        || drop(client.delete(ACME_LOGIN)),
        &[(Event::Delete, 1)],
    );
    let delete_all = || client.delete_by_profile(PROFILE, "").assert_deleted(1);
    assert_counts(&server, delete_all, &[(Event::Delete, 1)]);
    server.app.clock.advance(Duration::from_secs(1_296_000));
    let clean = || {
        let removed = server.block_on(persistent_login::delete_expired(&server.app));
        assert_eq!(removed, Ok(1));
    };
    assert_counts(&server, clean, &[(Event::Expiry, 1)]);
}

#[test]
fn each_login_that_a_reuse_revokes_is_counted() {
    for (setting, revoked) in [("login", 1), ("profile", 3), ("none", 0)] {
        let server = Setup::new()
            .flag(&format!("--reuse-revokes={setting}"))
            .start();
        let client = server.client();
        client.create(PROFILE).login();
        let (login, token) = reused_token(&server);
        let reuse = || drop(client.refresh_with(&login.id, &token));
        assert_counts(&server, reuse, &[(Event::Reuse, 1), (REUSE, revoked)]);
    }
}

#[test]
fn refused_requests_and_reads_are_not_counted() {
    let server = Server::start();
    let client = server.client();
    let powerless = client.with_token(POWERLESS);
    let nothing = || {
        client.read(LOGIN).login();
        client.by_profile(PROFILE, "").list();
        client.refresh(NO_LOGIN).assert_no_such_login(NO_LOGIN);
        client
            .refresh_with(LOGIN, "x")
            .assert_bad_parameter("token");
        client.delete(NO_LOGIN).assert_empty();
        for refused in [
            client.refresh(DISABLED_LOGIN),
            powerless.create(PROFILE),
            powerless.refresh_with(LOGIN, NO_TOKEN),
            powerless.delete(LOGIN),
            powerless.delete_by_profile(PROFILE, ""),
        ] {
            assert_eq!(refused.status, 403, "{refused:?}");
        }
    };
    assert_counts(&server, nothing, &[]);
}

#[test]
fn a_failed_write_is_not_counted() {
    let server = Server::start();
    let client = server.client();
    let failing = server.fail_disk();
    assert_eq!(client.refresh(LOGIN).status, 503);
    assert_eq!(client.refresh_with(LOGIN, NO_TOKEN).status, 503);
    assert_eq!(client.delete(LOGIN).status, 503);
    drop(failing);
    wait_until("the database is open again", || server.app.is_ready());
    wait_for_audit_log(&server);
    for event in Event::ALL {
        assert_eq!(server.app.audit.count(event), 0, "{event:?}");
    }
    assert_counts(
        &server,
        || drop(client.refresh(LOGIN)),
        &[(Event::Rotation, 1)],
    );
}

#[test]
fn a_write_is_counted_when_the_client_has_disconnected() {
    let server = Setup::new().flag("--queue-jobs-max=1").start();
    let (wire, held) = waiting_for_writer(&server);
    // `waiting_for_writer` may have tried several times, and the earlier rotations were counted.
    let before = server.app.audit.count(Event::Rotation);
    drop(wire);
    drop(held);
    wait_for_audit_log(&server);
    assert_eq!(server.app.audit.count(Event::Rotation), before + 1);
}

/// Queues the write of `work`, and drops `work` before the writer runs it.
fn cancel<T>(server: &Server, work: impl Future<Output = T>) {
    let held = server.hold_writer();
    {
        let mut work = pin!(work);
        assert!(server.begin(work.as_mut()).is_pending());
    }
    drop(held);
}

#[test]
fn each_action_is_counted_when_its_future_was_dropped() {
    let server = Setup::new().flag("--logins-per-profile-max=1").start();
    let app = &server.app;
    let caller = || Caller::new(Some(ADMIN.to_owned()));
    let refresh = |presented: &str| {
        let presented = Token::parse(presented);
        let id = LOGIN.to_owned();
        cancel(
            &server,
            persistent_login::refresh(app, caller(), id, presented),
        );
    };
    assert_counts(&server, || refresh(TOKEN), &[(Event::Rotation, 1)]);
    assert_counts(&server, || refresh(TOKEN), &[(Event::Grace, 1)]);
    server.app.clock.advance(25 * 60 * GRACE);
    let reused = [(Event::Reuse, 1), (REUSE, 1)];
    assert_counts(&server, || refresh(TOKEN), &reused);
    let create = || {
        let create = persistent_login::create(app, caller(), PROFILE.to_owned(), Device::default());
        cancel(&server, create);
    };
    assert_counts(&server, create, &[(Event::Create, 1)]);
    assert_counts(&server, create, &[(Event::Create, 1), (CAP, 1)]);
    let delete = || {
        let delete = persistent_login::delete(app, caller(), ACME_LOGIN.to_owned());
        cancel(&server, delete);
    };
    assert_counts(&server, delete, &[(Event::Delete, 1)]);
    let delete_all = || {
        let delete = persistent_login::delete_by_profile(app, caller(), PROFILE.to_owned(), None);
        cancel(&server, delete);
    };
    assert_counts(&server, delete_all, &[(Event::Delete, 1)]);
}

/// A line of the audit log in the real binary's log.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Line {
    level: String,
    what: String,
    at: i64,
    tenant: Option<String>,
    profile: Option<String>,
    application: Option<String>,
    /// Which login it was, or how many.
    login: Result<String, u64>,
    reason: Option<String>,
}

impl Line {
    fn of(event: &Value) -> Self {
        let mut fields = event["fields"].as_object().expect("fields").clone();
        let count = fields.remove("count").and_then(|count| count.as_u64());
        let mut optional = |name: &str| {
            let field = fields.remove(name)?;
            Some(field.as_str().expect("a text").to_owned())
        };
        let (application, reason) = (optional("application"), optional("reason"));
        let (tenant, profile) = (optional("tenant"), optional("profile"));
        let mut text = |name: &str| optional(name).unwrap_or_else(|| panic!("no {name}"));
        let line = Self {
            level: event["level"].as_str().expect("a level").to_owned(),
            what: text("what"),
            tenant,
            profile,
            login: count.map_or_else(|| Ok(text("login")), Err),
            at: 0,
            application,
            reason,
        };
        assert_eq!(text("message"), "audit");
        let request_id = optional("request_id");
        assert_eq!(request_id.is_some(), line.application.is_some(), "{event}");
        let at = fields.remove("at").and_then(|at| at.as_i64());
        assert!(fields.is_empty(), "{fields:?}");
        Self {
            at: at.expect("a number"),
            ..line
        }
    }

    /// The level, the event and its reason, for comparisons.
    fn summary(&self) -> (&str, &str, Option<&str>) {
        (&self.level, &self.what, self.reason.as_deref())
    }
}

/// The lines of the audit log in a log in JSON.
fn audit_lines(log: &str) -> Vec<Line> {
    let events = log
        .lines()
        .map(|line| -> Value { serde_json::from_str(line).expect("each line of the log is JSON") });
    events
        .filter(|event| event["fields"]["message"] == "audit")
        .map(|event| Line::of(&event))
        .collect()
}

fn launch(home: &TempDir) -> Launch {
    Launch::serve(home.path())
        .seed(DEMO_SEED)
        .argument("--log-format=json")
}

fn home() -> TempDir {
    TempDir::new().expect("a temporary directory")
}

/// The time that the host's clock shows.
fn millis_now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    let millis = since.expect("after the epoch").as_millis();
    i64::try_from(millis).expect("it fits")
}

fn client(serving: &Serving) -> Client {
    serving.client(DEMO_ACCESS_TOKEN)
}

#[test]
fn the_log_has_each_event_and_no_secret() {
    let home = home();
    let began = millis_now();
    let serving = launch(&home)
        .argument("--coalesce-refreshes=10m")
        .argument("--logins-per-profile-max=2")
        .start();
    let client = client(&serving);
    let first = client.read(LOGIN).login();
    let second = client.refresh_with(LOGIN, &first.token).login();
    client.refresh_with(LOGIN, &first.token).login();
    client.refresh(LOGIN).login();
    let other = client.create(PROFILE).login();
    client.delete(&other.id).assert_empty();
    let third = client.create(PROFILE).login();
    client
        .refresh_with(&third.id, NO_TOKEN)
        .assert_unknown_token();
    let device = [("label", "a-label"), ("ipAddress", "192.0.2.7")];
    let fourth = client.create_with(PROFILE, &device).login();
    let fifth = client.create(PROFILE).login();
    client.delete_by_profile(PROFILE, "").assert_deleted(2);
    let log = serving.stop().stderr;
    let ended = millis_now();

    let lines = audit_lines(&log);
    let summaries: Vec<_> = lines.iter().map(Line::summary).collect();
    let expected = [
        ("INFO", "rotation", None),
        ("INFO", "grace", None),
        ("INFO", "coalesced", None),
        ("INFO", "create", None),
        ("INFO", "delete", None),
        ("INFO", "create", None),
        ("WARN", "unknown_token", None),
        ("INFO", "revocation", Some("cap")),
        ("INFO", "create", None),
        ("INFO", "revocation", Some("cap")),
        ("INFO", "create", None),
        ("INFO", "delete", None),
    ];
    assert_eq!(summaries, expected);
    for line in &lines {
        assert_eq!(line.tenant.as_deref(), Some("default"));
        assert_eq!(line.profile.as_deref(), Some(PROFILE));
        assert_eq!(line.application.as_deref(), Some("demo"));
        assert!((began..=ended).contains(&line.at), "{line:?}");
    }
    let (last, single) = lines.split_last().expect("there are lines");
    assert_eq!(last.login, Err(2), "one line for all logins of a profile");
    for line in single {
        let digits = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
        let login = line.login.as_ref().expect("the line is of one login");
        assert!(login.len() == 16 && login.bytes().all(digits));
    }
    assert!(lines.is_sorted_by_key(|line| line.at));

    let secrets = [&first, &second, &other, &third, &fourth, &fifth]
        .into_iter()
        .flat_map(|login| [login.id.clone(), login.token.clone()])
        .chain([NO_TOKEN, DEMO_ACCESS_TOKEN, "a-label", "192.0.2.7"].map(str::to_owned));
    for secret in secrets {
        assert!(!log.contains(&secret), "{secret} in {log}");
        assert!(!log.contains(&secret.replace('-', "")), "{secret} in {log}");
    }
}

#[test]
fn the_log_has_the_expiry_of_a_login() {
    let home = home();
    let mut serving = launch(&home)
        .argument("--persistent-login-max-age=1ms")
        .argument("--cleaner-interval=1ms")
        .argument("--expired-kept-for=0s")
        .start();
    serving.wait_for_log("\"what\":\"expiry\"");
    let lines = audit_lines(&serving.stop().stderr);
    assert_eq!(lines.len(), 1);
    assert_eq!(lines[0].summary(), ("INFO", "expiry", None));
    // One line for all of a transaction.
    assert_eq!(lines[0].login, Err(1));
    assert_eq!(lines[0].profile, None);
    assert_eq!(lines[0].application, None);
}

#[test]
fn what_is_suspicious_is_logged_as_a_warning() {
    let home = home();
    let serving = launch(&home)
        .argument("--log-level=warn")
        .argument("--reuse-grace=0s")
        .start();
    let client = client(&serving);
    let created = client.create(PROFILE).login();
    let id = created.id.as_str();
    client.refresh_with(id, NO_TOKEN).assert_unknown_token();
    let lost = client.refresh(id).login();
    client.refresh_with(id, &created.token).login();
    client
        .refresh_with(id, &lost.token)
        .assert_reuse("the persistent login was revoked");
    let log = serving.stop().log();
    let lines = audit_lines(&log);
    let summaries: Vec<_> = lines.iter().map(Line::summary).collect();
    let expected = [
        ("WARN", "unknown_token", None),
        ("WARN", "late_retry", None),
        ("WARN", "reuse", None),
        ("WARN", "revocation", Some("token_reuse")),
    ];
    assert_eq!(summaries, expected);
    assert_eq!(log.lines().count(), 4, "{log}");
}

#[test]
fn events_have_a_level_of_their_own() {
    let events = |log_level: &str, audit_log_level: &str| {
        let home = home();
        let serving = launch(&home)
            .argument("--reuse-grace=0s")
            .argument("--lost-answer-grace=0s")
            .argument(format!("--log-level={log_level}"))
            .argument(format!("--audit-log-level={audit_log_level}"))
            .start();
        let client = client(&serving);
        let created = client.create(PROFILE).login();
        client.refresh(&created.id).login();
        let reuse = client.refresh_with(&created.id, &created.token);
        reuse.assert_reuse("the persistent login was revoked");
        let log = serving.stop().stderr;
        let lines = audit_lines(&log);
        let events: Vec<_> = lines.iter().map(|line| line.what.clone()).collect();
        (events, log.lines().count() - lines.len())
    };
    let all = ["create", "rotation", "reuse", "revocation"].map(str::to_owned);
    assert_eq!(events("error", "info"), (all.to_vec(), 0));
    assert_eq!(events("error", "warn"), (all[2..].to_vec(), 0));
    let (of_errors, others) = events("info", "error");
    assert_eq!(of_errors, [""; 0]);
    assert!(others > 3);
}

#[test]
fn late_retries_of_a_login_are_a_line_and_a_count() {
    let home = home();
    let serving = launch(&home)
        .argument("--log-level=warn")
        .argument("--reuse-grace=0s")
        .start();
    let client = client(&serving);
    let created = client.create(PROFILE).login();
    client.refresh(&created.id).login();
    for _ in 0..20 {
        client.refresh_with(&created.id, &created.token).login();
    }
    let log = serving.stop().log();
    let lines = log.lines().map(|line| {
        let event: Value = serde_json::from_str(line).expect("each line of the log is JSON");
        let fields = &event["fields"];
        (fields["what"].to_string(), fields["count"].as_u64())
    });
    let late = r#""late_retry""#.to_owned();
    let expected = [(late.clone(), None), (late, Some(19))];
    assert_eq!(lines.collect::<Vec<_>>(), expected, "{log}");
}

#[test]
fn no_number_of_wrong_tokens_hides_a_reuse() {
    let home = home();
    let serving = launch(&home)
        .argument("--log-level=warn")
        .argument("--reuse-grace=0s")
        .argument("--lost-answer-grace=0s")
        .argument("--reuse-revokes=none")
        .start();
    let client = client(&serving);
    let created = client.create(PROFILE).login();
    client.refresh(&created.id).login();
    for _ in 0..100 {
        let wrong = client.refresh_with(&created.id, NO_TOKEN);
        wrong.assert_unknown_token();
    }
    for _ in 0..3 {
        let reuse = client.refresh_with(&created.id, &created.token);
        assert_eq!(reuse.status, 401);
    }
    let log = serving.stop().log();
    let fields = log.lines().map(|line| {
        let event: Value = serde_json::from_str(line).expect("each line of the log is JSON");
        assert_eq!(event["level"], "WARN");
        event["fields"].clone()
    });
    let fields: Vec<_> = fields.collect();
    let counts = fields.iter().map(|fields| {
        let what = fields["what"].as_str().expect("a text");
        (what, fields["count"].as_u64())
    });
    let expected = [
        ("unknown_token", None),
        ("reuse", None),
        ("unknown_token", Some(99)),
        ("reuse", Some(2)),
    ];
    assert_eq!(counts.collect::<Vec<_>>(), expected);
    for name in ["login", "application", "tenant", "profile"] {
        assert!(fields[0][name].is_string(), "{log}");
        assert!(
            fields.iter().all(|event| event[name] == fields[0][name]),
            "{log}"
        );
    }
}

/// The fingerprint of [`LOGIN`] in the database in `home`.
fn fingerprint(home: &TempDir) -> String {
    let serving = launch(home).start();
    client(&serving).refresh(LOGIN).login();
    let lines = audit_lines(&serving.stop().stderr);
    assert_eq!(lines.len(), 1);
    lines[0].login.clone().expect("the line is of one login")
}

#[test]
fn the_events_of_a_login_have_the_same_fingerprint() {
    let home = home();
    let serving = launch(&home).start();
    let client = client(&serving);
    let one = client.create(PROFILE).login();
    client.refresh(LOGIN).login();
    client.refresh(&one.id).login();
    client.refresh(LOGIN).login();
    client.delete(&one.id).assert_empty();
    client.create(PROFILE).login();
    let lines = audit_lines(&serving.stop().stderr);
    let [created, first, rotated, second, deleted, other] = lines.as_slice() else {
        panic!("{lines:?}");
    };
    for same in [rotated, deleted] {
        assert_eq!(same.login, created.login);
    }
    assert_eq!(second.login, first.login);
    for different in [first, other] {
        assert_ne!(different.login, created.login);
    }
    assert_ne!(first.login, other.login);
    // The key of the fingerprints is stored in the database.
    assert_eq!(Ok(fingerprint(&home)), first.login);
    assert_eq!(Ok(fingerprint(&home)), first.login);
}

#[test]
fn each_database_has_fingerprints_of_its_own() {
    assert_ne!(fingerprint(&home()), fingerprint(&home()));
}

#[test]
fn a_key_is_generated_once() {
    let server = Server::start();
    let prepare = || {
        let prepared = server.block_on(audit_key::prepare(&server.app));
        prepared.expect("the storage works");
    };
    let commits = server.app.store.commits();
    prepare();
    prepare();
    assert_eq!(server.app.store.commits(), commits + 1);
}
