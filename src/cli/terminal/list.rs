//! A list on standard output, of which a bounded number of items is printed.

use std::fmt::Display;
use std::io::{self, Write};

/// How many items of a list are printed.
const LISTED_MAX: usize = 50;

/// Prints a line for each of the first items, and how many more there are.
pub fn print_list<I>(items: I, out: &mut impl Write) -> io::Result<()>
where
    I: IntoIterator<Item: Display, IntoIter: ExactSizeIterator>,
{
    let items = items.into_iter();
    let more = items.len().saturating_sub(LISTED_MAX);
    for item in items.take(LISTED_MAX) {
        writeln!(out, "- {item}")?;
    }
    if more > 0 {
        writeln!(out, "- and {more} more")?;
    }
    Ok(())
}
