//! The management token of the real process.

use std::fs;

use tempfile::TempDir;

use crate::support::process::Launch;

const TOKEN: &str = "0123456789abcdef-of-tests";

#[test]
fn the_token_is_read_from_its_file_and_never_logged() {
    let home = TempDir::new().expect("a temporary directory");
    let file = home.path().join("management-token");
    fs::write(&file, format!("{TOKEN}\n")).expect("it is written");
    let serving = Launch::serve(&home.path().join("data"))
        .variable("REMEMBERD_MANAGEMENT_TOKEN_FILE", &file)
        .argument("--log-level=info")
        .start();
    let path = "/crafter-profile/api/1/monitoring/status";
    let get = |token: &str| serving.client("").get(&format!("{path}?token={token}"));
    assert_eq!(get(TOKEN).status, 200);
    assert_eq!(get("another").status, 401);
    let stopped = serving.stop();
    assert!(!stopped.stderr.contains(TOKEN) && !stopped.stdout.contains(TOKEN));
}

#[test]
fn a_file_without_a_token_is_refused_by_its_name() {
    let home = TempDir::new().expect("a temporary directory");
    let file = home.path().join("management-token");
    for (content, problem) in [
        (None, "No such file or directory"),
        (Some("short"), "must have 16 bytes at least"),
        (Some(""), "its first line is empty"),
    ] {
        if let Some(content) = content {
            fs::write(&file, content).expect("it is written");
        }
        let ended = Launch::serve(&home.path().join("data"))
            .argument("--management-token-file")
            .argument(&file)
            .run();
        assert!(!ended.status.success());
        assert!(
            ended.stderr.contains("--management-token-file"),
            "{}",
            ended.stderr
        );
        assert!(ended.stderr.contains(problem), "{}", ended.stderr);
        assert!(!ended.stderr.contains("short"), "{}", ended.stderr);
    }
}
