//! The log: lines on standard error, written by a thread of its own.
//!
//! A slow terminal or pipe must not delay requests, so lines are appended to a bounded [`buffer`] that a thread
//! writes; what does not fit is dropped and counted. Nor may it delay the end of the process: what is not written a
//! second after the log was dropped is lost.

pub mod escape;
pub mod repeated;
pub mod warnings;

mod buffer;
mod journald;
mod line;
mod output;
mod panics;
mod text;

use std::io::{self, Write};
use std::sync::OnceLock;
use std::thread;
use std::time::Duration;

use tracing::Level;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use crate::config::log::{LogConfig, LogFormat, LogLevel};
use crate::logging::buffer::{Importance, Lines};
use crate::logging::line::LineFormat;
use crate::logging::output::Blocking;
use crate::logging::panics::PanicHook;
use crate::logging::text::Text;

/// The target of the events of the audit log, which have a level of their own.
pub const AUDIT: &str = "audit";

/// How long the last lines may take to be written.
const FLUSH_MAX: Duration = Duration::from_secs(1);

/// The lines of the running log.
static RUNNING: OnceLock<Lines> = OnceLock::new();

/// Writes what is buffered, for `max` at most, in a process that ends at once: nothing is written after it.
pub fn end(max: Duration) {
    if let Some(lines) = RUNNING.get() {
        lines.end(max);
    }
}

/// Writes why a process ends that has not started its log, in the format of one with these settings.
pub fn report(config: &LogConfig, error: &str) {
    let _ = io::stderr().write_all(&LineFormat::new(config).report(error));
}

/// Starts logging with these settings. Dropping the returned log writes what is buffered, for a second at most.
///
/// # Errors
///
/// If the writing thread cannot be started.
pub fn start(config: &LogConfig) -> io::Result<Log> {
    let format = LineFormat::new(config);
    let mut log = Log::start(Blocking(io::stderr()), format)?;
    let (others, audit) = (
        level(config.log_level),
        level(config.audit_log_level.unwrap_or(config.log_level)),
    );
    let subscriber = tracing_subscriber::fmt()
        .with_writer(log.lines.clone())
        .with_target(false)
        .with_ansi(false)
        .with_max_level(others.max(audit));
    let filter = Targets::new()
        .with_default(others)
        .with_target(AUDIT, audit);
    match config.log_format {
        LogFormat::Text => {
            let subscriber = subscriber.event_format(Text {
                has_time: format.has_time(),
            });
            subscriber.finish().with(filter).init();
        }
        LogFormat::Json => subscriber.json().finish().with(filter).init(),
    }
    RUNNING.get_or_init(|| log.lines.clone());
    log.panic_hook = Some(PanicHook::install(log.lines.clone()));
    Ok(log)
}

fn level(level: LogLevel) -> Level {
    match level {
        LogLevel::Error => Level::ERROR,
        LogLevel::Warn => Level::WARN,
        LogLevel::Info => Level::INFO,
    }
}

/// The running log, which stops when this is dropped.
#[derive(Debug)]
pub struct Log {
    lines: Lines,
    panic_hook: Option<PanicHook>,
}

impl Log {
    fn start(target: impl Write + Send + 'static, format: LineFormat) -> io::Result<Self> {
        let lines = Lines::new(format);
        let buffered = lines.clone();
        thread::Builder::new()
            .name(buffer::THREAD.to_owned())
            .spawn(move || buffered.write_to(target))?;
        Ok(Self {
            lines,
            panic_hook: None,
        })
    }

    /// Logs why the process ends, whatever the level is.
    pub fn report(&self, error: &str) {
        let line = self.lines.format().report(error);
        self.lines.append("", &line, Importance::Warning);
    }
}

impl Drop for Log {
    fn drop(&mut self) {
        drop(self.panic_hook.take());
        // Nobody may be reading what the thread writes: then it is left alone, and ends with the process.
        self.lines.end(FLUSH_MAX);
    }
}
