//! Writes the file of the current version: a server does all that leaves something in a file, and is killed.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{SystemTime, UNIX_EPOCH};

use rememberd::testing::{Device, Engine, put_schema_version as put};
use serde_json::{Value, json};
use ureq::Agent;

use crate::support::process;

/// The server whose format is written: this build's, or the one that this variable names.
const PROGRAM_VARIABLE: &str = "REMEMBERD_TEST_FORMAT_PROGRAM";

const LOGINS: &str = "/api/1/authentication/persistent_login";

/// The device with this label.
pub fn device(label: String) -> Device {
    Device {
        label: Some(label),
        user_agent: Some("Mozilla/5.0 (test)".to_owned()),
        ip_address: Some("192.0.2.7".to_owned()),
    }
}

/// Marks a database as one of this version.
pub fn put_schema_version(engine: &Engine, version: u64) {
    let file = engine.begin_write().expect("it begins");
    put(&file, version).expect("it is put");
    file.commit().expect("it commits");
}

/// Writes the database to `file` and its expected content to `json`.
pub fn write(seed: &Path, file: &Path, json: &Path) {
    let home = tempfile::tempdir().expect("a temporary directory");
    let late = serve(seed, home.path(), &["--reuse-grace=1ms"], Maker::retry_late);
    let content = serve(seed, home.path(), &[], |maker| maker.fill(late));
    fs::copy(home.path().join("rememberd.redb"), file).expect("it is copied");
    let keys = home.path().join("rememberd.keys");
    fs::copy(keys, file.with_extension("keys")).expect("it is copied");
    let content = serde_json::to_string_pretty(&content).expect("it has JSON");
    fs::write(json, content + "\n").expect("it is written");
}

/// What `work` returns, which uses a server with these settings beside the usual ones; it is killed then.
fn serve(seed: &Path, home: &Path, settings: &[&str], work: impl FnOnce(&Maker) -> Value) -> Value {
    let program = std::env::var_os(PROGRAM_VARIABLE);
    let program = program.unwrap_or_else(|| env!("CARGO_BIN_EXE_rememberd").into());
    let mut server = Command::new(program)
        .args([
            "serve",
            "--listen=127.0.0.1:0",
            "--log-level=error",
            "--seed",
        ])
        .arg(seed)
        .arg("--data-dir")
        .arg(home)
        .args(["--journal-idle-after=1h", "--journal-target=3"])
        .args(settings)
        .env_clear()
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .expect("it starts");
    let maker = Maker {
        agent: process::agent(None),
        base: process::address(&mut server),
    };
    let content = work(&maker);
    server.kill().expect("it is killed");
    server.wait().expect("it ends");
    content
}

struct Maker {
    agent: Agent,
    base: String,
}

impl Maker {
    /// A login whose client did not receive the last response and asked again, after the grace period.
    fn retry_late(&self) -> Value {
        let form = [("profileId", "5925a68def86951f895cf011".to_owned())];
        let mut login = self.post("/create", &form);
        let refresh = format!("/{}/refresh_token", login["id"].as_str().expect("an id"));
        let first = login["token"].take();
        login["void"] = self.post(&refresh, &[])["token"].clone();
        let first = first.as_str().expect("a token").to_owned();
        // Within the grace period, which ends after a millisecond, the response is the same again.
        login["token"] = loop {
            let again = self.post(&refresh, &[("token", first.clone())]);
            if again["token"] != login["void"] {
                break again["token"].clone();
            }
        };
        login["replaced"] = first.into();
        login
    }

    /// Does everything else. `late` is a login that was changed before.
    fn fill(&self, late: Value) -> Value {
        let id = |number: u32| format!("00000000-0000-4000-8000-{number:012}");
        let mut logins: Vec<Value> = (1..=5).map(|number| self.get(&id(number))).collect();
        for label in ["Kitchen tablet", "Phone"] {
            let Device {
                user_agent,
                ip_address,
                ..
            } = device(label.to_owned());
            let form = [
                ("profileId", "5925a68def86951f895cf011".to_owned()),
                ("label", label.to_owned()),
                ("userAgent", user_agent.expect("it has one")),
                ("ipAddress", ip_address.expect("it has one")),
            ];
            let mut login = self.post("/create", &form);
            login["label"] = label.into();
            logins.push(login);
        }
        // How often each is rotated: the login with a disabled profile cannot be.
        for (login, times) in logins.iter_mut().zip([3, 1, 40, 0, 0, 2, 0]) {
            let id = login["id"].as_str().expect("an id").to_owned();
            for _ in 0..times {
                let rotated = self.post(&format!("/{id}/refresh_token"), &[]);
                login["older"] = login["replaced"].take();
                login["replaced"] = login["token"].take();
                login["token"] = rotated["token"].clone();
            }
        }
        let deleted = logins.remove(4);
        let id = deleted["id"].as_str().expect("an id");
        self.post(&format!("/{id}/delete"), &[]);
        logins.push(late);
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        let now = now.expect("it is after 1970").as_millis() as u64;
        json!({"now": now, "logins": logins, "deleted": [id]})
    }

    fn get(&self, id: &str) -> Value {
        let url = format!("{}{LOGINS}/{id}?accessTokenId=all", self.base);
        let response = self.agent.get(&url).call().expect("the server responds");
        let text = response.into_body().read_to_string().expect("it is text");
        serde_json::from_str(&text).expect("it is JSON")
    }

    fn post(&self, path: &str, form: &[(&str, String)]) -> Value {
        let url = format!("{}{LOGINS}{path}", self.base);
        let caller = ("accessTokenId", "all".to_owned());
        let form = form.iter().cloned().chain([caller]);
        let response = self
            .agent
            .post(&url)
            .send_form(form)
            .expect("the server responds");
        assert_eq!(response.status(), 200, "{path}");
        let text = response.into_body().read_to_string().expect("it is text");
        serde_json::from_str(&text).unwrap_or(Value::Null)
    }
}
