//! The syntax of queries: relaxed JSON.

use std::borrow::Cow;

use crate::domain::query::error::QueryError;
use crate::domain::query::literal::{construct, extended, number};
use crate::domain::query::tree::{Field, Kind, Node};
use crate::domain::query::value::Value;

/// How deeply documents and arrays may be nested, as in MongoDB.
pub const DEPTH_MAX: usize = 100;

/// The value that `text` is.
///
/// # Errors
///
/// Where it is malformed.
pub fn parse(text: &str) -> Result<Node<'_>, QueryError> {
    let mut parser = Parser { text, at: 0 };
    let value = parser.value(0)?;
    parser.skip_space();
    if parser.at < text.len() {
        return Err(parser.unexpected("the end of the query"));
    }
    Ok(value)
}

/// A text, and how far it was parsed.
struct Parser<'t> {
    text: &'t str,
    at: usize,
}

impl<'t> Parser<'t> {
    fn value(&mut self, depth: usize) -> Result<Node<'t>, QueryError> {
        self.skip_space();
        let at = self.at;
        let kind = match self.peek() {
            Some(b'{') => self.document(depth + 1)?,
            Some(b'[') => self.array(depth + 1)?,
            Some(quote @ (b'"' | b'\'')) => Kind::Scalar(Value::Text(self.string(quote)?)),
            Some(b'/') => self.regex()?,
            Some(b'-' | b'0'..=b'9') => Kind::Scalar(self.number()?),
            Some(byte) if is_word(byte) => self.word()?,
            _ => return Err(self.unexpected("a value")),
        };
        Ok(Node { at, kind })
    }

    fn number(&mut self) -> Result<Value<'t>, QueryError> {
        let at = self.at;
        // Letters too, so that what is no number is refused as a whole.
        let is_number =
            |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'+' | b'.');
        number(at, self.take_while(is_number))
    }

    fn document(&mut self, depth: usize) -> Result<Kind<'t>, QueryError> {
        let start = self.at;
        self.enter(depth)?;
        let mut fields = Vec::new();
        while !self.leaves(b'}', !fields.is_empty())? {
            let at = self.at;
            let name = match self.peek() {
                Some(quote @ (b'"' | b'\'')) => self.string(quote)?,
                Some(byte) if is_word(byte) || byte == b'-' => {
                    // Dots and hyphens are names of attributes too, and not ambiguous here.
                    let is_name = |byte| is_word(byte) || matches!(byte, b'-' | b'.');
                    Cow::Borrowed(self.take_while(is_name))
                }
                _ => return Err(self.unexpected("a name or }")),
            };
            self.expect(b':', "a colon")?;
            let value = self.value(depth)?;
            fields.push(Field { at, name, value });
        }
        extended(start, fields)
    }

    fn array(&mut self, depth: usize) -> Result<Kind<'t>, QueryError> {
        self.enter(depth)?;
        let mut items = Vec::new();
        while !self.leaves(b']', !items.is_empty())? {
            items.push(self.value(depth)?);
        }
        Ok(Kind::Array(items))
    }

    /// Takes the bracket that opens a document or an array.
    fn enter(&mut self, depth: usize) -> Result<(), QueryError> {
        if depth > DEPTH_MAX {
            let reason = format!("it is nested deeper than {DEPTH_MAX} levels");
            return Err(QueryError::malformed(self.at, reason));
        }
        self.at += 1;
        Ok(())
    }

    /// Takes the bracket that closes a document or an array, and returns whether it is there; else takes the comma
    /// before the next part, if there was one before. After a comma a bracket may close it too.
    fn leaves(&mut self, bracket: u8, needs_comma: bool) -> Result<bool, QueryError> {
        self.skip_space();
        if needs_comma && self.peek() != Some(bracket) {
            self.expect(b',', "a comma or a closing bracket")?;
            self.skip_space();
        }
        let closes = self.peek() == Some(bracket);
        self.at += usize::from(closes);
        Ok(closes)
    }

    /// A text in quotes. Without escapes it is not copied.
    fn string(&mut self, quote: u8) -> Result<Cow<'t, str>, QueryError> {
        let start = self.at;
        self.at += 1;
        let mut unescaped = String::new();
        loop {
            let plain = self.take_while(|byte| byte != quote && byte != b'\\');
            match self.peek() {
                None => return Err(QueryError::malformed(start, "the text does not end")),
                Some(b'\\') => {
                    unescaped.push_str(plain);
                    unescaped.push(self.escape()?);
                }
                Some(_) => {
                    self.at += 1;
                    if unescaped.is_empty() {
                        return Ok(Cow::Borrowed(plain));
                    }
                    unescaped.push_str(plain);
                    return Ok(Cow::Owned(unescaped));
                }
            }
        }
    }

    /// The character of an escape sequence.
    fn escape(&mut self) -> Result<char, QueryError> {
        let start = self.at;
        let invalid = || QueryError::malformed(start, "there is no such escape sequence");
        self.at += 1;
        let byte = self.peek().ok_or_else(invalid)?;
        self.at += 1;
        Ok(match byte {
            b'"' | b'\'' | b'\\' | b'/' => char::from(byte),
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'u' => {
                let first = self.hexadecimal().ok_or_else(invalid)?;
                let mut units = vec![first];
                // Half of a character beyond the first 65,536 is followed by the other half.
                if (0xD800..0xDC00).contains(&first) && self.text[self.at..].starts_with("\\u") {
                    self.at += 2;
                    units.push(self.hexadecimal().ok_or_else(invalid)?);
                }
                let mut decoded = char::decode_utf16(units);
                match (decoded.next(), decoded.next()) {
                    (Some(Ok(character)), None) => character,
                    _ => return Err(invalid()),
                }
            }
            _ => return Err(invalid()),
        })
    }

    /// The number that four hexadecimal digits are.
    fn hexadecimal(&mut self) -> Option<u16> {
        let digits = self.text.get(self.at..self.at + 4)?;
        if !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return None;
        }
        self.at += 4;
        u16::from_str_radix(digits, 16).ok()
    }

    /// A regular expression between slashes. A slash in it is escaped, or in a class as JavaScript has it: from a
    /// bracket to the next one that closes it.
    fn regex(&mut self) -> Result<Kind<'t>, QueryError> {
        let start = self.at;
        self.at += 1;
        if matches!(self.peek(), Some(b'/' | b'*')) {
            return Err(QueryError::malformed(start, "comments are not allowed"));
        }
        let mut pattern = Cow::Borrowed("");
        let mut is_in_class = false;
        loop {
            pattern += self.take_while(|byte| !matches!(byte, b'/' | b'\\' | b'[' | b']'));
            let rest = &self.text[self.at..];
            let mut characters = rest.chars();
            match (characters.next(), characters.next()) {
                (Some('\\'), Some('/')) => {
                    pattern += "/";
                    self.at += 2;
                }
                (Some('\\'), Some(escaped)) => {
                    let length = 1 + escaped.len_utf8();
                    pattern += &rest[..length];
                    self.at += length;
                }
                (Some('/'), _) if !is_in_class => break,
                (Some(character @ ('/' | '[' | ']')), _) => {
                    is_in_class = match character {
                        '[' => true,
                        ']' => false,
                        _ => is_in_class,
                    };
                    pattern += &rest[..1];
                    self.at += 1;
                }
                _ => {
                    let reason = "the regular expression does not end";
                    return Err(QueryError::malformed(start, reason));
                }
            }
        }
        self.at += 1;
        let options = self.take_while(|byte| byte.is_ascii_alphabetic());
        Ok(Kind::Regex(pattern, options))
    }

    /// A value that begins with a word: a constant, or a call of a constructor.
    fn word(&mut self) -> Result<Kind<'t>, QueryError> {
        let start = self.at;
        let mut word = self.take_while(is_word);
        let value = match word {
            "true" => Value::Bool(true),
            "false" => Value::Bool(false),
            "null" => Value::Null,
            "NaN" => Value::Double(f64::NAN),
            "Infinity" => Value::Double(f64::INFINITY),
            _ => {
                let is_new = word == "new";
                if is_new {
                    self.skip_space();
                    word = self.take_while(is_word);
                }
                let argument = self.argument()?;
                return construct(start, is_new, word, argument).map(Kind::Scalar);
            }
        };
        Ok(Kind::Scalar(value))
    }

    /// The argument of a call, in parentheses: one value that has no parts.
    fn argument(&mut self) -> Result<Value<'t>, QueryError> {
        self.expect(b'(', "a value")?;
        // It cannot be nested: a call in a call is none of the values that the constructors know.
        self.skip_space();
        let value = match self.peek() {
            Some(quote @ (b'"' | b'\'')) => Value::Text(self.string(quote)?),
            Some(b'-' | b'0'..=b'9') => self.number()?,
            _ => return Err(self.unexpected("a text or a number")),
        };
        self.expect(b')', "a closing parenthesis")?;
        Ok(value)
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn skip_space(&mut self) {
        self.take_while(|byte| matches!(byte, b' ' | b'\t' | b'\n' | b'\r'));
    }

    fn expect(&mut self, byte: u8, what: &str) -> Result<(), QueryError> {
        self.skip_space();
        if self.peek() != Some(byte) {
            return Err(self.unexpected(what));
        }
        self.at += 1;
        Ok(())
    }

    /// The bytes from here on for which `is_taken` returns true. They must end where a character does: all other bytes
    /// than ASCII are taken, or none.
    fn take_while(&mut self, is_taken: impl Fn(u8) -> bool) -> &'t str {
        let rest = &self.text[self.at..];
        let end = rest.bytes().position(|byte| !is_taken(byte));
        let taken = &rest[..end.unwrap_or(rest.len())];
        self.at += taken.len();
        taken
    }

    /// That something else is expected than what is here.
    fn unexpected(&self, expected: &str) -> QueryError {
        let rest = &self.text[self.at..];
        let reason = if rest.starts_with("//") || rest.starts_with("/*") {
            "comments are not allowed".to_owned()
        } else {
            match rest.chars().next() {
                Some(character) => format!("{expected} is expected, and not {character:?}"),
                None => format!("{expected} is expected, and it ends"),
            }
        };
        QueryError::malformed(self.at, reason)
    }
}

/// Whether a byte is one of a word: letters of any script, digits, `$` and `_`.
fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'$' | b'_') || !byte.is_ascii()
}
