//! The real server, which is killed.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use clap::ValueEnum;
use rememberd::config::ReuseRevokes;

use crate::support;

/// What is set for the whole test: the cap of the clients' profiles, and a grace period longer than it takes.
const FLAGS: [&str; 2] = ["--logins-per-profile-max=4", "--reuse-grace=10m"];

/// A running server; dropped, it is killed.
pub struct Server {
    process: Child,
    pub address: String,
    pub revokes: ReuseRevokes,
}

impl Server {
    /// Starts it with the example data and waits until it serves.
    pub fn start(directory: &Path) -> Self {
        Self::start_with(
            directory,
            Path::new(support::DEMO_FILE),
            ReuseRevokes::Login,
        )
    }

    pub fn start_with(directory: &Path, seed_file: &Path, revokes: ReuseRevokes) -> Self {
        let mut server = Self::spawn_with(directory, seed_file, revokes);
        let output = server.process.stdout.take().expect("it is piped");
        let line = BufReader::new(output).lines().next();
        let line = line.expect("it starts").expect("its output is readable");
        let address = line.strip_prefix("rememberd listens on ");
        address
            .expect("it tells its address")
            .clone_into(&mut server.address);
        server
    }

    /// Starts it and does not wait.
    pub fn spawn(directory: &Path) -> Self {
        Self::spawn_with(
            directory,
            Path::new(support::DEMO_FILE),
            ReuseRevokes::Login,
        )
    }

    fn spawn_with(directory: &Path, seed_file: &Path, revokes: ReuseRevokes) -> Self {
        let name = revokes.to_possible_value().expect("it has a name");
        let process = Command::new(env!("CARGO_BIN_EXE_rememberd"))
            .args(["serve", "--listen", "127.0.0.1:0", "--log-level", "error"])
            .args(FLAGS)
            .args(["--reuse-revokes", name.get_name()])
            .args(support::TINY_JOURNAL_FLAGS)
            .arg("--seed")
            .arg(seed_file)
            .arg("--data-dir")
            .arg(directory)
            .env_clear()
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the executable is there");
        Self {
            process,
            address: String::new(),
            revokes,
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // SIGKILL, which no process can handle. Fails only if the process is gone already.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
