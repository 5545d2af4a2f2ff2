//! Redis with every write made durable before its answer, rotating the same logins by a script in its own protocol.

use std::env;
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::Signal;

use crate::dataset::{Dataset, Uuid};
use crate::exchange::Check;
use crate::load::Operation;
use crate::process::{Process, free_port};
use crate::workspace::Workspace;

pub const DESCRIPTION: &str = "redis-server, appendonly yes, appendfsync always, no snapshots, no rewrites; a hash per \
                               login, rotated by EVALSHA over TCP, from the same load generator";

/// The row comes back whole, as from the server under test, or nothing does if there is no such login.
const ROTATE_SCRIPT: &str = "local row = redis.call('HMGET', KEYS[1], 'tenant', 'profileId', 'timestamp') \
                             if not row[1] then return false end \
                             redis.call('HSET', KEYS[1], 'token', ARGV[1]) \
                             return {row[1], row[2], ARGV[1], row[3], KEYS[1]}";
pub const ROW_FIELDS: usize = 5;

const START_TIMEOUT_SECS: u64 = 20;
const ANSWER_TIMEOUT_SECS: u64 = 20;
const POLL_INTERVAL_MILLISECONDS: u64 = 20;
const FILL_BATCH_COMMANDS: u64 = 1000;

pub struct Redis {
    pub address: SocketAddr,
    script: String,
    _process: Process,
}

impl Redis {
    /// Starts and fills one; the error says why there is none, for the table.
    pub fn start(workspace: &Workspace, dataset: &Dataset) -> Result<Self, String> {
        let executable =
            find_in_path("redis-server").ok_or("redis-server: not installed, not measured")?;
        Self::try_start(&executable, workspace, dataset)
            .map_err(|error| format!("redis-server: {error}, not measured"))
    }

    /// The SHA-1 that it knows the rotation by.
    pub fn script(&self) -> &str {
        &self.script
    }

    pub fn operation(&self) -> Operation {
        Operation::Redis {
            script: self.script.clone(),
        }
    }

    fn try_start(executable: &Path, workspace: &Workspace, dataset: &Dataset) -> io::Result<Self> {
        let dir = workspace.create_dir("redis");
        let address = SocketAddr::from(([127, 0, 0, 1], free_port()?));
        let mut command = Command::new(executable);
        command
            .args(["--bind", "127.0.0.1", "--port", &address.port().to_string()])
            .args(["--appendonly", "yes", "--appendfsync", "always"])
            // Neither snapshots nor rewrites of the log may fall into a measurement, in its favour.
            .args(["--save", "", "--auto-aof-rewrite-percentage", "0"])
            .arg("--dir")
            .arg(&dir)
            .stdin(Stdio::null())
            .stdout(Stdio::null());
        let process = Process::spawn(&mut command, Signal::TERM)?;
        let mut stream = connect(address)?;
        fill(&mut stream, dataset)?;
        let script = load_script(&mut stream)?;
        Ok(Self {
            address,
            script,
            _process: process,
        })
    }
}

/// The command that rotates one login.
pub fn rotate_request(script: &str, id: &str, token: &str) -> String {
    command(&["EVALSHA", script, "1", id, token])
}

/// Whether `answer` is the row of this login.
pub fn check_rotated(answer: &[u8], id: &[u8]) -> Check {
    if !answer.starts_with(b"*5\r\n") {
        return if answer.len() < 4 {
            Check::Incomplete
        } else {
            Check::Bad
        };
    }
    // Every field is two lines, its length and itself; none of them contains a line end.
    let lines = answer.iter().filter(|byte| **byte == b'\n').count();
    if lines < 1 + 2 * ROW_FIELDS {
        return Check::Incomplete;
    }
    match answer.strip_suffix(b"\r\n") {
        Some(row) if row.ends_with(id) => Check::Good,
        _ => Check::Bad,
    }
}

fn fill(stream: &mut TcpStream, dataset: &Dataset) -> io::Result<()> {
    // The number of new fields of one HSET.
    const ANSWER: &[u8] = b":4\r\n";
    let mut index = 0;
    while index < dataset.logins {
        let batch = FILL_BATCH_COMMANDS.min(dataset.logins - index);
        let commands: String = (index..index + batch)
            .map(|at| insert(dataset, at))
            .collect();
        stream.write_all(commands.as_bytes())?;
        let mut answers = vec![0; ANSWER.len() * batch as usize];
        stream.read_exact(&mut answers)?;
        if answers.chunks(ANSWER.len()).any(|answer| answer != ANSWER) {
            return Err(io::Error::other("a login could not be stored"));
        }
        index += batch;
    }
    Ok(())
}

fn insert(dataset: &Dataset, index: u64) -> String {
    let id: Uuid = dataset.login_id(index);
    let token = dataset.first_token(index);
    let profile = dataset.profile_id(index);
    command(&[
        "HSET",
        id.as_str(),
        "tenant",
        "default",
        "profileId",
        &profile,
        "token",
        token.as_str(),
        "timestamp",
        "1495665332589",
    ])
}

fn load_script(stream: &mut TcpStream) -> io::Result<String> {
    stream.write_all(command(&["SCRIPT", "LOAD", ROTATE_SCRIPT]).as_bytes())?;
    let mut answer = [0; b"$40\r\n".len() + 40 + b"\r\n".len()];
    stream.read_exact(&mut answer)?;
    Ok(String::from_utf8_lossy(&answer[5..45]).into_owned())
}

fn command(words: &[&str]) -> String {
    let mut text = format!("*{}\r\n", words.len());
    for word in words {
        text.push_str(&format!("${}\r\n{word}\r\n", word.len()));
    }
    text
}

fn connect(address: SocketAddr) -> io::Result<TcpStream> {
    let until = Instant::now() + Duration::from_secs(START_TIMEOUT_SECS);
    loop {
        match TcpStream::connect(address) {
            Ok(stream) => {
                stream.set_read_timeout(Some(Duration::from_secs(ANSWER_TIMEOUT_SECS)))?;
                return Ok(stream);
            }
            Err(error) if Instant::now() > until => return Err(error),
            Err(_) => thread::sleep(Duration::from_millis(POLL_INTERVAL_MILLISECONDS)),
        }
    }
}

fn find_in_path(name: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH")?;
    env::split_paths(&path)
        .map(|dir| dir.join(name))
        .find(|file| file.is_file())
}
