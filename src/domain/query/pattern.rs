//! Regular expressions: those of MongoDB, which are those of PCRE, on an engine that takes linear time.
//!
//! What differs in what is written is translated: `\d`, `\w`, `\s` and `\b` are of ASCII, `\Q…\E` quotes, a brace that
//! repeats nothing is a brace, and `$` is before a line feed at the end too. What this engine does not have is refused:
//! to look around, to refer to a group, possessive repetition, classes of Unicode.

use std::sync::Arc;

use regex::{Regex, RegexBuilder};

use crate::domain::query::any_case::TextInAnyCase;
use crate::domain::query::value::Value;
use crate::domain::query::work::Work;

/// How much memory a compiled regular expression may take, in bytes: the least of these that suffices is its size. The
/// library does not say how much it takes.
const SIZES: [usize; 5] = [1 << 10, 4 << 10, 16 << 10, 64 << 10, 256 << 10];

/// How much memory the states may take that are kept of matching, in bytes.
const STATES_BYTES_MAX: usize = 256 * 1024;

/// How deeply a regular expression may be nested.
const NEST_MAX: u32 = 100;

/// A regular expression.
#[derive(Debug)]
pub struct Pattern {
    regex: Regex,
    /// What is looked for, if it is a text in any case. In short texts, to start the library takes longer than to
    /// search.
    text_in_any_case: Option<TextInAnyCase>,
    prefix: Option<Box<str>>,
    /// How many bytes it takes at most.
    size: usize,
    /// How many steps matching takes for each byte of a text at most, in those of a byte of it.
    weight: usize,
    /// What matching takes is counted here.
    work: Arc<Work>,
}

impl Pattern {
    /// The regular expression `pattern` with `options`: `i` ignores case, `m` lets `^` and `$` match at lines, `s` lets
    /// `.` match line feeds, `x` ignores white space and comments. `u` changes nothing. What matching takes is added to
    /// `work`.
    ///
    /// # Errors
    ///
    /// What is wrong with it.
    pub fn new(pattern: &str, options: &str, work: &Arc<Work>) -> Result<Self, String> {
        let mut builder_options = Options::default();
        for option in options.chars() {
            match option {
                'i' => builder_options.ignores_case = true,
                'm' => builder_options.has_lines = true,
                's' => builder_options.dot_is_all = true,
                'x' => builder_options.is_spaced = true,
                'u' => {}
                _ => {
                    return Err(
                        "the options of a regular expression are i, m, s, x and u".to_owned()
                    );
                }
            }
        }
        let translated = Translation::new(pattern, &builder_options).run()?;
        let mut builder = RegexBuilder::new(&translated);
        builder
            .case_insensitive(builder_options.ignores_case)
            .multi_line(builder_options.has_lines)
            .dot_matches_new_line(builder_options.dot_is_all)
            .dfa_size_limit(STATES_BYTES_MAX)
            .nest_limit(NEST_MAX);
        let (regex, size) = build(&mut builder, translated.len())?;
        let has_options = builder_options != Options::default();
        // The library searches for it as a text.
        let is_text = !builder_options.ignores_case && regex::escape(&translated) == translated;
        Ok(Self {
            regex,
            text_in_any_case: builder_options
                .ignores_case
                .then(|| TextInAnyCase::new(&translated))
                .flatten(),
            prefix: if has_options { None } else { prefix(pattern) },
            size,
            weight: if is_text { 1 } else { size },
            work: Arc::clone(work),
        })
    }

    /// How many bytes it takes at most.
    pub fn size(&self) -> usize {
        self.size
    }

    /// Whether the value is a text, and the regular expression is found in it. Nothing is, once there was too much
    /// work.
    pub fn is_match(&self, value: &Value<'_>) -> bool {
        let Value::Text(text) = value else {
            return false;
        };
        match &self.text_in_any_case {
            // Letters of other scripts have cases of their own, and two of them are cases of k and s.
            Some(wanted) if text.is_ascii() => wanted.is_in(text.as_bytes()),
            // The worst case is a step of each state for each byte.
            _ => self.work.take_text(text.len(), self.weight) && self.regex.is_match(text),
        }
    }

    /// What every text begins with that it matches; `None` if that is nothing certain.
    pub fn prefix(&self) -> Option<&str> {
        self.prefix.as_deref()
    }
}

#[derive(Default, PartialEq, Eq)]
struct Options {
    ignores_case: bool,
    has_lines: bool,
    dot_is_all: bool,
    is_spaced: bool,
}

/// The regular expression and its size. The translated pattern has this many bytes, and what it is compiled to mostly
/// more.
fn build(builder: &mut RegexBuilder, length: usize) -> Result<(Regex, usize), String> {
    let [sizes @ .., most] = SIZES;
    for size in sizes.into_iter().filter(|size| *size > length) {
        match builder.size_limit(size).build() {
            Ok(regex) => return Ok((regex, size)),
            Err(regex::Error::CompiledTooBig(_)) => {}
            Err(error) => return Err(message(&error)),
        }
    }
    let built = builder.size_limit(most).build();
    built.map_or_else(|error| Err(message(&error)), |regex| Ok((regex, most)))
}

