//! Generated requests, of the description and against it: no response is a fault of the server, and none has a status,
//! a content type or a form that is not described. It needs `schemathesis`, which `.ci/run` installs.

use std::env;
use std::path::Path;
use std::process::Command;

use tempfile::TempDir;

use super::examples::example_server;
use crate::support::process::DEMO_ACCESS_TOKEN;
use crate::support::random;

const TOOL: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/target/tools/python/bin/schemathesis"
);

/// What each response is checked for.
const CHECKS: &str = "not_a_server_error,status_code_conformance,content_type_conformance,\
                      response_headers_conformance,response_schema_conformance";

/// What would leave no data for the other requests.
const DELETES: &str = r"/(access_token|tenant|profile)/\{(id|name)\}/delete$";

#[test]
fn no_generated_request_has_an_answer_that_is_not_described() {
    if !Path::new(TOOL).exists() {
        assert!(env::var_os("CI").is_none(), "schemathesis is missing");
        println!("skipped: it needs schemathesis, which .ci/run installs");
        return;
    }
    let seconds = match env::var_os("REMEMBERD_TEST_LONG") {
        Some(_) => "600",
        None => "40",
    };
    let server = example_server();
    let base = format!("http://{}", server.address);
    let home = TempDir::new().expect("a temporary directory");
    let seed = u32::try_from(random::seed() >> 32).expect("half of it");
    let output = Command::new(TOOL)
        .arg("run")
        .arg(format!("{base}/openapi.json"))
        .args(["--url", &base, "--no-color", "--continue-on-failure"])
        .args([
            "--header",
            &format!("Authorization: Bearer {DEMO_ACCESS_TOKEN}"),
        ])
        .args(["--checks", CHECKS, "--phases", "examples,coverage,fuzzing"])
        .args(["--exclude-path-regex", DELETES])
        .args(["--max-time", seconds, "--request-timeout", "30"])
        .args(["--seed", &seed.to_string(), "--warnings", "off"])
        .current_dir(home.path())
        .env("HOME", home.path())
        .output()
        .expect("schemathesis runs");
    let text = String::from_utf8_lossy(&output.stdout);
    println!("{text}");
    assert!(
        output.status.success(),
        "seed {seed}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    assert!(text.contains("Test cases:"), "nothing was sent");
}
