//! The device of a login, as the application describes it.
//!
//! The texts come from browsers and their users, and are shown to users. So they are cleaned, and never a reason to
//! refuse: whoever signs in cannot help what their browser sends.

/// The longest label, in characters.
pub const LABEL_CHARS_MAX: usize = 100;

/// The longest user agent, in characters.
pub const USER_AGENT_CHARS_MAX: usize = 512;

/// The longest IP address, in characters: an IPv6 address with a zone.
pub const IP_ADDRESS_CHARS_MAX: usize = 64;

/// The first and last characters of what cannot be seen: Unicode's `Default_Ignorable_Code_Point`, with all that
/// changes the direction of text, has no width or selects a variation, and the interlinear annotations.
/// Source: `DerivedCoreProperties.txt` of Unicode 17, which is the same since version 14.
const INVISIBLE: [(char, char); 18] = [
    ('\u{AD}', '\u{AD}'),
    ('\u{34F}', '\u{34F}'),
    ('\u{61C}', '\u{61C}'),
    ('\u{115F}', '\u{1160}'),
    ('\u{17B4}', '\u{17B5}'),
    ('\u{180B}', '\u{180F}'),
    ('\u{200B}', '\u{200F}'),
    ('\u{202A}', '\u{202E}'),
    ('\u{2060}', '\u{206F}'),
    ('\u{3164}', '\u{3164}'),
    ('\u{FE00}', '\u{FE0F}'),
    ('\u{FEFF}', '\u{FEFF}'),
    ('\u{FFA0}', '\u{FFA0}'),
    ('\u{FFF0}', '\u{FFF8}'),
    ('\u{FFF9}', '\u{FFFB}'),
    ('\u{1BCA0}', '\u{1BCA3}'),
    ('\u{1D173}', '\u{1D17A}'),
    ('\u{E0000}', '\u{E0FFF}'),
];

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

/// What a use of a login shows of its device. What is missing stays as it was.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct DeviceUpdate {
    /// The browser's or the app's name.
    pub user_agent: Option<String>,
    /// The IP address that it has.
    pub ip_address: Option<String>,
}

impl DeviceUpdate {
    /// The device after the update; `None` if it is the same.
    pub fn applied_to(&self, device: &Device) -> Option<Device> {
        let is_same = |new: &Option<String>, old: &Option<String>| new.is_none() || new == old;
        if is_same(&self.user_agent, &device.user_agent)
            && is_same(&self.ip_address, &device.ip_address)
        {
            return None;
        }
        let newest = |new: &Option<String>, old: &Option<String>| new.clone().or(old.clone());
        Some(Device {
            label: device.label.clone(),
            user_agent: newest(&self.user_agent, &device.user_agent),
            ip_address: newest(&self.ip_address, &device.ip_address),
        })
    }
}

/// `text` on one line, without what cannot be seen and with single spaces, of at most `chars_max` characters; `None` if
/// nothing is left.
pub fn clean(text: &str, chars_max: usize) -> Option<String> {
    let mut cleaned = String::new();
    let mut count = 0;
    for letter in text.chars() {
        let letter = if is_break(letter) { ' ' } else { letter };
        let is_at_start = cleaned.is_empty() && letter.is_whitespace();
        let is_second = letter == ' ' && cleaned.ends_with(' ');
        if is_at_start || is_second || letter.is_control() || is_invisible(letter) {
            continue;
        }
        if count == chars_max {
            break;
        }
        cleaned.push(letter);
        count += 1;
    }
    cleaned.truncate(cleaned.trim_end().len());
    (!cleaned.is_empty()).then_some(cleaned)
}

/// Whether the character separates words only by what it does to lines.
fn is_break(letter: char) -> bool {
    letter.is_whitespace() && (letter.is_control() || matches!(letter, '\u{2028}' | '\u{2029}'))
}

fn is_invisible(letter: char) -> bool {
    let index = INVISIBLE.partition_point(|(_, last)| *last < letter);
    INVISIBLE
        .get(index)
        .is_some_and(|(first, _)| *first <= letter)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cleaned(text: &str) -> String {
        clean(text, 100).unwrap_or_default()
    }

    #[test]
    fn what_can_be_seen_is_kept() {
        for text in [
            "Kitchen tablet",
            "Jane's \"phone\" \\ <b>&+;= 💻 (2)",
            "Mozilla/5.0 (X11; Linux x86_64)",
            "fe80::1%eth0",
            "平板电脑 タブレット",
            "شاشة المطبخ",
            "a\u{301}\u{3000}é",
        ] {
            assert_eq!(cleaned(text), text);
        }
    }

    #[test]
    fn what_cannot_be_seen_is_dropped() {
        for (text, expected) in [
            ("a\0b\u{7f}c\u{9f}d", "abcd"),
            ("\u{1b}[2Ja", "[2Ja"),
            ("a\tb\r\nc\u{85}d\u{2028}e\u{2029}f", "a b c d e f"),
            ("  a  b \n ", "a b"),
            ("pho\u{202E}gnp.exe", "phognp.exe"),
            ("\u{2066}a\u{2069}\u{200F}b\u{61C}c", "abc"),
            ("a\u{200B}b\u{200D}c\u{FEFF}d\u{AD}e\u{2060}f", "abcdef"),
            ("\u{3164}\u{115F}\u{FFA0}", ""),
            ("a\u{FE0F}b\u{E0041}c\u{FFF9}d", "abcd"),
            ("\u{200B} \n", ""),
            ("\u{200B}\u{3000}a\u{3000}", "a"),
            ("", ""),
        ] {
            assert_eq!(cleaned(text), expected, "{text:?}");
        }
    }

    #[test]
    fn the_table_is_sorted_and_each_of_its_ends_counts() {
        assert!(INVISIBLE.is_sorted_by(|one, next| one.0 <= one.1 && one.1 < next.0));
        for (first, last) in INVISIBLE {
            assert!(is_invisible(first) && is_invisible(last), "{first:?}");
        }
        for visible in [
            '\u{AC}',
            '\u{AE}',
            '\u{2010}',
            '\u{2070}',
            '\u{FE10}',
            '\u{F0000}',
        ] {
            assert!(!is_invisible(visible), "{visible:?}");
        }
    }

    #[test]
    fn a_long_text_is_cut_between_characters() {
        for letter in ["x", "ü", "💻"] {
            assert_eq!(clean(&letter.repeat(9), 9), Some(letter.repeat(9)));
            assert_eq!(clean(&letter.repeat(10), 9), Some(letter.repeat(9)));
        }
        // What is dropped does not count, and a cut leaves no space behind.
        assert_eq!(clean("\u{200B}ab\0c", 3), Some("abc".to_owned()));
        assert_eq!(clean("ab cd", 3), Some("ab".to_owned()));
        assert_eq!(clean("ab", 0), None);
    }

    #[test]
    fn an_update_keeps_what_it_does_not_have() {
        let text = |text: &str| Some(text.to_owned());
        let device = Device {
            label: text("label"),
            user_agent: text("one"),
            ip_address: None,
        };
        let update = |user_agent, ip_address| DeviceUpdate {
            user_agent,
            ip_address,
        };
        assert_eq!(update(None, None).applied_to(&device), None);
        assert_eq!(update(text("one"), None).applied_to(&device), None);
        let updated = update(None, text("::1")).applied_to(&device);
        let expected = Device {
            ip_address: text("::1"),
            ..device
        };
        assert_eq!(updated, Some(expected));
    }
}
