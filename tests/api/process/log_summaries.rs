//! What happens again and again has a line when it begins, and one with the count.

use std::fs;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Instant;

use rustix::process::{Resource, Rlimit};
use tempfile::TempDir;

use crate::support::fixture::{LOGIN, PROFILE};
use crate::support::process::{DEMO_ACCESS_TOKEN, DEMO_SEED, Launch};
use crate::support::server::PATIENCE;

/// The values of `name` in the lines of `log` with `text`.
fn values<'l>(log: &'l str, text: &str, name: &str) -> Vec<&'l str> {
    let lines = log.lines().filter(|line| line.contains(text));
    lines
        .map(|line| {
            let value = line.split(' ').find_map(|field| field.strip_prefix(name));
            value.unwrap_or_else(|| panic!("no {name} in {line}"))
        })
        .collect()
}

#[test]
fn a_caller_that_is_refused_repeatedly_is_a_warning_with_its_address() {
    let home = TempDir::new().expect("a temporary directory");
    let mut serving = Launch::serve(home.path())
        .seed(DEMO_SEED)
        .argument("--log-level=warn")
        .start();
    let client = serving.client("wrong-token");
    for _ in 0..20 {
        assert_eq!(client.read(LOGIN).status, 403);
    }
    let line = serving.wait_for_log("a caller is refused repeatedly");
    assert!(
        line.contains(r#" peer=127.0.0.1 code="ACCESS_DENIED" count=3"#),
        "{line}"
    );
    let log = serving.stop().log();
    assert_eq!(log.lines().count(), 2, "{log}");
    let again = "a caller was refused again";
    assert_eq!(values(&log, again, "count="), ["17"]);
    assert_eq!(values(&log, again, "peer="), ["127.0.0.1"]);
}

#[test]
fn overload_is_a_line_and_a_count_and_not_a_line_for_each_request() {
    let home = TempDir::new().expect("a temporary directory");
    let serving = Launch::serve(home.path())
        .seed(DEMO_SEED)
        .argument("--queue-jobs-max=1")
        .start();
    let refused = AtomicUsize::new(0);
    let began = Instant::now();
    thread::scope(|scope| {
        for _ in 0..16 {
            let client = serving.client(DEMO_ACCESS_TOKEN);
            let refused = &refused;
            scope.spawn(move || {
                while refused.load(Ordering::Relaxed) < 20 {
                    assert!(began.elapsed() < PATIENCE, "the server is not overloaded");
                    if client.refresh(LOGIN).status == 503 {
                        refused.fetch_add(1, Ordering::Relaxed);
                    }
                }
            });
        }
    });
    let log = serving.stop().stderr;
    let cause = r#"cause="the writer's queue is full""#;
    let lines: Vec<_> = log.lines().filter(|line| line.contains(cause)).collect();
    assert_eq!(lines.len(), 2, "{lines:?}");
    assert!(lines[0].contains(" ERROR request failed "), "{lines:?}");
    let more = refused.into_inner() - 1;
    assert_eq!(
        values(&log, "more requests failed", "count="),
        [more.to_string()]
    );
}

#[test]
fn an_outage_is_a_few_lines_and_its_end_is_one() {
    let home = TempDir::new().expect("a temporary directory");
    // The signal of a write beyond the limit is ignored, so that the write fails.
    let mut serving = Launch::serve(home.path())
        .seed(DEMO_SEED)
        .argument("--log-level=warn")
        .limited("trap '' XFSZ")
        .start();
    let client = serving.client(DEMO_ACCESS_TOKEN);
    let database = fs::metadata(home.path().join("rememberd.redb")).expect("it is there");
    let limit = |current| Rlimit {
        current,
        maximum: None,
    };
    serving.limit(Resource::Fsize, limit(Some(database.len())));
    let began = Instant::now();
    let mut refused = 0;
    while refused < 100 {
        assert!(began.elapsed() < PATIENCE, "the file does not grow");
        refused += usize::from(client.create(PROFILE).status == 503);
    }
    serving.limit(Resource::Fsize, limit(None));
    let failed = serving.wait_for_log("the storage failed; closing and reopening it");
    assert!(failed.contains(" ERROR "), "{failed}");
    serving.wait_for_log(" WARN the database is open again outage_ms=");
    while client.create(PROFILE).status == 503 {
        assert!(began.elapsed() < PATIENCE, "the file does not grow again");
    }
    let log = serving.stop().stderr;
    assert!(log.lines().count() < 20, "{log}");
    let requests = log.lines().filter(|line| line.contains("request"));
    assert!(requests.count() <= 6, "{log}");
}
