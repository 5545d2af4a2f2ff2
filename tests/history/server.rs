//! The real server, on a database with one profile for each history.

use std::fs;
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};
use tempfile::TempDir;

/// So small a rotation journal that it goes through many rounds.
const TINY_JOURNAL_FLAGS: [&str; 3] = [
    "--journal-target=6",
    "--journal-settle-min=2",
    "--journal-idle-after=1ms",
];

/// An access token that allows everything.
pub const ACCESS_TOKEN: &str = "history";

/// A running server; dropped, it is killed.
pub struct Server {
    pub address: SocketAddr,
    process: Child,
    _home: TempDir,
}

impl Server {
    /// Starts it with these settings and as many profiles, and waits until it listens.
    pub fn start(flags: &[&str], profiles: usize) -> Self {
        let home = TempDir::new().expect("a temporary directory");
        let seed = home.path().join("seed.json");
        fs::write(&seed, data(profiles).to_string()).expect("the seed is written");
        let mut process = Command::new(env!("CARGO_BIN_EXE_rememberd"))
            .args(["serve", "--listen", "127.0.0.1:0", "--log-level", "error"])
            .arg("--seed")
            .arg(&seed)
            .arg("--data-dir")
            .arg(home.path().join("data"))
            .args(TINY_JOURNAL_FLAGS)
            .args(flags)
            .env_clear()
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the executable is there");
        let output = process.stdout.take().expect("it is piped");
        let line = BufReader::new(output).lines().next();
        let line = line.expect("it starts").expect("its output is readable");
        let (_, rest) = line.split_once("http://").expect("it tells its address");
        let address = rest.split('/').next().unwrap_or_default();
        Self {
            address: address.parse().expect("an address"),
            process,
            _home: home,
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Fails only if the process is gone already.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// The id of the profile for the history of this number.
pub fn profile(number: usize) -> String {
    format!("{number:024x}")
}

fn data(profiles: usize) -> Value {
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
