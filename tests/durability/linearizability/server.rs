//! The real server, with one profile for each history.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Child;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::{TINY_JOURNAL_FLAGS, process};

/// An access token that allows everything.
pub const ACCESS_TOKEN: &str = "history";

/// A running server; dropped, it is killed.
pub struct Server {
    pub address: SocketAddr,
    process: Child,
    data: PathBuf,
    _home: TempDir,
}

impl Server {
    /// Starts it with these settings and this number of profiles, and waits until it listens.
    pub fn start(flags: &[&str], profiles: usize) -> Self {
        let home = TempDir::new().expect("a temporary directory");
        let seed = home.path().join("seed.json");
        fs::write(&seed, seed_file(profiles).to_string()).expect("the seed is written");
        let data = home.path().join("data");
        Self::start_on(flags, &seed, data, home)
    }

    /// Starts one with these settings on a database that is there.
    pub fn resume(flags: &[&str], data: PathBuf) -> Self {
        let home = TempDir::new().expect("a temporary directory");
        let seed = home.path().join("seed.json");
        fs::write(&seed, seed_file(0).to_string()).expect("the seed is written");
        Self::start_on(flags, &seed, data, home)
    }

    /// The data directory.
    pub fn data(&self) -> &Path {
        &self.data
    }

    fn start_on(flags: &[&str], seed: &Path, data: PathBuf, home: TempDir) -> Self {
        let mut process = process::command(seed, &data)
            .args(TINY_JOURNAL_FLAGS)
            .args(flags)
            .spawn()
            .expect("the executable is there");
        let address = process::address(&mut process);
        let (_, rest) = address.split_once("http://").expect("it is a URL");
        let address = rest.split('/').next().unwrap_or_default();
        Self {
            address: address.parse().expect("an address"),
            process,
            data,
            _home: home,
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Fails only if the process has ended already.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// The id of the profile of the history with this number.
pub fn profile(number: usize) -> String {
    format!("{number:024x}")
}

/// The seed file.
fn seed_file(profiles: usize) -> Value {
    let profiles = (0..profiles).map(|number| {
        let id = profile(number);
        json!({"_id": id, "username": id, "enabled": true, "tenant": "default"})
    });
    json!({
        "accesstoken": [{
            "_id": ACCESS_TOKEN,
            "application": "history",
            "tenantPermissions": [{"tenant": "*", "allowedActions": ["*"]}],
        }],
        "tenant": [{"name": "default"}],
        "profile": profiles.collect::<Vec<_>>(),
    })
}
