//! Text of others in what people read: it looks like no line of its own, and does nothing to a terminal.

/// Appends `text` without quotes, with its control characters escaped.
pub fn push_escaped(line: &mut String, text: &str) {
    if text.bytes().all(is_visible) {
        line.push_str(text);
        return;
    }
    for character in text.chars() {
        if character.is_control() {
            line.extend(character.escape_default());
        } else {
            line.push(character);
        }
    }
}

/// Whether the byte is a printable ASCII character or a space.
pub(super) fn is_visible(byte: u8) -> bool {
    matches!(byte, b' '..=b'~')
}
