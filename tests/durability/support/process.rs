//! The real server as a process, and an HTTP client.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use ureq::Agent;

/// The command that starts a server on a free port, with an empty environment, a database in `directory`,
/// and `seed_file` loaded into it. Its standard output is piped.
pub fn command(seed_file: &Path, directory: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_rememberd"));
    command
        .args(["serve", "--listen", "127.0.0.1:0", "--log-level", "error"])
        .arg("--seed")
        .arg(seed_file)
        .arg("--data-dir")
        .arg(directory)
        .env_clear()
        .stdin(Stdio::null())
        .stdout(Stdio::piped());
    command
}

/// Waits until the server listens. Returns the base URL that it prints.
pub fn address(process: &mut Child) -> String {
    let output = process.stdout.take().expect("it is piped");
    let line = BufReader::new(output).lines().next();
    let line = line.expect("it starts").expect("its output is readable");
    let address = line.strip_prefix("rememberd listens on ");
    address.expect("it prints its address").to_owned()
}

/// An HTTP client that returns responses with any status, with an optional timeout.
pub fn agent(timeout: Option<Duration>) -> Agent {
    Agent::config_builder()
        .http_status_as_error(false)
        .proxy(None)
        .timeout_global(timeout)
        .build()
        .into()
}
