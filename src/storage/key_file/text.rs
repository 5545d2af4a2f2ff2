//! The text of a key file.
//!
//! A line for each key: its number, a space, and 64 hexadecimal digits. Lines that are empty or begin with `#` are
//! ignored.

use std::collections::BTreeMap;
use std::fmt::Write as _;

/// The text at the beginning, for the person who opens the file.
const HEADER: &str = "\
# The keys of rememberd: a number and 32 bytes in each line. Without them no token in the database is valid.
# Whoever has this file and the database can compute the token of every login.
";

/// How many bytes a key has.
pub const KEY_BYTES: usize = 32;

/// Keys by their numbers.
pub type KeysByNumber = BTreeMap<u32, [u8; KEY_BYTES]>;

/// The text of a file with these keys, which is secret.
pub fn text_of(keys: &KeysByNumber) -> String {
    let mut text = HEADER.to_owned();
    for (number, key) in keys {
        write!(text, "{number} ").expect("text grows");
        for byte in key {
            write!(text, "{byte:02x}").expect("text grows");
        }
        text.push('\n');
    }
    text
}

/// The keys in the text of a file.
///
/// # Errors
///
/// Which line is wrong. The message has no key.
pub fn parse_keys(text: &str) -> Result<KeysByNumber, String> {
    let mut keys = KeysByNumber::new();
    for (index, line) in text.lines().enumerate() {
        if line.trim().is_empty() || line.starts_with('#') {
            continue;
        }
        let number = index + 1;
        let (name, key) = parse(line)
            .ok_or_else(|| format!("line {number} is not a number and 64 hexadecimal digits"))?;
        if keys.insert(name, key).is_some() {
            return Err(format!("line {number} has a key that is there already"));
        }
    }
    Ok(keys)
}

fn parse(line: &str) -> Option<(u32, [u8; KEY_BYTES])> {
    let (number, digits) = line.trim_end().split_once(' ')?;
    if digits.len() != 2 * KEY_BYTES || !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
        return None;
    }
    let mut key = [0; KEY_BYTES];
    for (byte, pair) in key.iter_mut().zip(digits.as_bytes().chunks_exact(2)) {
        *byte = u8::from_str_radix(str::from_utf8(pair).ok()?, 16).ok()?;
    }
    Some((number.parse().ok()?, key))
}
