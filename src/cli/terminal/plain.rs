//! Text of others, as it may be shown on a terminal.

use crate::logging::escape::push_escaped;

/// The text with its control characters escaped: they could move the cursor, or change what is shown already.
pub fn plain(text: &str) -> String {
    let mut escaped = String::new();
    push_escaped(&mut escaped, text);
    escaped
}
