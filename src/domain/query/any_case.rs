//! The search for a text whatever the case of its letters: what the administration console asks for.

use memchr::memchr2_iter;

/// A text of ASCII that is looked for, which is not empty.
#[derive(Debug)]
pub struct TextInAnyCase(Box<[u8]>);

impl TextInAnyCase {
    /// The text of ASCII that a regular expression is; `None` if it has operators, or other characters.
    pub fn new(regex: &str) -> Option<Self> {
        let mut text = Vec::with_capacity(regex.len());
        let mut rest = regex.bytes();
        while let Some(byte) = rest.next() {
            text.push(match byte {
                b'\\' => rest.next().filter(u8::is_ascii_punctuation)?,
                byte if b".+*?()|[]{}^$".contains(&byte) || !byte.is_ascii() => return None,
                byte => byte,
            });
        }
        (!text.is_empty()).then(|| Self(text.into_boxed_slice()))
    }

    /// Whether it is in `text`.
    pub fn is_in(&self, text: &[u8]) -> bool {
        let Some(last) = text.len().checked_sub(self.0.len()) else {
            return false;
        };
        let first = self.0[0];
        let (lower, upper) = (first.to_ascii_lowercase(), first.to_ascii_uppercase());
        memchr2_iter(lower, upper, &text[..=last])
            .any(|at| text[at..at + self.0.len()].eq_ignore_ascii_case(&self.0))
    }
}
