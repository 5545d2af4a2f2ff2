//! Where the log goes: standard error, through a thread of its own.
//!
//! A terminal or a pipe that does not keep up must not hold up requests, so lines are appended to a
//! bounded buffer and a thread writes it; what does not fit is dropped and counted. The thread is woken
//! for the first line of a buffer alone and gathers for a moment: a wake-up for every line would cost
//! as much as answering a request.

use std::io::{self, Write};
use std::mem;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use tracing::Level;
use tracing_subscriber::fmt::MakeWriter;

use crate::config::{Config, LogFormat, LogLevel};

/// How much of the log may wait to be written.
const WAITING_BYTES_MAX: usize = 4 * 1_024 * 1_024;

/// How long lines gather before they are written together.
const GATHER: Duration = Duration::from_millis(20);

/// Starts logging as configured. What waits is written when the returned log is dropped.
///
/// # Errors
///
/// If the thread that writes cannot be started.
pub fn start(config: &Config) -> io::Result<Log> {
    let log = Log::start(io::stderr())?;
    let subscriber = tracing_subscriber::fmt()
        .with_writer(log.lines.clone())
        .with_target(false)
        .with_ansi(false)
        .with_max_level(level(config.log_level));
    match config.log_format {
        LogFormat::Text => subscriber.init(),
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

/// The running log, which ends when this is dropped.
#[derive(Debug)]
pub struct Log {
    lines: Lines,
    thread: Option<JoinHandle<()>>,
}

impl Log {
    fn start(target: impl Write + Send + 'static) -> io::Result<Self> {
        let lines = Lines::default();
        let waiting = lines.clone();
        let thread = thread::Builder::new()
            .name("log".to_owned())
            .spawn(move || waiting.write_to(target))?;
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
            // A panic of the thread has been told by its hook.
            let _ = thread.join();
        }
    }
}

/// The lines that wait to be written.
#[derive(Clone, Default, Debug)]
struct Lines(Arc<Shared>);

#[derive(Default, Debug)]
struct Shared {
    waiting: Mutex<Waiting>,
    changed: Condvar,
}

#[derive(Default, Debug)]
struct Waiting {
    bytes: Vec<u8>,
    dropped: u64,
    ending: bool,
}

impl Lines {
    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.0
            .waiting
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    fn append(&self, line: &[u8]) {
        let mut waiting = self.lock();
        if waiting.bytes.len() + line.len() > WAITING_BYTES_MAX {
            waiting.dropped += 1;
            return;
        }
        let is_first = waiting.bytes.is_empty();
        waiting.bytes.extend_from_slice(line);
        drop(waiting);
        if is_first {
            self.0.changed.notify_one();
        }
    }

    /// Writes what comes, until the end. A target that fails is no reason to stop serving.
    fn write_to(&self, mut target: impl Write) {
        let mut bytes = Vec::new();
        loop {
            let (dropped, ending) = self.take(&mut bytes);
            let _ = target.write_all(&bytes);
            if dropped > 0 {
                let _ = writeln!(target, "{dropped} lines of the log were dropped");
            }
            let _ = target.flush();
            bytes.clear();
            if ending {
                return;
            }
        }
    }

    /// Waits for lines, lets more gather, and puts them all into `bytes`, which is empty.
    fn take(&self, bytes: &mut Vec<u8>) -> (u64, bool) {
        let recover = PoisonError::into_inner;
        let nothing = |waiting: &mut Waiting| waiting.bytes.is_empty() && !waiting.ending;
        let waiting = self.0.changed.wait_while(self.lock(), nothing);
        let (mut waiting, _) = self
            .0
            .changed
            .wait_timeout_while(waiting.unwrap_or_else(recover), GATHER, |waiting| {
                !waiting.ending
            })
            .unwrap_or_else(PoisonError::into_inner);
        mem::swap(&mut waiting.bytes, bytes);
        (mem::take(&mut waiting.dropped), waiting.ending)
    }
}

impl<'a> MakeWriter<'a> for Lines {
    type Writer = Line<'a>;

    fn make_writer(&'a self) -> Line<'a> {
        Line(self)
    }
}

/// Takes one whole line at each write, as the subscriber gives it.
struct Line<'a>(&'a Lines);

impl Write for Line<'_> {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.0.append(line);
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

    /// A target that takes nothing before it is told to, and then tells what it took.
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
    fn a_target_that_does_not_keep_up_loses_lines_and_holds_up_nobody() {
        let (go, when) = channel();
        let (taken, took) = channel();
        let log = Log::start(Slow { go: when, taken }).expect("a thread starts");
        let line = [b'x'; 1_024];
        for _ in 0..3 * WAITING_BYTES_MAX / line.len() {
            log.lines.append(&line);
        }
        for _ in 0..3 {
            go.send(()).expect("the target is there");
        }
        drop(go);
        drop(log);
        let written: Vec<u8> = took.iter().flatten().collect();
        assert!(written.len() <= 2 * WAITING_BYTES_MAX + line.len());
        let text = String::from_utf8_lossy(&written);
        assert!(
            text.contains("lines of the log were dropped"),
            "{}",
            text.len()
        );
    }

    #[test]
    fn the_end_writes_what_waits() {
        let (go, when) = channel();
        let (taken, took) = channel();
        let log = Log::start(Slow { go: when, taken }).expect("a thread starts");
        go.send(()).expect("the target is there");
        log.lines.append(b"last words\n");
        drop(log);
        assert_eq!(took.iter().flatten().collect::<Vec<u8>>(), b"last words\n");
    }
}
