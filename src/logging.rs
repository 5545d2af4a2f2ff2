//! Where the log goes: standard error, through a thread of its own.
//!
//! A terminal or a pipe that does not keep up must not hold up requests: lines that find the thread's
//! queue full are dropped.

use std::io::{self, BufWriter};

use tracing::Level;
use tracing_appender::non_blocking::{NonBlockingBuilder, WorkerGuard};

use crate::config::{Config, LogFormat, LogLevel};

/// How many lines may wait to be written.
const WAITING_LINES_MAX: usize = 16_384;

/// How much of the log is written at once under load.
const BUFFER_BYTES: usize = 64 * 1_024;

/// Starts logging as configured. What waits is written when the returned guard is dropped.
pub fn start(config: &Config) -> WorkerGuard {
    let (writer, guard) = NonBlockingBuilder::default()
        .buffered_lines_limit(WAITING_LINES_MAX)
        .thread_name("log")
        // The thread flushes whenever it has written all that waits.
        .finish(BufWriter::with_capacity(BUFFER_BYTES, io::stderr()));
    let subscriber = tracing_subscriber::fmt()
        .with_writer(writer)
        .with_target(false)
        .with_ansi(false)
        .with_max_level(level(config.log_level));
    match config.log_format {
        LogFormat::Text => subscriber.init(),
        LogFormat::Json => subscriber.json().init(),
    }
    guard
}

fn level(level: LogLevel) -> Level {
    match level {
        LogLevel::Error => Level::ERROR,
        LogLevel::Warn => Level::WARN,
        LogLevel::Info => Level::INFO,
    }
}
