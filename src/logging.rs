//! The log: lines on standard error, written by a thread of its own.
//!
//! A slow terminal or pipe must not delay requests, so lines are appended to a bounded buffer that a thread
//! writes; what does not fit is dropped and counted. Warnings and errors have room of their own in it, so that no
//! number of other lines makes one of them be dropped. The thread is woken for the first line of a buffer only and
//! then waits a moment for more: waking it for every line would cost as much as serving a request.

pub mod repeated;
pub mod warnings;

mod text;

use std::io::{self, Write};
use std::mem;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use tracing::{Level, Metadata};
use tracing_subscriber::fmt::MakeWriter;

use crate::config::log::{LogConfig, LogFormat, LogLevel};
use crate::logging::text::Text;

/// Most bytes of lines at `info` that are buffered.
const BUFFERED_BYTES_MAX: usize = 4 * 1_024 * 1_024;

/// Most bytes of warnings and errors that are buffered beside them.
const BUFFERED_WARNING_BYTES_MAX: usize = 1_024 * 1_024;

/// How long lines are collected before they are written together.
const COLLECT_FOR: Duration = Duration::from_millis(20);

/// Starts logging with these settings. Dropping the returned log writes what is buffered.
///
/// # Errors
///
/// If the writing thread cannot be started.
pub fn start(config: &LogConfig) -> io::Result<Log> {
    let log = Log::start(io::stderr())?;
    let subscriber = tracing_subscriber::fmt()
        .with_writer(log.lines.clone())
        .with_target(false)
        .with_ansi(false)
        .with_max_level(level(config.log_level));
    match config.log_format {
        LogFormat::Text => subscriber.event_format(Text).init(),
        LogFormat::Json => subscriber.json().init(),
    }
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
    thread: Option<JoinHandle<()>>,
}

impl Log {
    fn start(target: impl Write + Send + 'static) -> io::Result<Self> {
        let lines = Lines::default();
        let buffered = lines.clone();
        let thread = thread::Builder::new()
            .name("log".to_owned())
            .spawn(move || buffered.write_to(target))?;
        Ok(Self {
            lines,
            thread: Some(thread),
        })
    }
}

impl Drop for Log {
    fn drop(&mut self) {
        self.lines.lock().ending = true;
        self.lines.0.changed.notify_one();
        if let Some(thread) = self.thread.take() {
            // A panic of the thread was printed by the panic hook.
            let _ = thread.join();
        }
    }
}

/// The buffered lines.
#[derive(Clone, Default, Debug)]
struct Lines(Arc<Shared>);

#[derive(Default, Debug)]
struct Shared {
    buffer: Mutex<Buffer>,
    changed: Condvar,
}

#[derive(Default, Debug)]
struct Buffer {
    /// All lines in their order.
    bytes: Vec<u8>,
    /// How many of the bytes are lines of each importance, and how many such lines did not fit.
    info: Room,
    warnings: Room,
    ending: bool,
}

#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
struct Room {
    bytes: usize,
    dropped: u64,
}

impl Room {
    /// Takes room for a line of so many bytes; counts it as dropped if less is left of `bytes_max`.
    fn take(&mut self, bytes: usize, bytes_max: usize) -> bool {
        let has_room = self.bytes + bytes <= bytes_max;
        if has_room {
            self.bytes += bytes;
        } else {
            self.dropped += 1;
        }
        has_room
    }
}

/// How much it matters that a line is written.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Importance {
    Info,
    Warning,
}

impl Lines {
    fn lock(&self) -> MutexGuard<'_, Buffer> {
        self.0.buffer.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn append(&self, line: &[u8], importance: Importance) {
        let mut buffer = self.lock();
        let (room, bytes_max) = match importance {
            Importance::Info => (&mut buffer.info, BUFFERED_BYTES_MAX),
            Importance::Warning => (&mut buffer.warnings, BUFFERED_WARNING_BYTES_MAX),
        };
        if !room.take(line.len(), bytes_max) {
            return;
        }
        let is_first = buffer.bytes.is_empty();
        buffer.bytes.extend_from_slice(line);
        drop(buffer);
        if is_first {
            self.0.changed.notify_one();
        }
    }

    /// Writes lines until the log is dropped. Errors of the target are ignored: serving goes on without a log.
    fn write_to(&self, mut target: impl Write) {
        let mut bytes = Vec::new();
        loop {
            let (info, warnings, ending) = self.take(&mut bytes);
            let _ = target.write_all(&bytes);
            let dropped = info.dropped + warnings.dropped;
            if dropped > 0 {
                let warnings = warnings.dropped;
                let _ = writeln!(
                    target,
                    "{dropped} lines of the log were dropped, {warnings} of them warnings or errors"
                );
            }
            let _ = target.flush();
            bytes.clear();
            if ending {
                return;
            }
        }
    }

