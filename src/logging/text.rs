//! The format of a line of text.

use std::cell::RefCell;
use std::fmt::{self, Write as _};
use std::mem;

use time::OffsetDateTime;
use time::macros::format_description;
use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::registry::LookupSpan;

use crate::logging::escape::{is_visible, push_escaped};

/// Formats a line like the library's own format, `time LEVEL message name=value …`, in a third of the time: the
/// library formats the date of every line and escapes every text.
pub(super) struct Text {
    /// Whether the line has its time.
    pub(super) has_time: bool,
}

impl<S, N> FormatEvent<S, N> for Text
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        _: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let mut line = LINE.take();
        line.clear();
        write_head(&mut line, *event.metadata().level(), self.has_time)?;
        let mut fields = Fields {
            line: &mut line,
            is_first: true,
            outcome: Ok(()),
        };
        event.record(&mut fields);
        fields.outcome?;
        line.push('\n');
        let written = writer.write_str(&line);
        LINE.set(line);
        written
    }
}

/// A line of an event with these fields, without its end.
pub(super) fn line(
    level: Level,
    message: &str,
    fields: &[(&str, &str)],
    has_time: bool,
) -> Result<String, fmt::Error> {
    let mut line = String::new();
    write_head(&mut line, level, has_time)?;
    push_escaped(&mut line, message);
    for (name, value) in fields {
        write!(line, " {name}=")?;
        write_text(&mut line, value)?;
    }
    Ok(line)
}

/// `now` in the format of RFC 3339, with microseconds.
pub(super) fn time(now: OffsetDateTime) -> Result<String, fmt::Error> {
    let mut text = String::new();
    write_time(&mut text, now)?;
    Ok(text)
}

fn write_head(line: &mut String, level: Level, has_time: bool) -> fmt::Result {
    if has_time {
        write_time(line, OffsetDateTime::now_utc())?;
        line.push(' ');
    }
    write!(line, "{:>5} ", level.as_str())
}

/// A line to which what is written is appended by [`push_escaped`].
struct Escaped<'l>(&'l mut String);

impl fmt::Write for Escaped<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        push_escaped(self.0, text);
        Ok(())
    }
}

/// Appends `text` in quotes, in one line.
fn write_text(line: &mut String, text: &str) -> fmt::Result {
    let is_plain = |byte: u8| is_visible(byte) && byte != b'"' && byte != b'\\';
    if !text.bytes().all(is_plain) {
        return write!(line, "{text:?}");
    }
    line.push('"');
    line.push_str(text);
    line.push('"');
    Ok(())
}

thread_local! {
    /// A buffer for the next line of this thread.
    static LINE: RefCell<String> = const { RefCell::new(String::new()) };

    /// The second in the last line of this thread, since the epoch and as text.
    static SECOND: RefCell<(i64, String)> = const { RefCell::new((0, String::new())) };
}

/// Appends `now` in the format of RFC 3339, with microseconds.
fn write_time(line: &mut String, now: OffsetDateTime) -> fmt::Result {
    let format = format_description!("[year]-[month]-[day]T[hour]:[minute]:[second]");
    SECOND.with_borrow_mut(|(second, text)| {
        if *second != now.unix_timestamp() || text.is_empty() {
            *text = now.format(format).map_err(|_| fmt::Error)?;
            *second = now.unix_timestamp();
        }
        line.push_str(text);
        Ok(())
    })?;
    let micros = now.microsecond();
    let digits = [100_000, 10_000, 1_000, 100, 10, 1].map(|unit| {
        let digit = micros / unit % 10;
        char::from_digit(digit, 10).unwrap_or('0')
    });
    line.push('.');
    line.extend(digits);
    line.push('Z');
    Ok(())
}

/// Appends the fields of an event.
struct Fields<'a> {
    line: &'a mut String,
    is_first: bool,
    outcome: fmt::Result,
}

impl Fields<'_> {
    fn write(&mut self, field: &Field, value: impl FnOnce(&mut String) -> fmt::Result) {
        if !mem::replace(&mut self.is_first, false) {
            self.line.push(' ');
        }
        if field.name() != "message" {
            self.line.push_str(field.name());
            self.line.push('=');
        }
        let written = value(self.line);
        self.outcome = self.outcome.and(written);
    }
}

impl Visit for Fields<'_> {
    fn record_u64(&mut self, field: &Field, value: u64) {
        self.write(field, |line| {
            line.push_str(itoa::Buffer::new().format(value));
            Ok(())
        });
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.write(field, |line| {
            line.push_str(itoa::Buffer::new().format(value));
            Ok(())
        });
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.write(field, |line| write_text(line, value));
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.write(field, |line| write!(Escaped(line), "{value:?}"));
    }
}

#[cfg(test)]
mod tests {
    use time::format_description::well_known::Rfc3339;

    use super::*;
    use crate::config::log::LogFormat;
    use crate::logging::buffer::Lines;
    use crate::logging::line::LineFormat;

    /// What `subscriber` writes for some events.
    fn written<S: Subscriber + Send + Sync>(subscriber: impl FnOnce(Lines) -> S) -> String {
        let lines = Lines::new(LineFormat {
            format: LogFormat::Text,
            has_priority: false,
        });
        tracing::subscriber::with_default(subscriber(lines.clone()), || {
            let missing: Option<&str> = None;
            tracing::info!(
                count = 5_u64,
                change = -7_i64,
                name = "a b",
                missing,
                "plain"
            );
            tracing::warn!(
                name = "a\"b\\c\nd\u{7f}ö",
                flag = true,
                ratio = 0.5,
                "escaped"
            );
            tracing::error!(error = %"shown", cause = ?Some("debugged"), "values {}", 1);
        });
        let bytes = lines.take_bytes();
        String::from_utf8(bytes).expect("a log is UTF-8")
    }

    #[test]
    fn text_of_others_adds_no_line() {
        let lines = Lines::new(LineFormat {
            format: LogFormat::Text,
            has_priority: false,
        });
        let subscriber = tracing_subscriber::fmt()
            .with_writer(lines.clone())
            .event_format(Text { has_time: false })
            .finish();
        tracing::subscriber::with_default(subscriber, || {
            tracing::info!(path = %"a\nb", "c\r\n{}", "ö\u{1b}[2J\u{85}");
        });
        let event = String::from_utf8(lines.take_bytes()).expect("a log is UTF-8");
        assert_eq!(event, " INFO c\\r\\nö\\u{1b}[2J\\u{85} path=a\\nb\n");
        let line = line(Level::INFO, "c\nd", &[("path", "a\nb")], false);
        assert_eq!(line.as_deref(), Ok(" INFO c\\nd path=\"a\\nb\""));
        let report = lines.format().report("a\nb");
        assert_eq!(report, b"rememberd: a\\nb\n");
    }

    #[test]
    fn lines_are_formatted_as_by_the_library() {
        let builder = |lines| {
            tracing_subscriber::fmt()
                .with_writer(lines)
                .with_target(false)
                .with_ansi(false)
        };
        let ours = written(|lines| {
            builder(lines)
                .event_format(Text { has_time: true })
                .finish()
        });
        let theirs = written(|lines| builder(lines).finish());
        assert_eq!(ours.lines().count(), 3);
        for (ours, theirs) in ours.lines().zip(theirs.lines()) {
            let (time, ours) = ours.split_once(' ').expect("a time");
            let (library_time, theirs) = theirs.split_once(' ').expect("a time");
            assert_eq!(ours, theirs);
            assert_eq!(time.len(), library_time.len());
            OffsetDateTime::parse(time, &Rfc3339).expect("a time as RFC 3339 has it");
        }
    }
}
