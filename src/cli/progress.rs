//! A line on standard error that shows how far a command has come.

use std::io::{self, IsTerminal, Write};
use std::time::{Duration, Instant};

/// How often a line is written.
const INTERVAL: Duration = Duration::from_secs(1);

/// The progress of a command: at most a line in each second, in place on a terminal.
pub struct ProgressLine {
    what: &'static str,
    last: Instant,
    is_terminal: bool,
}

impl ProgressLine {
    /// The progress of `what`, like "checking".
    pub fn new(what: &'static str) -> Self {
        Self {
            what,
            last: Instant::now(),
            is_terminal: io::stderr().is_terminal(),
        }
    }

    /// Shows that `done` of `of` entries of `table` are done, unless something was shown a moment ago.
    pub fn show(&mut self, table: &str, done: u64, of: u64) {
        if self.last.elapsed() < INTERVAL {
            return;
        }
        self.last = Instant::now();
        let (what, mut out) = (self.what, io::stderr().lock());
        // Standard error may be closed.
        let _ = if self.is_terminal {
            write!(out, "\r\x1B[K{what} {table}: {done} of {of}").and_then(|()| out.flush())
        } else {
            writeln!(out, "{what} {table}: {done} of {of}")
        };
    }

    /// Removes the line from a terminal.
    pub fn clear(&self) {
        if self.is_terminal {
            let _ = write!(io::stderr(), "\r\x1B[K");
        }
    }
}
