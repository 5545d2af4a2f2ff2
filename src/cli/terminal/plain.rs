//! Text of others, as it may be shown on a terminal.

/// The text with its control characters escaped: they could move the cursor, or change what is shown already.
pub fn plain(text: &str) -> String {
    let escape = |character: char| -> String {
        if character.is_control() {
            character.escape_default().collect()
        } else {
            character.into()
        }
    };
    text.chars().map(escape).collect()
}
