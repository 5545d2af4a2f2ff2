//! How values are written, and which are valid. The errors are for the person who wrote the value.

use std::num::NonZeroUsize;
use std::time::Duration;

use bytesize::ByteSize;

/// The shortest duration, but for those that may be zero.
const DURATION_MIN: Duration = Duration::from_millis(1);

/// The shortest interval of what writes to a disk each time.
const WRITE_INTERVAL_MIN: Duration = Duration::from_secs(1);

/// The longest duration, a century: a longer one is a typing error.
const DURATION_MAX: Duration = Duration::from_secs(100 * 365 * 24 * 3_600);

/// The longest duration for which a replaced token is accepted.
const SHORT_DURATION_MAX: Duration = Duration::from_secs(600);

/// The largest size.
const SIZE_MAX: u64 = 1 << 40;

/// The largest count of things that are queued or taken together: memory is set aside for them.
const COUNT_MAX: usize = 1 << 20;

/// The units of sizes, the largest first.
const UNITS: [(u64, &str); 4] = [
    (1 << 40, "TiB"),
    (1 << 30, "GiB"),
    (1 << 20, "MiB"),
    (1 << 10, "KiB"),
];

/// Whether a switch is on, in an environment variable.
pub fn switch(text: &str) -> Result<bool, String> {
    match text.to_ascii_lowercase().as_str() {
        "true" | "t" | "yes" | "y" | "on" | "1" => Ok(true),
        "false" | "f" | "no" | "n" | "off" | "0" => Ok(false),
        _ => Err("it must be true or false".to_owned()),
    }
}

/// A duration of at least a millisecond.
pub fn duration(text: &str) -> Result<Duration, String> {
    duration_from(DURATION_MIN, text)
}

/// An interval of at least a second, of what writes to a disk each time.
pub fn write_interval(text: &str) -> Result<Duration, String> {
    duration_from(WRITE_INTERVAL_MIN, text)
}

fn duration_from(min: Duration, text: &str) -> Result<Duration, String> {
    let duration = parse_duration(text)?;
    if duration < min {
        let min = humantime::format_duration(min);
        return Err(format!("it must be at least {min}"));
    }
    if duration > DURATION_MAX {
        return Err("it must be at most 100years".to_owned());
    }
    Ok(duration)
}

/// A duration that may be zero.
///
/// # Errors
///
/// For what is no duration, and for one of more than a hundred years.
pub fn duration_or_none(text: &str) -> Result<Duration, String> {
    match parse_duration(text)? {
        Duration::ZERO => Ok(Duration::ZERO),
        _ => duration(text),
    }
}

/// A duration that may be zero, and may not be long.
pub fn short_duration(text: &str) -> Result<Duration, String> {
    let duration = parse_duration(text)?;
    if duration > SHORT_DURATION_MAX {
        return Err("it must be at most 10m".to_owned());
    }
    Ok(duration)
}

/// A number of bytes of at least `MIN`.
pub fn size_from<const MIN: u64>(text: &str) -> Result<usize, String> {
    size_within::<MIN, SIZE_MAX>(text)
}

/// A number of bytes from `MIN` to `MAX`.
pub fn size_within<const MIN: u64, const MAX: u64>(text: &str) -> Result<usize, String> {
    let size: ByteSize = text
        .parse()
        .map_err(|_| "it must be a number with a unit, like 64KiB or 1GiB".to_owned())?;
    let bytes = size.as_u64();
    if bytes < MIN {
        return Err(format!("it must be at least {}", display_size(MIN)));
    }
    let size = usize::try_from(bytes).ok().filter(|_| bytes <= MAX);
    size.ok_or_else(|| format!("it must be at most {}", display_size(MAX)))
}

/// A count of things for which memory is set aside.
pub fn count(text: &str) -> Result<NonZeroUsize, String> {
    count_to::<COUNT_MAX>(text)
}

/// A count of at most `MAX`.
pub fn count_to<const MAX: usize>(text: &str) -> Result<NonZeroUsize, String> {
    let count = text
        .parse()
        .ok()
        .filter(|count: &NonZeroUsize| count.get() <= MAX);
    count.ok_or_else(|| format!("it must be a whole number from 1 to {MAX}"))
}

fn parse_duration(text: &str) -> Result<Duration, String> {
    humantime::parse_duration(text)
        .map_err(|_| "it must be a number with a unit, like 500ms, 30s or 15d".to_owned())
}

/// `bytes` as a person writes them in a setting.
fn display_size(bytes: u64) -> String {
    let unit = UNITS
        .into_iter()
        .find(|(unit, _)| bytes >= *unit && bytes.is_multiple_of(*unit));
    match unit {
        Some((unit, name)) => format!("{}{name}", bytes / unit),
        None => format!("{bytes}B"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_says_in_plain_words_what_is_valid() {
        let cases = [
            (switch("perhaps").err(), "it must be true or false"),
            (
                duration("soon").err(),
                "it must be a number with a unit, like 500ms, 30s or 15d",
            ),
            (
                duration("30").err(),
                "it must be a number with a unit, like 500ms, 30s or 15d",
            ),
            (duration("0s").err(), "it must be at least 1ms"),
            (write_interval("999ms").err(), "it must be at least 1s"),
            (duration("101years").err(), "it must be at most 100years"),
            (short_duration("11m").err(), "it must be at most 10m"),
            (
                size_from::<0>("1x").err(),
                "it must be a number with a unit, like 64KiB or 1GiB",
            ),
            (
                size_from::<{ 8 << 10 }>("1KiB").err(),
                "it must be at least 8KiB",
            ),
            (size_from::<1>("0").err(), "it must be at least 1B"),
            (size_from::<0>("2TiB").err(), "it must be at most 1TiB"),
            (
                count("0").err(),
                "it must be a whole number from 1 to 1048576",
            ),
            (
                count("-1").err(),
                "it must be a whole number from 1 to 1048576",
            ),
            (
                count("many").err(),
                "it must be a whole number from 1 to 1048576",
            ),
            (
                count_to::<8>("9").err(),
                "it must be a whole number from 1 to 8",
            ),
        ];
        for (error, expected) in cases {
            assert_eq!(error.as_deref(), Some(expected));
        }
    }
}
