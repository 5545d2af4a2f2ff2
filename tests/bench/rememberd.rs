//! The server under test as a process: started as an operator would, stopped or killed.

use std::fs::{self, File};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::Signal;

use crate::process::{Memory, Process};

pub const EXECUTABLE: &str = env!("CARGO_BIN_EXE_rememberd");

/// Long, because the first start of all loads the seed file.
const START_TIMEOUT_SECS: u64 = 600;
/// The log may be written by a thread of its own, so that its line can come after the line on standard output.
const LOG_TIMEOUT_SECS: u64 = 2;
const LOG_POLL_INTERVAL_MILLISECONDS: u64 = 10;

const READY_PREFIX: &str = "rememberd listens on http://";
const OPENED: &str = "database opened open_ms=";

pub struct Server {
    pub address: SocketAddr,
    pub start: Start,
    process: Process,
}

#[derive(Clone, Copy)]
pub struct Start {
    /// How long the database took to open, by the server's own log; absent if it logged nothing of the kind.
    pub open_ms: Option<f64>,
    /// From the start of the process to the line that says it listens.
    pub ready_ms: f64,
}

impl Server {
    /// Starts it on `data_dir`, which is filled from `seed_file` if there is one. The log goes to `log_path`.
    pub fn start(data_dir: &Path, seed_file: Option<&Path>, log_path: &Path) -> Self {
        match seed_file.map(|path| path.to_str().expect("the workspace has a plain name")) {
            Some(path) => Self::start_with(data_dir, &["--seed", path], log_path),
            None => Self::start_with(data_dir, &[], log_path),
        }
    }

    /// Starts it on `data_dir` with more arguments. The log goes to `log_path`.
    pub fn start_with(data_dir: &Path, arguments: &[&str], log_path: &Path) -> Self {
        let log = File::create(log_path).expect("the workspace is writable");
        let mut command = Command::new(EXECUTABLE);
        command
            .args(["serve", "--listen", "127.0.0.1:0", "--data-dir"])
            .arg(data_dir)
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(log);
        let before = Instant::now();
        let mut process = Process::spawn(&mut command, Signal::TERM).expect("rememberd starts");
        let line = process.first_line_within(Duration::from_secs(START_TIMEOUT_SECS));
        let ready_ms = before.elapsed().as_secs_f64() * 1e3;
        let Some(address) = line.as_deref().and_then(listening_address) else {
            panic!(
                "rememberd did not say where it listens but {line:?}; its log ends with\n{}",
                tail(log_path)
            );
        };
        Self {
            address,
            start: Start {
                open_ms: logged_open_ms(log_path),
                ready_ms,
            },
            process,
        }
    }

    pub fn memory(&self) -> Memory {
        self.process.memory()
    }

    pub fn reset_peak_memory(&self) {
        self.process.reset_peak_memory();
    }

    pub fn processor_time(&self) -> Duration {
        self.process.processor_time()
    }

    /// SIGTERM, and waits for the end.
    pub fn stop(self) {
        assert!(self.process.stop(), "rememberd ends in time after SIGTERM");
    }

    /// SIGKILL: a crash.
    pub fn kill(self) {
        self.process.kill();
    }
}

fn listening_address(line: &str) -> Option<SocketAddr> {
    let rest = line.strip_prefix(READY_PREFIX)?;
    rest.split('/').next()?.parse().ok()
}

fn logged_open_ms(log_path: &Path) -> Option<f64> {
    let until = Instant::now() + Duration::from_secs(LOG_TIMEOUT_SECS);
    loop {
        let log = fs::read_to_string(log_path).unwrap_or_default();
        let found = log.lines().find_map(open_ms_of_line);
        if found.is_some() || Instant::now() > until {
            return found;
        }
        thread::sleep(Duration::from_millis(LOG_POLL_INTERVAL_MILLISECONDS));
    }
}

fn open_ms_of_line(line: &str) -> Option<f64> {
    let (_, milliseconds) = line.split_once(OPENED)?;
    milliseconds.split_whitespace().next()?.parse().ok()
}

fn tail(log_path: &Path) -> String {
    const LINES: usize = 10;
    let log = fs::read_to_string(log_path).unwrap_or_default();
    let lines: Vec<&str> = log.lines().collect();
    lines[lines.len().saturating_sub(LINES)..].join("\n")
}
