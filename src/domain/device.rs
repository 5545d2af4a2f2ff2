//! What an application tells of the device that a login was made on.

use std::fmt;

/// The longest label, in characters.
pub const LABEL_CHARS_MAX: usize = 100;

/// The longest user agent, in characters.
pub const USER_AGENT_CHARS_MAX: usize = 512;

/// The longest IP address, in characters: an IPv6 address with a zone.
pub const IP_ADDRESS_CHARS_MAX: usize = 64;

/// What is known of a login's device, as the application told it: shown to the profile's owner,
/// believed by nobody.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Device {
    /// A name that its owner knows it by.
    pub label: Option<String>,
    /// The browser's or the app's name.
    pub user_agent: Option<String>,
    /// Where it was.
    pub ip_address: Option<String>,
}

/// Why a text about a device is not taken.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Unfit {
    /// It is longer than this many characters.
    TooLong(usize),
    /// There is a control character in it.
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

/// The text, if it is at most `chars_max` characters long and none of them is a control character.
///
/// # Errors
///
/// Why it is not taken.
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
