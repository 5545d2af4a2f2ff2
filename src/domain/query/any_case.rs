//! The search for a text whatever the case of its letters: what the administration console asks for.

use memchr::memmem::Finder;

/// How long the texts are that are put into lower case without memory of their own.
const SHORT_BYTES: usize = 128;

/// A text of ASCII that is looked for, which is not empty.
#[derive(Debug)]
pub struct TextInAnyCase {
    /// It, in lower case.
    finder: Box<Finder<'static>>,
}

impl TextInAnyCase {
    /// The text of ASCII that a regular expression is; `None` if it has operators, or other characters.
    pub fn new(regex: &str) -> Option<Self> {
        let mut text = Vec::with_capacity(regex.len());
        let mut rest = regex.bytes();
        while let Some(byte) = rest.next() {
            text.push(match byte {
                b'\\' => rest.next().filter(u8::is_ascii_punctuation)?,
                byte if b".+*?()|[]{}^$".contains(&byte) || !byte.is_ascii() => return None,
                byte => byte.to_ascii_lowercase(),
            });
        }
        (!text.is_empty()).then(|| Self {
            finder: Box::new(Finder::new(&text).into_owned()),
        })
    }

    /// Whether it is in `text`. It takes time in proportion to the length of that.
    pub fn is_in(&self, text: &[u8]) -> bool {
        let mut short = [0; SHORT_BYTES];
        let Some(lower) = short.get_mut(..text.len()) else {
            return self.finder.find(&text.to_ascii_lowercase()).is_some();
        };
        lower.copy_from_slice(text);
        lower.make_ascii_lowercase();
        self.finder.find(lower).is_some()
    }
}
