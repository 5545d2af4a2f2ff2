//! The real server, which the test kills.

use std::path::Path;
use std::process::Child;

use clap::ValueEnum;
use rememberd::testing::ReuseRevokes;

use crate::support::{self, process};

/// The settings of the whole test: the cap of the clients' profiles, and a grace period longer than the test.
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
        server.address = process::address(&mut server.process);
        server
    }

    /// Starts it without waiting until it serves.
    pub fn spawn(directory: &Path) -> Self {
        Self::spawn_with(
            directory,
            Path::new(support::DEMO_FILE),
            ReuseRevokes::Login,
        )
    }

    fn spawn_with(directory: &Path, seed_file: &Path, revokes: ReuseRevokes) -> Self {
        let name = revokes.to_possible_value().expect("it has a name");
        let process = process::command(seed_file, directory)
            .args(FLAGS)
            .args(["--reuse-revokes", name.get_name()])
            .args(support::TINY_JOURNAL_FLAGS)
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
        // Sends SIGKILL. Fails only if the process has ended already.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