/// What is wrong with a regular expression, in a line: the library draws a picture.
fn message(error: &regex::Error) -> String {
    match error {
        regex::Error::CompiledTooBig(_) => {
            "the regular expression takes too much memory".to_owned()
        }
        _ => {
            let text = error.to_string();
            let last = text.lines().next_back().unwrap_or_default();
            let reason = last.trim().trim_start_matches("error: ");
            format!("the regular expression is malformed or not supported: {reason}")
        }
    }
}

/// The literal text at the beginning of what `pattern` matches, if it matches at the beginning alone.
fn prefix(pattern: &str) -> Option<Box<str>> {
    if pattern.contains('|') {
        return None;
    }
    let anchored = pattern.strip_prefix('^');
    let mut rest = anchored.or_else(|| pattern.strip_prefix("\\A"))?.chars();
    let mut prefix = String::new();
    while let Some(character) = rest.next() {
        match character {
            // What may be repeated no times is not certain.
            '*' | '?' | '{' => {
                prefix.pop();
                break;
            }
            // Nor what a comment or an end of quoting is between, which have no length themselves.
            '(' if rest.as_str().starts_with("?#") => {
                prefix.pop();
                break;
            }
            '.' | '+' | '(' | ')' | '[' | '^' | '$' => break,
            '\\' => match rest.next() {
                Some('Q' | 'E') => {
                    prefix.pop();
                    break;
                }
                Some(escaped) if !escaped.is_ascii_alphanumeric() => prefix.push(escaped),
                _ => break,
            },
            _ => prefix.push(character),
        }
    }
    (!prefix.is_empty()).then(|| prefix.into_boxed_str())
}

/// A regular expression of PCRE on its way into one of the library.
struct Translation<'p> {
    rest: &'p str,
    translated: String,
    is_spaced: bool,
    /// Whether `$` is the end of the text. Flags in the pattern can change what it is.
    dollar_is_end: bool,
    last: Last,
}

/// What was translated last.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Last {
    Other,
    /// A dot, and where it is.
    Dot(usize),
    /// A dot that may be repeated from no times to any, and where it is.
    AnyText(usize),
    /// Another repetition.
    Repetition,
}

impl<'p> Translation<'p> {
    fn new(pattern: &'p str, options: &Options) -> Self {
        Self {
            rest: pattern,
            translated: String::with_capacity(pattern.len() + 16),
            is_spaced: options.is_spaced,
            dollar_is_end: !options.has_lines && !pattern.contains("(?"),
            last: Last::Other,
        }
    }

    fn run(mut self) -> Result<String, String> {
        self.skip_any_text();
        while let Some(character) = self.rest.chars().next() {
            let before = self.rest;
            self.rest = &before[character.len_utf8()..];
            self.last = match character {
                '\\' => self.escape(),
                '[' => self.class(),
                '(' if self.rest.starts_with("?#") => self.comment(),
                '(' if self.rest.starts_with('?') => {
                    self.rest = &self.rest[1..];
                    self.put("(?")
                }
                '$' if self.dollar_is_end => self.put("(?:\\n?\\z)"),
                '.' => {
                    self.put(".");
                    Last::Dot(self.translated.len() - 1)
                }
                '*' | '+' | '?' => self.repetition(character)?,
                '{' => match repetition_length(before) {
                    Some(length) => {
                        self.put(&before[..length]);
                        self.rest = &before[length..];
                        Last::Repetition
                    }
                    None => self.put("\\{"),
                },
                '}' | ']' => {
                    self.put("\\");
                    self.put_char(character)
                }
                '#' if self.is_spaced => {
                    self.rest = self.rest.split_once('\n').map_or("", |(_, rest)| rest);
                    self.last
                }
                _ if self.is_spaced && character.is_ascii_whitespace() => self.last,
                _ => self.put_char(character),
            };
        }
        // A text is found whatever comes after it.
        if let Last::AnyText(at) = self.last {
            self.translated.truncate(at);
        }
        Ok(self.translated)
    }

    /// Skips `.*` at the beginning: a text is found whatever comes before it.
    fn skip_any_text(&mut self) {
        while let Some(rest) = self.rest.strip_prefix(".*") {
            let rest = rest.strip_prefix('?').unwrap_or(rest);
            if rest.starts_with(['*', '+', '?', '{']) {
                break;
            }
            self.rest = rest;
        }
    }

    fn put(&mut self, text: &str) -> Last {
        self.translated.push_str(text);
        Last::Other
    }

    fn put_char(&mut self, character: char) -> Last {
        self.translated.push(character);
        Last::Other
    }

