//! What was seen of a file's pages.

use std::collections::HashSet;
use std::fmt;

/// A page that is not what was written.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct DamagedPage {
    /// Where it begins in the file.
    pub offset: u64,
    /// How many bytes it has.
    pub bytes: u64,
    /// What is wrong with it.
    pub cause: String,
}

impl fmt::Display for DamagedPage {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (offset, bytes, cause) = (self.offset, self.bytes, &self.cause);
        write!(
            formatter,
            "the page at byte {offset} ({bytes} bytes): {cause}"
        )
    }
}

/// What was seen of a file's pages.
#[derive(Default, Debug)]
pub struct Seen {
    /// Where the pages begin that are part of a tree.
    pub offsets: HashSet<u64>,
    /// The damaged pages.
    pub damaged: Vec<DamagedPage>,
}
