//! The device that a login was created on, as the application describes it.

use std::fmt;

/// The longest label, in characters.
pub const LABEL_CHARS_MAX: usize = 100;

/// The longest user agent, in characters.
pub const USER_AGENT_CHARS_MAX: usize = 512;

/// The longest IP address, in characters: an IPv6 address with a zone.
pub const IP_ADDRESS_CHARS_MAX: usize = 64;

/// A login's device, as the application describes it. It is shown to the profile's owner; nothing is decided by
/// it.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Device {
    /// The name that its owner gave it.
    pub label: Option<String>,
    /// The browser's or the app's name.
    pub user_agent: Option<String>,
    /// The IP address that it had.
    pub ip_address: Option<String>,
}

/// Why a text about a device is invalid.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Unfit {
    /// It is longer than this many characters.
    TooLong(usize),
    /// It contains a control character.
    Control,
}

impl fmt::Display for Unfit {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLong(most) => write!(formatter, "is longer than {most} characters"),
            Self::Control => formatter.write_str("holds a control character"),
        }
    }
}

/// Checks that `text` is at most `chars_max` characters long and contains no control character.
///
/// # Errors
///
/// Why it is invalid.
pub fn fit(text: &str, chars_max: usize) -> Result<(), Unfit> {
    if text.chars().nth(chars_max).is_some() {
        return Err(Unfit::TooLong(chars_max));
    }
    if text.chars().any(char::is_control) {
        return Err(Unfit::Control);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_bounded_and_plain() {
        assert_eq!(fit("Kitchen tablet", LABEL_CHARS_MAX), Ok(()));
        assert_eq!(fit(&"ü".repeat(100), 100), Ok(()));
        assert_eq!(fit(&"ü".repeat(101), 100), Err(Unfit::TooLong(100)));
        for control in ["a\nb", "a\u{0}", "\u{7f}", "\u{85}"] {
            assert_eq!(fit(control, 100), Err(Unfit::Control), "{control:?}");
        }
    }
}
