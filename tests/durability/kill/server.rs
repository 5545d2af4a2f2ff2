//! The real server, which the test kills.

use std::path::Path;
use std::process::Child;

use crate::support::{self, process};

/// The settings of the whole test: the cap of the clients' profiles, a grace period longer than the test, and
/// the most that a reuse could revoke.
const FLAGS: [&str; 3] = [
    "--logins-per-profile-max=4",
    "--reuse-grace=10m",
    "--reuse-revokes=profile",
];

/// A running server; dropped, it is killed.
pub struct Server {
    process: Child,
    pub address: String,
}

impl Server {
    /// Starts it with the example data and waits until it serves.
    pub fn start(directory: &Path) -> Self {
        Self::start_with(directory, Path::new(support::DEMO_FILE))
    }

    pub fn start_with(directory: &Path, seed_file: &Path) -> Self {
        let mut server = Self::spawn_with(directory, seed_file);
        server.address = process::address(&mut server.process);
        server
    }

    /// Starts it without waiting until it serves.
    pub fn spawn(directory: &Path) -> Self {
        Self::spawn_with(directory, Path::new(support::DEMO_FILE))
    }

    fn spawn_with(directory: &Path, seed_file: &Path) -> Self {
        let process = process::command(seed_file, directory)
            .args(FLAGS)
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
