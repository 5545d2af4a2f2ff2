//! Panics are lines of the log, in its format, instead of text between its lines.

use std::backtrace::{Backtrace, BacktraceStatus};
use std::io::{self, Write};
use std::panic::{self, PanicHookInfo};
use std::thread;

use tracing::Level;

use crate::logging::buffer::{self, Importance, Lines};

/// Panics are logged until this is dropped.
#[derive(Debug)]
pub(super) struct PanicHook;

impl PanicHook {
    pub(super) fn install(lines: Lines) -> Self {
        panic::set_hook(Box::new(move |panicked| log(&lines, panicked)));
        Self
    }
}

impl Drop for PanicHook {
    fn drop(&mut self) {
        // A thread that panics must not change the hook.
        if !thread::panicking() {
            drop(panic::take_hook());
        }
    }
}

fn log(lines: &Lines, panicked: &PanicHookInfo<'_>) {
    let thread = thread::current();
    let thread = thread.name().unwrap_or("without a name");
    let payload = panicked.payload();
    let text = payload.downcast_ref::<String>().map(String::as_str);
    let cause = text.or_else(|| payload.downcast_ref::<&str>().copied());
    let cause = cause.unwrap_or("without a message");
    let location = panicked.location().map(ToString::to_string);
    let location = location.as_deref().unwrap_or("unknown");
    // Only if a variable of the environment asks for it.
    let backtrace = Backtrace::capture();
    let backtrace = match backtrace.status() {
        BacktraceStatus::Captured => Some(backtrace.to_string()),
        _ => None,
    };
    let mut fields = vec![("thread", thread), ("cause", cause), ("location", location)];
    fields.extend(backtrace.as_deref().map(|text| ("backtrace", text)));
    // Not through `tracing`: what panicked may be a value that is being logged.
    let line = lines
        .format()
        .line(Level::ERROR, "a thread panicked", &fields);
    if thread == buffer::THREAD {
        let _ = io::stderr().write_all(&line);
    } else {
        lines.append("", &line, Importance::Warning);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::log::LogFormat;
    use crate::logging::line::LineFormat;

    #[test]
    fn a_panic_is_one_line_in_the_format_of_the_log() {
        let lines = Lines::new(LineFormat {
            format: LogFormat::Json,
            has_priority: false,
        });
        let hook = PanicHook::install(lines.clone());
        let panicked = thread::Builder::new()
            .name("worker".to_owned())
            .spawn(|| panic!("at\nonce"))
            .expect("a thread starts");
        assert!(panicked.join().is_err());
        drop(hook);
        let log = String::from_utf8(lines.take_bytes()).expect("a log is UTF-8");
        // Other tests may panic at the same time.
        let events = log
            .lines()
            .map(|line| serde_json::from_str::<serde_json::Value>(line).expect("JSON"));
        let ours: Vec<_> = events
            .filter(|event| event["fields"]["cause"] == "at\nonce")
            .collect();
        assert_eq!(ours.len(), 1, "{log}");
        assert_eq!(ours[0]["level"], "ERROR");
        assert_eq!(ours[0]["fields"]["message"], "a thread panicked");
        assert_eq!(ours[0]["fields"]["thread"], "worker");
    }
}