    /// Waits for lines, and a moment for more, and swaps them into `bytes`, which is empty. Returns what there was
    /// of each importance, and whether the log has ended.
    fn take(&self, bytes: &mut Vec<u8>) -> (Room, Room, bool) {
        let changed = &self.0.changed;
        let buffer = changed
            .wait_while(self.lock(), |buffer| {
                buffer.bytes.is_empty() && !buffer.ending
            })
            .unwrap_or_else(PoisonError::into_inner);
        let (mut buffer, _) = changed
            .wait_timeout_while(buffer, COLLECT_FOR, |buffer| !buffer.ending)
            .unwrap_or_else(PoisonError::into_inner);
        mem::swap(&mut buffer.bytes, bytes);
        let (info, warnings) = (mem::take(&mut buffer.info), mem::take(&mut buffer.warnings));
        (info, warnings, buffer.ending)
    }
}

impl<'a> MakeWriter<'a> for Lines {
    type Writer = Line<'a>;

    fn make_writer(&'a self) -> Line<'a> {
        Line(self, Importance::Info)
    }

    fn make_writer_for(&'a self, event: &Metadata<'_>) -> Line<'a> {
        // The levels are ordered by how much they let through.
        let importance = if *event.level() <= Level::WARN {
            Importance::Warning
        } else {
            Importance::Info
        };
        Line(self, importance)
    }
}

/// Appends one line per write, because the subscriber writes whole lines.
struct Line<'a>(&'a Lines, Importance);

impl Write for Line<'_> {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.0.append(line, self.1);
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{Receiver, Sender, channel};

    use super::*;

    /// A target whose writes wait for a message, and which then sends what was written.
    struct Slow {
        go: Receiver<()>,
        taken: Sender<Vec<u8>>,
    }

    impl Write for Slow {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.go.recv().map_err(io::Error::other)?;
            self.taken.send(bytes.to_vec()).map_err(io::Error::other)?;
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_slow_target_loses_lines_and_delays_no_caller() {
        let (go, when) = channel();
        let (taken, took) = channel();
        let log = Log::start(Slow { go: when, taken }).expect("a thread starts");
        let line = [b'x'; 1_024];
        for _ in 0..3 * BUFFERED_BYTES_MAX / line.len() {
            log.lines.append(&line, Importance::Info);
        }
        for _ in 0..3 {
            go.send(()).expect("the target is running");
        }
        drop(go);
        drop(log);
        let written: Vec<u8> = took.iter().flatten().collect();
        assert!(written.len() <= 2 * BUFFERED_BYTES_MAX + line.len());
        let text = String::from_utf8_lossy(&written);
        assert!(
            text.contains("lines of the log were dropped"),
            "{}",
            text.len()
        );
    }

    #[test]
    fn no_number_of_other_lines_drops_a_warning() {
        let lines = Lines::default();
        let subscriber = tracing_subscriber::fmt()
            .with_writer(lines.clone())
            .event_format(Text)
            .finish();
        let text = "x".repeat(10_000);
        tracing::subscriber::with_default(subscriber, || {
            for _ in 0..2 * BUFFERED_BYTES_MAX / text.len() {
                tracing::info!(text, "request");
            }
            tracing::warn!("a token was used twice");
            tracing::error!("the disk fails");
        });
        let mut buffer = lines.lock();
        assert!(buffer.info.dropped > 0);
        assert_eq!(buffer.warnings.dropped, 0);
        let bytes = mem::take(&mut buffer.bytes);
        assert_eq!(bytes.len(), buffer.info.bytes + buffer.warnings.bytes);
        let log = String::from_utf8(bytes).expect("a log is UTF-8");
        let last: Vec<_> = log.lines().rev().take(2).collect();
        assert!(last[1].ends_with("a token was used twice"), "{}", last[1]);
        assert!(last[0].ends_with("the disk fails"), "{}", last[0]);
    }

    #[test]
    fn warnings_have_a_bound_too() {
        let lines = Lines::default();
        let line = [b'x'; 1_024];
        for _ in 0..2 * BUFFERED_WARNING_BYTES_MAX / line.len() {
            lines.append(&line, Importance::Warning);
        }
        let buffer = lines.lock();
        assert_eq!(buffer.bytes.len(), BUFFERED_WARNING_BYTES_MAX);
        assert_eq!(buffer.warnings.dropped, 1_024);
    }

    #[test]
    fn dropping_the_log_writes_what_is_buffered() {
        let (go, when) = channel();
        let (taken, took) = channel();
        let log = Log::start(Slow { go: when, taken }).expect("a thread starts");
        go.send(()).expect("the target is running");
        log.lines.append(b"last words\n", Importance::Info);
        drop(log);
        assert_eq!(took.iter().flatten().collect::<Vec<u8>>(), b"last words\n");
    }
}
