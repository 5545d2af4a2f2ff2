//! The terminals of a reader: one has the server, the other a shell in which the commands of a page are pasted.
//!
//! The shell is `sh` with the real binary as `rememberd`, and with a function instead of `curl`, which asks this
//! process for the response: the arguments go out on standard error, the body comes back on standard input.

use std::env;
use std::ffi::OsString;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;

use tempfile::TempDir;

use crate::curl::curl;
use crate::page::{Fence, root};
use crate::server::Server;

/// Defines `curl`, and what restarts the server. A request is the number of its words and the words. What some commands
/// print has paths that differ each time.
const PRELUDE: &str = r#"
rememberd() {
    case $1 in
        backup|restore|compact) command rememberd "$@" > printed ;;
        *) command rememberd "$@" ;;
    esac
}
ask() {
    printf '%s\n' "ask $#" "$@" >&2
    IFS= read -r reply
}
curl() {
    ask curl "$@"
    printf '%s' "$reply"
}
rememberd() {
    "$REAL_BINARY" "$@"
}
"#;

/// What is printed after each fence.
const END: &str = "--- end of a fence ---";

/// A folder like a checkout, as far as the commands need it.
pub fn home() -> TempDir {
    let home = tempfile::tempdir().expect("a temporary directory");
    let data = home.path().join("data");
    fs::create_dir(&data).expect("a folder");
    fs::copy(root().join("data/demo.json"), data.join("demo.json")).expect("it is copied");
    home
}

/// Where the shell looks for commands: the binary, and what the test has.
fn path() -> OsString {
    let binary = Path::new(env!("CARGO_BIN_EXE_rememberd"));
    let mut directories = vec![binary.parent().expect("a directory").to_owned()];
    let inherited = env::var_os("PATH").unwrap_or_default();
    directories.extend(env::split_paths(&inherited));
    env::join_paths(directories).expect("no directory has a colon")
}

/// A server and a shell beside it.
pub struct Session {
    home: TempDir,
    arguments: Vec<String>,
    /// `None` while it is stopped.
    server: Option<Server>,
}

impl Session {
    /// Starts the server with these arguments.
    pub fn start(arguments: Vec<String>) -> Self {
        let home = home();
        let server = Some(Server::start(home.path(), &arguments));
        Self {
            home,
            arguments,
            server,
        }
    }

    /// Runs the fences in a new shell, one after the other. Returns what each of them printed.
    pub fn run(&mut self, fences: &[&Fence]) -> Vec<String> {
        let mut child = Command::new("sh")
            .args(["-eu", "-c", &script(fences)])
            .env("REAL_BINARY", env!("CARGO_BIN_EXE_rememberd"))
            .current_dir(self.home.path())
            .env("PATH", path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the shell starts");
        let mut replies = child.stdin.take().expect("it is piped");
        let mut stdout = child.stdout.take().expect("it is piped");
        let printed = thread::spawn(move || {
            let mut printed = String::new();
            stdout.read_to_string(&mut printed).expect("it is UTF-8");
            printed
        });
        let mut lines = BufReader::new(child.stderr.take().expect("it is piped")).lines();
        let mut next = || lines.next().map(|line| line.expect("it is UTF-8"));
        while let Some(line) = next() {
            let count = line
                .strip_prefix("ask ")
                .and_then(|count| count.parse().ok());
            let count: usize = count.unwrap_or_else(|| panic!("the shell complains: {line}"));
            let words: Vec<String> = (0..count).filter_map(|_| next()).collect();
            let reply = self.reply(&words);
            writeln!(replies, "{reply}").expect("the shell reads");
        }
        let status = child.wait().expect("the shell ends");
        assert!(status.success(), "{status}");
        let printed = printed.join().expect("it is read");
        let mut outputs: Vec<String> = printed.split(END).map(str::to_owned).collect();
        outputs.pop();
        outputs
    }

    fn reply(&mut self, words: &[String]) -> String {
        match words.split_first() {
            Some((word, arguments)) if word == "curl" => {
                let server = self.server.as_ref().expect("the server runs");
                let body = curl(arguments, server.address, self.home.path());
                assert!(!body.contains('\n'), "{body}");
                body
            }
            Some((word, _)) if word == "stop" => {
                self.server.take().expect("the server runs").stop();
                String::new()
            }
            Some((word, _)) if word == "start" => {
                self.server = Some(Server::start(self.home.path(), &self.arguments));
                String::new()
            }
            _ => panic!("the shell asks for {words:?}"),
        }
    }
}

fn script(fences: &[&Fence]) -> String {
    let mut script = PRELUDE.to_owned();
    for fence in fences {
        let (before, after) = match fence.is_stopped() {
            true => ("ask stop\n", "ask start\n"),
            false => ("", ""),
        };
        script += &format!("{before}{}{after}printf '%s' '{END}'\n", fence.text);
    }
    script
}
