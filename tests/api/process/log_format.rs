//! The form of the log's lines, and standard error that nobody reads.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::time::{Duration, Instant};

use rustix::process::Signal;
use serde_json::Value;
use tempfile::TempDir;

use crate::support::fixture::LOGIN;
use crate::support::process::{DEMO_ACCESS_TOKEN, DEMO_SEED, Launch};

/// The log of a server with this format that served a request, whose standard error is the stream that the service
/// manager connected, or is not.
fn log_in_file(format: &str, is_connected: bool) -> String {
    let home = TempDir::new().expect("a temporary directory");
    let path = home.path().join("stderr");
    let file = File::create(&path).expect("a file");
    let metadata = file.metadata().expect("it is there");
    let inode = metadata.ino() + u64::from(!is_connected);
    let serving = Launch::serve(&home.path().join("data"))
        .seed(DEMO_SEED)
        .argument(format!("--log-format={format}"))
        .variable("JOURNAL_STREAM", format!("{}:{inode}", metadata.dev()))
        .stderr(file)
        .start();
    serving.client("wrong-token").read(LOGIN);
    serving.client("wrong-token").read(LOGIN);
    serving.client("wrong-token").read(LOGIN);
    serving.stop();
    fs::read_to_string(path).expect("a log")
}

#[test]
fn lines_for_journald_have_priorities_and_no_time() {
    let log = log_in_file("text", true);
    let lines: Vec<_> = log.lines().collect();
    let has = |begin: &str| lines.iter().any(|line| line.starts_with(begin));
    assert!(has("<6> INFO request request_id="), "{log}");
    assert!(has("<4> WARN a caller is refused repeatedly "), "{log}");
    for line in lines {
        assert!(line.starts_with("<6> INFO ") || line.starts_with("<4> WARN "));
    }
    let log = log_in_file("json", true);
    for line in log.lines() {
        let (_, json) = line.split_at(3);
        serde_json::from_str::<Value>(json).expect("JSON after the priority");
        assert!(line.starts_with("<6>") || line.starts_with("<4>"), "{line}");
    }
}

#[test]
fn lines_for_another_stream_have_the_time_and_no_priority() {
    for line in log_in_file("text", false).lines() {
        assert!(line.starts_with("20"), "{line}");
    }
}

#[test]
fn a_path_with_a_line_break_is_no_line_of_its_own() {
    let home = TempDir::new().expect("a temporary directory");
    let directory = home.path().join("a\nrememberd: forged");
    let mut serving = Launch::serve(&home.path().join("data"))
        .seed(DEMO_SEED)
        .argument("--backup-dir")
        .argument(&directory)
        .start();
    serving.wait_for_log("a backup failed");
    let stopped = serving.stop();
    let refused = Launch::serve(&directory).argument("--no-create");
    for log in [stopped.stderr, refused.assert_fails()] {
        assert!(log.contains("a\\nrememberd: forged"), "{log}");
        assert!(!log.contains("\nrememberd: forged"), "{log}");
    }
}

#[test]
fn the_error_that_ends_a_start_is_a_line_of_the_log() {
    let home = TempDir::new().expect("a temporary directory");
    let failing = |arguments: &[&str]| {
        let launch = Launch::serve(home.path()).seed("/nowhere/seed.json");
        arguments.iter().fold(launch, Launch::argument)
    };
    let text = failing(&[]).assert_fails();
    let last = text.lines().last().expect("a line");
    assert!(last.starts_with("rememberd: "), "{text}");
    let message = &last["rememberd: ".len()..];
    let json = failing(&["--log-format=json", "--log-level=error"]).assert_fails();
    let lines: Vec<Value> = json
        .lines()
        .map(|line| serde_json::from_str(line).expect("every line is JSON"))
        .collect();
    assert_eq!(lines.len(), 1, "{json}");
    assert_eq!(lines[0]["level"], "ERROR");
    assert_eq!(lines[0]["fields"]["message"], message);
    let text = failing(&["--log-priority=always", "--log-level=error"]).assert_fails();
    assert_eq!(text, format!("<3>rememberd: {message}\n"));
}

#[test]
fn an_error_of_the_command_line_is_a_line_of_json() {
    let home = TempDir::new().expect("a temporary directory");
    let failing = |arguments: &[&str]| {
        let launch = Launch::serve(home.path()).argument("--no-such-setting");
        arguments.iter().fold(launch, Launch::argument)
    };
    let text = failing(&[]).assert_fails();
    assert!(text.starts_with("error: unexpected argument"), "{text}");
    let by_variable = failing(&[]).variable("REMEMBERD_LOG_FORMAT", "json");
    for launch in [failing(&["--log-format", "json"]), by_variable] {
        let json = launch.assert_fails();
        assert_eq!(json.lines().count(), 1, "{json}");
        let event: Value = serde_json::from_str(&json).expect("JSON");
        assert_eq!(event["level"], "ERROR");
        let message = event["fields"]["message"].as_str().expect("a text");
        assert_eq!(format!("error: {message}"), text.trim_end());
    }
    // Its format is unknown.
    let text = failing(&["--log-format=jsn"]).assert_fails();
    assert!(text.starts_with("error: "), "{text}");
}

#[test]
fn a_log_that_nobody_reads_does_not_hold_a_stop_up() {
    let home = TempDir::new().expect("a temporary directory");
    // It is kept, and never read.
    let (_unread, stderr) = io::pipe().expect("a pipe");
    let serving = Launch::serve(home.path())
        .seed(DEMO_SEED)
        .stderr(stderr)
        .start();
    let client = serving.client(DEMO_ACCESS_TOKEN);
    // A pipe has room for 64 KiB, and a line has more than 64 bytes.
    for _ in 0..2_000 {
        client.get("/health/live");
    }
    let began = Instant::now();
    serving.signal(Signal::TERM);
    assert!(serving.wait().status.success());
    assert!(began.elapsed() < Duration::from_secs(5));
}
