//! How far a command has come, on standard error: a bar on a terminal, else a line in each second.

use std::io::{self, IsTerminal, Write};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

use crate::error::Failure;

/// How often something is written where there is no terminal.
const INTERVAL: Duration = Duration::from_secs(1);

/// What a bar looks like.
const TEMPLATE: &str = "{msg} [{bar:30}] {human_pos} of {human_len}, {eta} left";

/// The progress of a command.
pub struct Progress {
    what: &'static str,
    last: Instant,
    /// On a terminal.
    bar: Option<ProgressBar>,
}

impl Progress {
    /// The progress of `what`, like "checking".
    pub fn new(what: &'static str) -> Self {
        let bar = io::stderr().is_terminal().then(|| {
            // It is drawn once there is something to show.
            let bar = ProgressBar::no_length();
            match ProgressStyle::with_template(TEMPLATE) {
                Ok(style) => bar.with_style(style.progress_chars("=> ")),
                Err(_) => bar,
            }
        });
        Self {
            what,
            last: Instant::now(),
            bar,
        }
    }

    /// Shows that `done` of `of` entries of `table` are done, unless something was shown a moment ago.
    pub fn show(&mut self, table: &str, done: u64, of: u64) {
        let what = self.what;
        if let Some(bar) = &self.bar {
            if bar.length() != Some(of) || done < bar.position() {
                bar.reset();
                bar.set_length(of);
                bar.set_message(format!("{what} {table}"));
            }
            bar.set_position(done);
            return;
        }
        if self.last.elapsed() < INTERVAL {
            return;
        }
        self.last = Instant::now();
        // Standard error may be closed.
        let _ = writeln!(io::stderr(), "{what} {table}: {done} of {of}");
    }

    /// [`Progress::show`] for work on tables, which a failure of it would end: it has none.
    pub fn of_tables(&mut self) -> impl FnMut(&str, u64, u64) -> Result<(), Failure> {
        |table, done, of| {
            self.show(table, done, of);
            Ok(())
        }
    }

    /// What is shown from now on is the progress of `what`.
    pub fn next(&mut self, what: &'static str) {
        self.what = what;
        if let Some(bar) = &self.bar {
            bar.unset_length();
        }
    }

    /// Removes the bar from the terminal.
    pub fn clear(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}
