//! Lines that no event of `tracing` stands behind: the library writes none of them.

use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};
use time::OffsetDateTime;
use tracing::Level;

use crate::config::log::{LogConfig, LogFormat};
use crate::logging::escape::push_escaped;
use crate::logging::journald;
use crate::logging::text;

/// What a line looks like.
#[derive(Clone, Copy, Debug)]
pub(super) struct LineFormat {
    pub(super) format: LogFormat,
    /// Whether journald reads the lines: each begins with its priority.
    pub(super) has_priority: bool,
}

impl LineFormat {
    /// The format of a log with these settings.
    pub(super) fn new(config: &LogConfig) -> Self {
        Self {
            format: config.log_format,
            has_priority: journald::reads(config.log_priority),
        }
    }

    /// Whether a line of text has the time, which journald adds by itself.
    pub(super) fn has_time(self) -> bool {
        !self.has_priority
    }

    /// The priority of a line of this level, as `sd-daemon(3)` has it; empty if lines have none.
    pub(super) fn priority(self, level: Level) -> &'static str {
        if !self.has_priority {
            return "";
        }
        match level {
            Level::ERROR => "<3>",
            Level::WARN => "<4>",
            Level::INFO => "<6>",
            Level::DEBUG | Level::TRACE => "<7>",
        }
    }

    /// A line with its priority and its end.
    pub(super) fn line(self, level: Level, message: &str, fields: &[(&str, &str)]) -> Vec<u8> {
        let line = match self.format {
            LogFormat::Text => {
                text::line(level, message, fields, self.has_time()).unwrap_or_default()
            }
            LogFormat::Json => json(level, message, fields),
        };
        format!("{}{line}\n", self.priority(level)).into_bytes()
    }

    /// The line that says why the process ends. As text it is for the person who ran it.
    pub(super) fn report(self, error: &str) -> Vec<u8> {
        match self.format {
            LogFormat::Text => {
                let mut line = format!("{}rememberd: ", self.priority(Level::ERROR));
                push_escaped(&mut line, error);
                line.push('\n');
                line.into_bytes()
            }
            LogFormat::Json => self.line(Level::ERROR, error, &[]),
        }
    }
}

fn json(level: Level, message: &str, fields: &[(&str, &str)]) -> String {
    let line = Json {
        timestamp: text::time(OffsetDateTime::now_utc()).unwrap_or_default(),
        level: level.as_str(),
        fields: Fields { message, fields },
    };
    serde_json::to_string(&line).expect("texts can be serialized")
}

/// A line as the library writes those of events.
#[derive(Serialize)]
struct Json<'a> {
    timestamp: String,
    level: &'static str,
    fields: Fields<'a>,
}

struct Fields<'a> {
    message: &'a str,
    fields: &'a [(&'a str, &'a str)],
}

impl Serialize for Fields<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.fields.len() + 1))?;
        map.serialize_entry("message", self.message)?;
        for (name, value) in self.fields {
            map.serialize_entry(name, value)?;
        }
        map.end()
    }
}
