//! The alert rules and the dashboard name metrics that there are, and `promtool` accepts them.

use std::collections::BTreeSet;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::sync::atomic::Ordering;

use super::{METRICS, samples};
use crate::support::fixture::{LOGIN, NO_LOGIN};
use crate::support::server::Setup;
use crate::support::tools::skip;

const RULES: &str = include_str!("../../../data/alerts.yml");
const RULE_TESTS: &str = include_str!("alerts.test.yml");
const DASHBOARD: &str = include_str!("../../../data/grafana-dashboard.json");
const GUIDE: &str = include_str!("../../../src/guide/operating.md");

/// The metrics of a server that has had requests of all kinds.
fn metrics() -> String {
    let server = Setup::new().flag("--metrics").start();
    let client = server.client();
    client.refresh(LOGIN).login();
    client.refresh(NO_LOGIN);
    client.with_token("unknown").read(LOGIN);
    // As background work does.
    let used = &server.app.metrics.database_used_bytes;
    used.store(4_096, Ordering::Relaxed);
    let response = client.get(METRICS);
    assert!(!samples(&response).is_empty());
    response.body
}

/// The names of metrics in a text.
fn names(text: &str) -> BTreeSet<&str> {
    let is_of_name = |char: char| char.is_ascii_alphanumeric() || char == '_';
    let words = text.split(|char| !is_of_name(char));
    // The file of a package has a version instead.
    let is_name = |word: &&str| {
        let rest = ["rememberd_", "process_"].map(|start| word.strip_prefix(start));
        let mut rest = rest.into_iter().flatten();
        rest.any(|rest| rest.starts_with(char::is_alphabetic))
    };
    words.filter(is_name).collect()
}

/// The names of the alerts.
fn alerts() -> Vec<&'static str> {
    let lines = RULES.lines().map(str::trim);
    let alerts: Vec<_> = lines
        .filter_map(|line| line.strip_prefix("- alert: "))
        .collect();
    assert!(alerts.len() > 10, "the alerts were not found");
    alerts
}

/// Runs `promtool`; `None` if it is not installed.
fn promtool(arguments: &[&str], input: &str) -> Option<Output> {
    let spawned = Command::new("promtool")
        .args(arguments)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    let Ok(mut child) = spawned else {
        skip("promtool");
        return None;
    };
    let mut stdin = child.stdin.take().expect("it is a pipe");
    stdin.write_all(input.as_bytes()).expect("it reads");
    drop(stdin);
    Some(child.wait_with_output().expect("it ends"))
}

#[track_caller]
fn assert_accepted(output: Option<Output>) {
    let Some(output) = output else {
        return;
    };
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let (stdout, stderr) = (text(&output.stdout), text(&output.stderr));
    assert!(output.status.success(), "{stdout}{stderr}");
    assert_eq!(stderr, "");
}

#[test]
fn rules_and_dashboard_name_metrics_that_there_are() {
    let metrics = metrics();
    let written = names(&metrics);
    for (file, text) in [
        ("data/alerts.yml", RULES),
        ("data/grafana-dashboard.json", DASHBOARD),
        ("tests/api/metrics/alerts.test.yml", RULE_TESTS),
        ("src/guide/operating.md", GUIDE),
    ] {
        let unknown: Vec<_> = names(text).difference(&written).copied().collect();
        assert!(unknown.is_empty(), "{file} names {unknown:?}");
    }
    assert!(names(RULES).len() > 10 && names(DASHBOARD).len() > 20);
}

#[test]
fn prometheus_accepts_the_metrics() {
    assert_accepted(promtool(&["check", "metrics"], &metrics()));
}

#[test]
fn prometheus_accepts_the_rules() {
    assert!(
        Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("data/alerts.yml")
            .exists()
    );
    assert_accepted(promtool(&["check", "rules", "data/alerts.yml"], ""));
}

#[test]
fn each_alert_fires_when_it_is_to() {
    assert_accepted(promtool(
        &["test", "rules", "tests/api/metrics/alerts.test.yml"],
        "",
    ));
    for alert in alerts() {
        assert!(
            RULE_TESTS.contains(&format!("alertname: {alert}\n")),
            "{alert} has no test"
        );
    }
}

#[test]
fn the_guide_says_what_to_do_on_each_alert() {
    let documented: Vec<_> = GUIDE
        .lines()
        .filter_map(|line| line.strip_prefix("**Rememberd")?.split_once("**"))
        .map(|(name, _)| format!("Rememberd{name}"))
        .collect();
    assert_eq!(documented, alerts(), "in the order of data/alerts.yml");
}
