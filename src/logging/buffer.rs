//! The buffer between those who log and the thread that writes.
//!
//! Warnings and errors have room of their own in it, so that no number of other lines makes one of them be dropped.
//! The thread is woken for the first line of a buffer only and then waits a moment for more: waking it for every line
//! would cost as much as serving a request.

use std::io::{self, Write};
use std::mem;
use std::ops::Range;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tracing::{Level, Metadata};
use tracing_subscriber::fmt::MakeWriter;

use crate::logging::line::LineFormat;
use crate::logging::output::Output;

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
    lines: Batch,
    /// How many of the bytes are lines of each importance, and how many such lines did not fit.
    info: Room,
    warnings: Room,
    /// Whether the thread is to end.
    ending: bool,
    /// Whether it has written everything and ends.
    ended: bool,
}

/// Lines that are written together.
#[derive(Default, Debug)]
struct Batch {
    /// All lines in their order.
    bytes: Vec<u8>,
    /// Which of the bytes are warnings and errors. Other lines, of which there are many more, need no place here.
    warnings: Vec<Range<usize>>,
}

impl Batch {
    /// The lines of which the bytes from `start` on were not written.
    fn lines_from(&self, start: usize) -> Dropped {
        let ends = |bytes: &[u8]| bytes.iter().filter(|byte| **byte == b'\n').count() as u64;
        let mut dropped = Dropped {
            info: ends(&self.bytes[start..]),
            warnings: 0,
        };
        for warning in self.warnings.iter().filter(|warning| warning.end > start) {
            dropped.info -= ends(&self.bytes[warning.start.max(start)..warning.end]);
            dropped.warnings += 1;
        }
        dropped
    }

    fn clear(&mut self) {
        self.bytes.clear();
        self.warnings.clear();
    }
}

/// How many lines of each importance were dropped.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
struct Dropped {
    info: u64,
    warnings: u64,
}

impl Dropped {
    fn add(&mut self, others: Self) {
        self.info += others.info;
        self.warnings += others.warnings;
    }

    /// The line about them, if there are any.
    fn line(self, format: LineFormat) -> Option<Vec<u8>> {
        let Self { info, warnings } = self;
        let all = info + warnings;
        let message =
            format!("{all} lines of the log were dropped, {warnings} of them warnings or errors");
        (all > 0).then(|| format.line(Level::WARN, &message, &[]))
    }
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
        mem::take(&mut self.lock().lines).bytes
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
        let Batch { bytes, warnings } = &mut buffer.lines;
        let start = bytes.len();
        let is_first = bytes.is_empty();
        bytes.extend_from_slice(priority.as_bytes());
        bytes.extend_from_slice(line);
        if importance == Importance::Warning {
            warnings.push(start..bytes.len());
        }
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

    /// Writes lines until the end. Serving goes on without a log if the target fails: what it did not take is dropped
    /// and counted.
    pub(super) fn write_to(&self, target: impl Write) {
        let mut output = Output::new(target);
        let mut batch = Batch::default();
        let mut dropped = Dropped::default();
        loop {
            let (did_not_fit, ending) = self.take(&mut batch);
            dropped.add(did_not_fit);
            let written = output.write(&batch.bytes);
            dropped.add(batch.lines_from(written));
            if written == batch.bytes.len()
                && let Some(line) = dropped.line(self.format())
                && output.write(&line) == line.len()
            {
                dropped = Dropped::default();
            }
            batch.clear();
            if ending {
                self.lock().ended = true;
                self.0.changed.notify_all();
                return;
            }
        }
    }

    /// Waits for lines, and a moment for more, and swaps them into `batch`, which is empty. Returns how many did not
    /// fit, and whether the log is to end.
    fn take(&self, batch: &mut Batch) -> (Dropped, bool) {
        let changed = &self.0.changed;
        let buffer = changed
            .wait_while(self.lock(), |buffer| {
                buffer.lines.bytes.is_empty() && !buffer.ending
            })
            .unwrap_or_else(PoisonError::into_inner);
        let (mut buffer, _) = changed
            .wait_timeout_while(buffer, COLLECT_FOR, |buffer| !buffer.ending)
            .unwrap_or_else(PoisonError::into_inner);
        mem::swap(&mut buffer.lines, batch);
        let did_not_fit = Dropped {
            info: mem::take(&mut buffer.info).dropped,
            warnings: mem::take(&mut buffer.warnings).dropped,
        };
        (did_not_fit, buffer.ending)
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
    use std::thread;

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
        let bytes = mem::take(&mut buffer.lines).bytes;
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
        assert_eq!(buffer.lines.bytes.len(), BUFFERED_WARNING_BYTES_MAX);
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

    /// A target on a disk that is full for its second and third write.
    struct Full {
        writes: usize,
        taken: Sender<Vec<u8>>,
    }

    impl Write for Full {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.writes += 1;
            let count = match self.writes {
                1 => bytes.len() / 2,
                2 | 3 => return Err(io::ErrorKind::StorageFull.into()),
                _ => bytes.len(),
            };
            let taken = bytes[..count].to_vec();
            self.taken.send(taken).map_err(io::Error::other)?;
            Ok(count)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn lines_that_a_full_disk_does_not_take_are_counted() {
        let (taken, took) = channel();
        let lines = Lines::new(FORMAT);
        lines.append("", b"an early line\n", Importance::Info);
        lines.append("<4>", b"a warning\nof two lines\n", Importance::Warning);
        lines.append("", b"a late line\n", Importance::Info);
        let written = b"an early line\n<4>a warning\nof".len();
        let batch = mem::take(&mut *lines.lock()).lines;
        let expected = Dropped {
            info: 1,
            warnings: 1,
        };
        assert_eq!(batch.lines_from(written), expected);
        assert_eq!(batch.lines_from(batch.bytes.len()), Dropped::default());

        let log = Log::start(Full { writes: 0, taken }, FORMAT).expect("a thread starts");
        log.lines.append("", b"torn line\n", Importance::Info);
        assert_eq!(took.recv().expect("a write"), b"torn ");
        log.lines.append("", b"a warning\n", Importance::Warning);
        // The second write of the first lines failed; wait until the third one, of the separating line end, has too.
        while !log.lines.lock().lines.bytes.is_empty() {
            thread::yield_now();
        }
        log.lines.append("", b"whole\n", Importance::Info);
        drop(log);
        let written: Vec<u8> = took.iter().flatten().collect();
        let text = String::from_utf8(written).expect("UTF-8");
        assert!(text.starts_with("\nwhole\n"), "{text}");
        let message = "2 lines of the log were dropped, 1 of them warnings or errors";
        assert!(text.contains(message), "{text}");
    }
}
