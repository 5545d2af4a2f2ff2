//! The JSON of monitoring.

use std::time::Instant;

use serde::Serialize;
use time::OffsetDateTime;
use time::macros::format_description;

use crate::app::Started;
use crate::clock::Timestamp;
use crate::error::Failure;
use crate::http::response::{self, Response};

/// The wire contract's form of the status ("monitoring"), in its field order.
#[derive(Serialize)]
struct StatusBody {
    uptime: u64,
    startup: String,
}

/// In bytes.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct MemoryBody {
    resident: Option<u64>,
    resident_max: Option<u64>,
    r#virtual: Option<u64>,
}

#[derive(Serialize)]
struct VersionBody {
    name: &'static str,
    version: &'static str,
}

/// A response with the time since the start, in seconds, and the start.
///
/// # Errors
///
/// As [`response::json`].
pub fn status(started: &Started, now: Instant) -> Result<Response, Failure> {
    response::json(&StatusBody {
        uptime: now.saturating_duration_since(started.instant).as_secs(),
        startup: date(started.at)?,
    })
}

/// A response with the memory of this process, of which the operating system says `status`.
///
/// # Errors
///
/// As [`response::json`].
pub fn memory(status: &str) -> Result<Response, Failure> {
    response::json(&MemoryBody {
        resident: bytes(status, "VmRSS:"),
        resident_max: bytes(status, "VmHWM:"),
        r#virtual: bytes(status, "VmSize:"),
    })
}

/// A response with the version of this program.
///
/// # Errors
///
/// As [`response::json`].
pub fn version() -> Result<Response, Failure> {
    response::json(&VersionBody {
        name: env!("CARGO_PKG_NAME"),
        version: env!("CARGO_PKG_VERSION"),
    })
}

/// The number of KiB in the line that begins with `name`, in bytes.
pub fn bytes(status: &str, name: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix(name))?;
    let number: u64 = line.trim().strip_suffix(" kB")?.parse().ok()?;
    number.checked_mul(1_024)
}

/// The date as ISO 8601 has it, in UTC.
fn date(time: Timestamp) -> Result<String, Failure> {
    let format =
        format_description!("[year]-[month]-[day]T[hour]:[minute]:[second].[subsecond digits:3]Z");
    let nanos = i128::from(time.as_millis()) * 1_000_000;
    let date = OffsetDateTime::from_unix_timestamp_nanos(nanos).ok();
    let text = date.and_then(|date| date.format(format).ok());
    text.ok_or_else(|| Failure::Internal(format!("{time} has no date")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_of_their_lines_and_in_bytes() {
        let status = "Name:\tx\nVmSize:\t  2000 kB\nVmHWM:\t 30 kB\nVmRSS:\t 20 kB\n";
        assert_eq!(bytes(status, "VmSize:"), Some(2_048_000));
        assert_eq!(bytes(status, "VmRSS:"), Some(20_480));
        for other in [
            "",
            "VmRSS:",
            "VmRSS: x kB",
            "VmRSS: 1 MB",
            "VmRSS: 99999999999999999999 kB",
        ] {
            assert_eq!(bytes(other, "VmRSS:"), None);
        }
    }

    #[test]
    fn a_date_has_milliseconds() {
        let date = |millis| date(Timestamp::from_millis(millis));
        assert_eq!(
            date(1_495_665_332_589).as_deref(),
            Ok("2017-05-24T22:35:32.589Z")
        );
        assert_eq!(date(0).as_deref(), Ok("1970-01-01T00:00:00.000Z"));
        assert!(date(i64::MAX).is_err());
    }
}
