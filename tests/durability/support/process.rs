//! The real server as a process, and a client for it.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use ureq::Agent;

/// What starts a server on a free port, with a database in `directory` that begins with the data of
/// `seed_file`. Its output is to be read; of the environment it knows nothing.
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

/// Waits until the server serves; the address that it tells, below which everything is.
pub fn address(process: &mut Child) -> String {
    let output = process.stdout.take().expect("it is piped");
    let line = BufReader::new(output).lines().next();
    let line = line.expect("it starts").expect("its output is readable");
    let address = line.strip_prefix("rememberd listens on ");
    address.expect("it tells its address").to_owned()
}

/// A client that tells every answer, whatever its status, and waits so long for it at most.
pub fn agent(timeout: Option<Duration>) -> Agent {
    Agent::config_builder()
        .http_status_as_error(false)
        .proxy(None)
        .timeout_global(timeout)
        .build()
        .into()
}
