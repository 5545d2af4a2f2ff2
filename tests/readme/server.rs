//! The real binary, started as the README starts it.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use rustix::process::{Pid, Signal, kill_process};

/// What the line begins with that is printed once the server listens.
const LISTENS: &str = "rememberd listens on http://";

/// A server that listens, which is killed when dropped.
pub struct Server {
    pub address: SocketAddr,
    child: Child,
}

impl Server {
    /// Starts it with these arguments in `directory`, on a free port, and waits until it listens.
    pub fn start(directory: &Path, arguments: &[String]) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_rememberd"));
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("REMEMBERD_") {
                command.env_remove(name);
            }
        }
        let mut child = command
            .args(arguments)
            .env("REMEMBERD_LISTEN", "127.0.0.1:0")
            .env("REMEMBERD_LOG_LEVEL", "error")
            .current_dir(directory)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the binary starts");
        let stdout = BufReader::new(child.stdout.take().expect("it is piped"));
        let address = stdout.lines().find_map(|line| {
            let line = line.expect("a line in UTF-8");
            let address = line.strip_prefix(LISTENS)?;
            address.split('/').next()?.parse().ok()
        });
        Self {
            address: address.expect("it prints where it listens"),
            child,
        }
    }

    /// Stops it, and waits until it did without a failure.
    pub fn stop(mut self) {
        let id = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw);
        kill_process(id.expect("a process id"), Signal::TERM).expect("the process runs");
        let status = self.child.wait().expect("the process ends");
        assert!(status.success(), "{status}");
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
