//! Dates that others write, as the wire contract has them ("Dates on input").

use time::format_description::FormatItem;
use time::format_description::well_known::Rfc2822;
use time::macros::format_description;
use time::{Date, Month, OffsetDateTime, PrimitiveDateTime, Time, UtcOffset};

use crate::clock::Timestamp;

/// The date and time of `time` in UTC, as RFC 3339 has it.
pub fn rfc_3339(time: Timestamp) -> String {
    format(
        time,
        format_description!("[year]-[month]-[day]T[hour]:[minute]:[second]Z"),
    )
}

/// The date and time of `time` in UTC as a part of a file's name, which sorts by time.
pub fn file_name(time: Timestamp) -> String {
    format(
        time,
        format_description!("[year][month][day]T[hour][minute][second]Z"),
    )
}

/// The time that a part of a file's name is, as [`file_name`] writes it; `None` for anything else.
pub fn parse_file_name(text: &str) -> Option<Timestamp> {
    let mut rest = Rest(text);
    let (year, month, day) = (rest.digits(4)?, rest.digits(2)?, rest.digits(2)?);
    rest.expect("T")?;
    let [hour, minute, second] = [rest.digits(2)?, rest.digits(2)?, rest.digits(2)?];
    rest.expect("Z")?;
    if !rest.is_empty() {
        return None;
    }
    iso_8601(&format!(
        "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z"
    ))
}

fn format(time: Timestamp, description: &[FormatItem<'_>]) -> String {
    let date = OffsetDateTime::from_unix_timestamp(time.as_millis().div_euclid(1_000)).ok();
    let text = date.and_then(|date| date.format(description).ok());
    // No calendar reaches as far.
    text.unwrap_or_else(|| time.as_millis().to_string())
}

/// The time that `text` is: epoch milliseconds, a day, a day and a time of day with a zone or in UTC, or a date as HTTP
/// writes it. A fraction of a second is cut to milliseconds. `None` for anything else, and for a day or a time of day
/// that does not exist.
pub fn parse(text: &str) -> Option<Timestamp> {
    let text = text.trim();
    if let Ok(millis) = text.parse() {
        return Some(Timestamp::from_millis(millis));
    }
    iso_8601(text).or_else(|| {
        let date = OffsetDateTime::parse(text, &Rfc2822).ok()?;
        timestamp(date)
    })
}

fn iso_8601(text: &str) -> Option<Timestamp> {
    let mut rest = Rest(text);
    let year = rest.digits(4)?;
    rest.expect("-")?;
    let month = rest.digits(2)?;
    rest.expect("-")?;
    let day = rest.digits(2)?;
    let month = Month::try_from(u8::try_from(month).ok()?).ok()?;
    let year = i32::try_from(year).ok()?;
    let date = Date::from_calendar_date(year, month, u8::try_from(day).ok()?).ok()?;
    if rest.is_empty() {
        return timestamp(date.midnight().assume_utc());
    }
    rest.expect("T")?;
    let time = rest.time_of_day()?;
    let zone = rest.zone()?;
    timestamp(PrimitiveDateTime::new(date, time).assume_offset(zone))
}

fn timestamp(date: OffsetDateTime) -> Option<Timestamp> {
    let millis = date.unix_timestamp_nanos().div_euclid(1_000_000);
    i64::try_from(millis).ok().map(Timestamp::from_millis)
}

/// What has not been read of a date.
struct Rest<'t>(&'t str);

