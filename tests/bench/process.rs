//! A child process that does not outlive the run, also if the run panics.

use std::fs;
use std::io::{self, BufRead, BufReader};
use std::net::TcpListener;
use std::process::{Child, Command, ExitStatus};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

const STOP_TIMEOUT_SECS: u64 = 30;
const POLL_INTERVAL_MILLISECONDS: u64 = 2;

pub struct Process {
    child: Child,
    stop_with: Signal,
}

/// Resident memory in bytes.
#[derive(Clone, Copy)]
pub struct Memory {
    pub now: u64,
    /// The most since the process started, or since this was reset.
    pub peak: u64,
}

impl Process {
    /// `stop_with` is the signal that ends it in good order, if that matters.
    pub fn spawn(command: &mut Command, stop_with: Signal) -> io::Result<Self> {
        let child = command.spawn()?;
        Ok(Self { child, stop_with })
    }

    /// The first line of its standard output, which must be piped; `None` if it ends without one.
    pub fn first_line(&mut self) -> Option<String> {
        let stdout = self.child.stdout.take()?;
        BufReader::new(stdout).lines().next()?.ok()
    }

    /// As `first_line`, for a process that goes on printing: the rest is read and dropped, so that it never blocks.
    pub fn first_line_within(&mut self, limit: Duration) -> Option<String> {
        let stdout = self.child.stdout.take()?;
        let (sender, receiver) = mpsc::channel();
        thread::spawn(move || {
            for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                // Nobody listens after the first line.
                let _ = sender.send(line);
            }
        });
        receiver.recv_timeout(limit).ok()
    }

    pub fn has_exited(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(Some(_)))
    }

    pub fn memory(&self) -> Memory {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id()))
            .expect("the process runs and /proc is there");
        let bytes = |name: &str| {
            status
                .lines()
                .find_map(|line| line.strip_prefix(name)?.strip_suffix("kB"))
                .and_then(|value| value.trim().parse::<u64>().ok())
                .expect("the kernel reports resident memory in kB")
                * 1024
        };
        Memory {
            now: bytes("VmRSS:"),
            peak: bytes("VmHWM:"),
        }
    }

    /// How long its threads ran, in all.
    pub fn processor_time(&self) -> Duration {
        let threads = fs::read_dir(format!("/proc/{}/task", self.child.id()));
        let threads = threads.expect("the process runs and /proc is there");
        let nanoseconds = threads.map(|thread| {
            let path = thread.expect("its threads are listed").path();
            // One that has just ended had little to do.
            let ran = fs::read_to_string(path.join("schedstat")).unwrap_or_default();
            let first = ran.split(' ').next();
            first.and_then(|first| first.parse().ok()).unwrap_or(0)
        });
        Duration::from_nanos(nanoseconds.sum())
    }

    /// The most resident memory of a process that may end at any time, in bytes; `None` once it has ended.
    pub fn peak_memory(&self) -> Option<u64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id())).ok()?;
        let line = status
            .lines()
            .find_map(|line| line.strip_prefix("VmHWM:"))?;
        let kilobytes: u64 = line.strip_suffix("kB")?.trim().parse().ok()?;
        Some(kilobytes * 1024)
    }

    /// The peak of its memory is what it has now.
    pub fn reset_peak_memory(&self) {
        fs::write(format!("/proc/{}/clear_refs", self.child.id()), "5")
            .expect("the process is a child");
    }

    /// Ends it in good order and waits. Returns whether it went within the limit; if not, it is killed.
    pub fn stop(mut self) -> bool {
        self.stop_in_place().is_some()
    }

    /// Ends it as a crash would.
    pub fn kill(mut self) {
        self.kill_in_place();
    }

    fn stop_in_place(&mut self) -> Option<ExitStatus> {
        // It may be gone already, which the wait below finds.
        let _ = kill_process(Pid::from_child(&self.child), self.stop_with);
        let until = Instant::now() + Duration::from_secs(STOP_TIMEOUT_SECS);
        while Instant::now() < until {
            if let Ok(Some(status)) = self.child.try_wait() {
                return Some(status);
            }
            thread::sleep(Duration::from_millis(POLL_INTERVAL_MILLISECONDS));
        }
        self.kill_in_place();
        None
    }

    fn kill_in_place(&mut self) {
        // An error means that it is gone, which is what is wanted.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A port of the loopback interface that was free a moment ago, for programs that cannot choose one themselves.
pub fn free_port() -> io::Result<u16> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    Ok(listener.local_addr()?.port())
}

impl Drop for Process {
    fn drop(&mut self) {
        if !self.has_exited() {
            self.stop_in_place();
        }
    }
}
