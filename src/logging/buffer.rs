//! The buffer between those who log and the thread that writes.
//!
//! Warnings and errors have room of their own in it, so that no number of other lines makes one of them be dropped.
//! The thread is woken for the first line of a buffer only and then waits a moment for more: waking it for every line
//! would cost as much as serving a request.

use std::io::{self, Write};
use std::mem;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tracing::{Level, Metadata};
use tracing_subscriber::fmt::MakeWriter;

use crate::logging::line::LineFormat;

/// The name of the thread that writes.
pub(super) const THREAD: &str = "log";

/// Most bytes of lines at `info` that are buffered.
const BUFFERED_BYTES_MAX: usize = 4 * 1_024 * 1_024;

/// Most bytes of warnings and errors that are buffered beside them.
const BUFFERED_WARNING_BYTES_MAX: usize = 1_024 * 1_024;

/// How long lines are collected before they are written together.
const COLLECT_FOR: Duration = Duration::from_millis(20);

/// The buffered lines.
#[derive(Clone, Debug)]
pub(super) struct Lines(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    format: LineFormat,
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
    /// Whether the thread is to end.
    ending: bool,
    /// Whether it has written everything and ends.
    ended: bool,
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
pub(super) enum Importance {
    Info,
    Warning,
}

impl Lines {
    /// An empty buffer of lines of this format.
    pub(super) fn new(format: LineFormat) -> Self {
        Self(Arc::new(Shared {
            format,
            buffer: Mutex::default(),
            changed: Condvar::new(),
        }))
    }

    /// The format of the lines.
    pub(super) fn format(&self) -> LineFormat {
        self.0.format
    }

    /// Takes what is buffered.
    #[cfg(test)]
    pub(super) fn take_bytes(&self) -> Vec<u8> {
        mem::take(&mut self.lock().bytes)
    }

    fn lock(&self) -> MutexGuard<'_, Buffer> {
        self.0.buffer.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Appends a line after its priority, which may be empty.
    pub(super) fn append(&self, priority: &str, line: &[u8], importance: Importance) {
        let mut buffer = self.lock();
        let (room, bytes_max) = match importance {
            Importance::Info => (&mut buffer.info, BUFFERED_BYTES_MAX),
            Importance::Warning => (&mut buffer.warnings, BUFFERED_WARNING_BYTES_MAX),
        };
        if !room.take(priority.len() + line.len(), bytes_max) {
            return;
        }
        let is_first = buffer.bytes.is_empty();
        buffer.bytes.extend_from_slice(priority.as_bytes());
        buffer.bytes.extend_from_slice(line);
        drop(buffer);
        if is_first {
            self.0.changed.notify_all();
        }
    }

    /// Ends the thread once it has written everything, and waits for that, for at most `flush_max`.
    pub(super) fn end(&self, flush_max: Duration) {
        let mut buffer = self.lock();
        buffer.ending = true;
        self.0.changed.notify_all();
        let wait = self
            .0
            .changed
            .wait_timeout_while(buffer, flush_max, |buffer| !buffer.ended);
        drop(wait);
    }

    /// Writes lines until the end. Errors of the target are ignored: serving goes on without a log.
    pub(super) fn write_to(&self, mut target: impl Write) {
        let mut bytes = Vec::new();
        loop {
            let (info, warnings, ending) = self.take(&mut bytes);
            let _ = target.write_all(&bytes);
            let dropped = info.dropped + warnings.dropped;
            if dropped > 0 {
                let warnings = warnings.dropped;
                let message = format!(
                    "{dropped} lines of the log were dropped, {warnings} of them warnings or errors"
                );
                let _ = target.write_all(&self.format().line(Level::WARN, &message, &[]));
            }
            let _ = target.flush();
            bytes.clear();
            if ending {
                self.lock().ended = true;
                self.0.changed.notify_all();
                return;
            }
        }
    }

    /// Waits for lines, and a moment for more, and swaps them into `bytes`, which is empty. Returns what there was
    /// of each importance, and whether the log is to end.
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
        Line {
            lines: self,
            importance: Importance::Info,
            priority: self.format().priority(Level::INFO),
        }
    }

    fn make_writer_for(&'a self, event: &Metadata<'_>) -> Line<'a> {
        // The levels are ordered by how much they let through.
        let importance = if *event.level() <= Level::WARN {
            Importance::Warning
        } else {
            Importance::Info
        };
        Line {
            lines: self,
            importance,
            priority: self.format().priority(*event.level()),
        }
    }
}

/// Appends one line per write, because the subscriber writes whole lines.
pub(super) struct Line<'a> {
    lines: &'a Lines,
    importance: Importance,
    priority: &'static str,
}

impl Write for Line<'_> {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.lines.append(self.priority, line, self.importance);
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
    use crate::config::log::LogFormat;
    use crate::logging::Log;
    use crate::logging::text::Text;

    const FORMAT: LineFormat = LineFormat {
        format: LogFormat::Text,
        has_priority: false,
    };

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
        let log = Log::start(Slow { go: when, taken }, FORMAT).expect("a thread starts");
        let line = [b'x'; 1_024];
        for _ in 0..3 * BUFFERED_BYTES_MAX / line.len() {
            log.lines.append("", &line, Importance::Info);
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
        let lines = Lines::new(FORMAT);
        let subscriber = tracing_subscriber::fmt()
            .with_writer(lines.clone())
            .event_format(Text { has_time: true })
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
        let lines = Lines::new(FORMAT);
        let line = [b'x'; 1_024];
        for _ in 0..2 * BUFFERED_WARNING_BYTES_MAX / line.len() {
            lines.append("", &line, Importance::Warning);
        }
        let buffer = lines.lock();
        assert_eq!(buffer.bytes.len(), BUFFERED_WARNING_BYTES_MAX);
        assert_eq!(buffer.warnings.dropped, 1_024);
    }

    #[test]
    fn dropping_the_log_writes_what_is_buffered() {
        let (go, when) = channel();
        let (taken, took) = channel();
        let log = Log::start(Slow { go: when, taken }, FORMAT).expect("a thread starts");
        go.send(()).expect("the target is running");
        log.lines.append("", b"last words\n", Importance::Info);
        drop(log);
        assert_eq!(took.iter().flatten().collect::<Vec<u8>>(), b"last words\n");
    }

    #[test]
    fn a_target_that_blocks_does_not_hold_up_the_end() {
        let (_go, when) = channel();
        let (taken, took) = channel();
        let log = Log::start(Slow { go: when, taken }, FORMAT).expect("a thread starts");
        log.lines.append("", b"never written\n", Importance::Info);
        drop(log);
        assert!(took.try_recv().is_err());
    }

    #[test]
    fn lines_that_were_dropped_are_reported_in_the_format_of_the_log() {
        let format = LineFormat {
            format: LogFormat::Json,
            has_priority: true,
        };
        let lines = Lines::new(format);
        lines.lock().info.dropped = 7;
        lines.end(Duration::ZERO);
        let mut written = Vec::new();
        lines.write_to(&mut written);
        let line = String::from_utf8(written).expect("UTF-8");
        let json = line.strip_prefix("<4>").expect("a warning");
        let event: serde_json::Value = serde_json::from_str(json).expect("JSON");
        assert_eq!(event["level"], "WARN");
        let message = "7 lines of the log were dropped, 0 of them warnings or errors";
        assert_eq!(event["fields"]["message"], message);
    }
}