impl Rest<'_> {
    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn expect(&mut self, sign: &str) -> Option<()> {
        self.0 = self.0.strip_prefix(sign)?;
        Some(())
    }

    /// The number that `count` digits are.
    fn digits(&mut self, count: usize) -> Option<u32> {
        let (digits, rest) = self.0.split_at_checked(count)?;
        if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        self.0 = rest;
        digits.parse().ok()
    }

    /// Hour and minute, and then a second and a fraction of it if they are there.
    fn time_of_day(&mut self) -> Option<Time> {
        let hour = self.digits(2)?;
        self.expect(":")?;
        let minute = self.digits(2)?;
        let (mut second, mut millis) = (0, 0);
        if self.expect(":").is_some() {
            second = self.digits(2)?;
            if self.expect(".").is_some() {
                millis = self.fraction()?;
            }
        }
        let [hour, minute, second] = [hour, minute, second].map(u8::try_from);
        Time::from_hms_milli(hour.ok()?, minute.ok()?, second.ok()?, millis).ok()
    }

    /// The milliseconds that a fraction of at least one digit is.
    fn fraction(&mut self) -> Option<u16> {
        let end = self.0.find(|sign: char| !sign.is_ascii_digit());
        let (digits, rest) = self.0.split_at(end.unwrap_or(self.0.len()));
        self.0 = rest;
        let first = digits.get(..digits.len().min(3))?;
        if first.is_empty() {
            return None;
        }
        format!("{first:0<3}").parse().ok()
    }

    /// The zone at the end; UTC if there is nothing.
    fn zone(&mut self) -> Option<UtcOffset> {
        if self.is_empty() || self.0 == "Z" {
            return Some(UtcOffset::UTC);
        }
        let sign = match self.0.as_bytes().first()? {
            b'+' => 1,
            b'-' => -1,
            _ => return None,
        };
        self.0 = &self.0[1..];
        let hours = self.digits(2)?;
        let mut minutes = 0;
        if !self.is_empty() {
            // With a colon or without one.
            let _ = self.expect(":");
            minutes = self.digits(2)?;
        }
        if !self.is_empty() || minutes > 59 {
            return None;
        }
        let [hours, minutes] = [hours, minutes].map(i8::try_from);
        UtcOffset::from_hms(sign * hours.ok()?, sign * minutes.ok()?, 0).ok()
    }
}

#[cfg(test)]
mod properties;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_is_parsed() {
        let moment = 1_495_665_332_589;
        for (text, millis) in [
            ("1495665332589", moment),
            (" -1 ", -1),
            ("2017-05-24T22:35:32.589Z", moment),
            ("2017-05-24T22:35:32.589", moment),
            ("2017-05-25T00:35:32.589+02:00", moment),
            ("2017-05-25T00:35:32.589+0200", moment),
            ("2017-05-25T00:35:32.589+02", moment),
            ("2017-05-24T17:05:32.589-05:30", moment),
            ("2017-05-24T22:35:32.5899999999999Z", moment),
            ("2017-05-24T22:35:32.5Z", moment - 89),
            ("2017-05-24T22:35:32Z", moment - 589),
            ("2017-05-24T22:35Z", moment - 32_589),
            ("2017-05-24T22:35", moment - 32_589),
            ("2017-05-24", 1_495_584_000_000),
            ("2016-02-29", 1_456_704_000_000),
            ("1969-12-31T23:59:59.999Z", -1),
            ("Wed, 24 May 2017 22:35:32 GMT", moment - 589),
            ("Thu, 25 May 2017 00:35:32 +0200", moment - 589),
        ] {
            assert_eq!(parse(text), Some(Timestamp::from_millis(millis)), "{text}");
        }
    }

    #[test]
    fn what_is_no_date_is_refused() {
        for text in [
            "",
            "1.5",
            "1e3",
            "now",
            "2040-1-2",
            "2040-01-02 03:04:05",
            "2040-01-02t03:04",
            "2040-01-02T",
            "2040-01-02T03",
            "2040-01-02T3:04",
            "2040-01-02T03:04:5",
            "2040-01-02T03:04:05.",
            "2040-01-02T03:04:05,5",
            "2040-01-02T03:04:05z",
            "2040-01-02T03:04:05+1",
            "2040-01-02T03:04:05+01:",
            "2040-01-02T03:04:05+01:00:00",
            "2040-01-02T03:04:05+01:60",
            "2040-01-02T03:04:05+99",
            "2040-01-02Z",
            "20400102",
            "+2040-01-02",
            "2040-13-01",
            "2040-00-01",
            "2017-02-29",
            "2017-04-31",
            "2017-05-24T24:00",
            "2017-05-24T23:60",
            "2017-05-24T23:59:60",
            "\u{0662}040-01-02",
            "2040-01-0\u{0662}",
        ] {
            // The digits alone are milliseconds.
            let is_number = text == "20400102";
            assert_eq!(parse(text).is_some(), is_number, "{text:?}");
        }
    }
}