    /// Takes a sign of repetition.
    fn repetition(&mut self, sign: char) -> Result<Last, String> {
        self.put_char(sign);
        match (self.last, sign) {
            (Last::Dot(at), '*') => Ok(Last::AnyText(at)),
            // It prefers to repeat less, which does not change what is found.
            (Last::AnyText(at), '?') => Ok(Last::AnyText(at)),
            (Last::Repetition | Last::AnyText(_), '+') => {
                let reason =
                    "the regular expression is not supported: it has a possessive repetition";
                Err(reason.to_owned())
            }
            (Last::Repetition, '?') => Ok(Last::Other),
            _ => Ok(Last::Repetition),
        }
    }

    /// Takes what is after a backslash, outside of a class.
    fn escape(&mut self) -> Last {
        let Some(escaped) = self.rest.chars().next() else {
            return self.put("\\");
        };
        self.rest = &self.rest[escaped.len_utf8()..];
        match escaped {
            'd' => self.put("[0-9]"),
            'D' => self.put("[^0-9]"),
            'w' => self.put("[0-9A-Za-z_]"),
            'W' => self.put("[^0-9A-Za-z_]"),
            's' => self.put("[\\t-\\r ]"),
            'S' => self.put("[^\\t-\\r ]"),
            'b' => self.put("(?-u:\\b)"),
            'B' => self.put("(?-u:\\B)"),
            'Z' => self.put("(?:\\n?\\z)"),
            'Q' => {
                let (quoted, rest) = self.rest.split_once("\\E").unwrap_or((self.rest, ""));
                self.rest = rest;
                self.put(&regex::escape(quoted))
            }
            'E' => self.last,
            _ => self.escaped(escaped),
        }
    }

    /// Puts an escaped character that means the same in a class and outside of one.
    fn escaped(&mut self, escaped: char) -> Last {
        if escaped.is_ascii_alphanumeric() {
            self.put("\\");
            self.put_char(escaped)
        } else {
            let mut bytes = [0; 4];
            self.put(&regex::escape(escaped.encode_utf8(&mut bytes)))
        }
    }

    /// Takes a class of characters. Brackets, `&` and `~` have no meaning of their own in it.
    fn class(&mut self) -> Last {
        self.put("[");
        if let Some(rest) = self.rest.strip_prefix('^') {
            self.rest = rest;
            self.put("^");
        }
        if let Some(rest) = self.rest.strip_prefix(']') {
            self.rest = rest;
            self.put("\\]");
        }
        while let Some(character) = self.rest.chars().next() {
            if let Some(length) = named_class_length(self.rest) {
                let (name, rest) = self.rest.split_at(length);
                self.rest = rest;
                self.put(name);
                continue;
            }
            self.rest = &self.rest[character.len_utf8()..];
            match character {
                ']' => return self.put("]"),
                '\\' => self.escape_in_class(),
                '[' | '&' | '~' => {
                    self.put("\\");
                    self.put_char(character)
                }
                '-' if self.rest.starts_with('-') => self.put("\\-"),
                _ => self.put_char(character),
            };
        }
        Last::Other
    }

    fn escape_in_class(&mut self) -> Last {
        let Some(escaped) = self.rest.chars().next() else {
            return self.put("\\");
        };
        self.rest = &self.rest[escaped.len_utf8()..];
        match escaped {
            'd' => self.put("0-9"),
            'D' => self.put("[^0-9]"),
            'w' => self.put("0-9A-Za-z_"),
            'W' => self.put("[^0-9A-Za-z_]"),
            's' => self.put("\\t-\\r "),
            'S' => self.put("[^\\t-\\r ]"),
            'b' => self.put("\\x08"),
            _ => self.escaped(escaped),
        }
    }

    /// Takes a comment in parentheses.
    fn comment(&mut self) -> Last {
        self.rest = self.rest.split_once(')').map_or("", |(_, rest)| rest);
        self.last
    }
}

/// How long the repetition in braces is with which `text` begins; `None` if the brace repeats nothing.
fn repetition_length(text: &str) -> Option<usize> {
    // Longer numbers are refused by the library, and looking for their end would not be.
    const DIGITS_MAX: usize = 10;
    let digits = |text: &str| {
        text.bytes()
            .take(DIGITS_MAX)
            .take_while(u8::is_ascii_digit)
            .count()
    };
    let mut length = 1 + digits(text.get(1..)?);
    if length == 1 {
        return None;
    }
    if text.as_bytes().get(length) == Some(&b',') {
        length += 1;
        length += digits(&text[length..]);
    }
    (text.as_bytes().get(length) == Some(&b'}')).then_some(length + 1)
}

/// How long the name of a class as `[:alpha:]` is with which `text` begins; `None` if it begins otherwise.
fn named_class_length(text: &str) -> Option<usize> {
    const NAME_MAX: usize = 10;
    let name = text.strip_prefix("[:")?;
    let is_name = |byte: &u8| byte.is_ascii_alphabetic() || *byte == b'^';
    let length = name.bytes().take(NAME_MAX).take_while(is_name).count();
    name[length..].starts_with(":]").then_some(length + 4)
}
