//! The real server, which the test kills.

use std::path::Path;
use std::process::Child;

use crate::support::{self, process};

/// The settings of every test: the cap of the clients' profiles, and the most that a reuse can revoke.
const FLAGS: [&str; 2] = ["--logins-per-profile-max=4", "--reuse-revokes=profile"];

/// For how long replaced tokens are accepted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Patience {
    /// For longer than a test.
    Patient,
    /// Not at all: each of them is reused.
    Strict,
}

impl Patience {
    fn flags(self) -> [&'static str; 2] {
        match self {
            Self::Patient => ["--reuse-grace=10m", "--lost-answer-grace=1d"],
            Self::Strict => ["--reuse-grace=0s", "--lost-answer-grace=0s"],
        }
    }
}

/// A running server; dropped, it is killed.
pub struct Server {
    process: Child,
    pub address: String,
}

impl Server {
    /// Starts it with the example data and waits until it serves.
    pub fn start(directory: &Path) -> Self {
        Self::start_with(directory, Path::new(support::DEMO_FILE), Patience::Patient)
    }

    pub fn start_with(directory: &Path, seed_file: &Path, patience: Patience) -> Self {
        let mut server = Self::spawn_with(directory, seed_file, patience);
        server.address = process::address(&mut server.process);
        server
    }

    /// Starts it without waiting until it serves.
    pub fn spawn(directory: &Path) -> Self {
        Self::spawn_with(directory, Path::new(support::DEMO_FILE), Patience::Patient)
    }

    fn spawn_with(directory: &Path, seed_file: &Path, patience: Patience) -> Self {
        let process = process::command(seed_file, directory)
            .args(FLAGS)
            .args(patience.flags())
            .args(support::TINY_JOURNAL_FLAGS)
            .spawn()
            .expect("the executable is there");
        Self {
            process,
            address: String::new(),
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Sends SIGKILL. Fails only if the process has ended already.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
