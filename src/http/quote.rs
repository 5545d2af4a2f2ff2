//! Quotes what a client sent in the message of an error.

use std::borrow::Cow;

/// Most characters of a request that a message quotes from one place.
const CHARS_MAX: usize = 200;

/// `text` as a message quotes it: cut, with an ellipsis where something is missing, and with U+FFFD for each control
/// character, which would take six times as much in JSON.
pub fn quote(text: &str) -> Cow<'_, str> {
    let end = match text.char_indices().nth(CHARS_MAX) {
        Some((end, _)) => end,
        None if text.contains(char::is_control) => text.len(),
        None => return Cow::Borrowed(text),
    };
    let printable = |char: char| {
        if char.is_control() {
            char::REPLACEMENT_CHARACTER
        } else {
            char
        }
    };
    let mut quoted: String = text[..end].chars().map(printable).collect();
    if end < text.len() {
        quoted.push('…');
    }
    Cow::Owned(quoted)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_texts_are_cut_and_control_characters_replaced() {
        let whole = "é".repeat(CHARS_MAX);
        assert_eq!(quote(&whole), whole);
        assert_eq!(quote(&(whole.clone() + "x")), whole + "…");
        assert_eq!(quote("a\0b\u{85}\n"), "a\u{FFFD}b\u{FFFD}\u{FFFD}");
        assert_eq!(quote(""), "");
    }
}
