//! What the commands of `admin` print: JSON for programs, aligned text for people.

use std::io::{self, Write};

use serde_json::Value;

use crate::cli::admin::session::Session;
use crate::cli::terminal::plain::plain;
use crate::clock::Timestamp;
use crate::clock::date::rfc_3339;

/// The fields of a document that people see: the name of each in it, and what it is called for them.
pub type Fields = &'static [(&'static str, &'static str)];

/// What stands between two columns.
const GAP: &str = "  ";

/// How many characters a cell of a table has at most, unless it is an id, which is of no use if it is cut.
const CELL_CHARS_MAX: usize = 60;

impl Session<'_> {
    /// Prints a document: as JSON, or a line for each of its `fields`.
    pub fn print_one(&self, document: &Value, fields: Fields) {
        if self.is_json {
            return self.print_line(&document.to_string());
        }
        let width = fields.iter().map(|(_, name)| name.len()).max();
        let width = width.unwrap_or_default();
        for (field, name) in fields {
            let value = cell(field, &document[*field]);
            self.print_line(&format!("{name:width$}{GAP}{value}"));
        }
    }

    /// Prints a list of documents: as JSON, or a table with a column for each of their `fields`.
    pub fn print_list(&self, documents: &[Value], fields: Fields) {
        if self.is_json {
            return self.print_line(&Value::from(documents).to_string());
        }
        let title = fields.iter().map(|(_, name)| name.to_uppercase()).collect();
        let row = |document: &Value| {
            let cells = fields.iter();
            cells
                .map(|(field, _)| cut(field, cell(field, &document[*field])))
                .collect()
        };
        let rows: Vec<Vec<String>> = [title]
            .into_iter()
            .chain(documents.iter().map(row))
            .collect();
        let width = |column: usize| {
            let cells = rows.iter().map(|row| row[column].chars().count());
            cells.max().unwrap_or_default()
        };
        let widths: Vec<usize> = (0..fields.len()).map(width).collect();
        for row in &rows {
            let cells = row.iter().zip(&widths);
            let cells = cells.map(|(cell, width)| padded(cell, *width));
            self.print_line(cells.collect::<Vec<_>>().join(GAP).trim_end());
        }
    }

    /// Prints what was done: `document` as JSON, or `text`.
    pub fn print_done(&self, document: &Value, text: &str) {
        if self.is_json {
            self.print_line(&document.to_string());
        } else {
            self.print_line(text);
        }
    }

    /// Prints a line, unless one before it could not be written.
    fn print_line(&self, line: &str) {
        let mut unwritten = self.unwritten.borrow_mut();
        if unwritten.is_none() {
            let mut out = io::stdout();
            let written = writeln!(out, "{line}").and_then(|()| out.flush());
            *unwritten = written.err();
        }
    }
}

/// The cell as it is in a table.
fn cut(field: &str, cell: String) -> String {
    if field == "id" || cell.chars().count() <= CELL_CHARS_MAX {
        return cell;
    }
    let start: String = cell.chars().take(CELL_CHARS_MAX - 1).collect();
    start + "…"
}

/// The cell with spaces up to the width. A width in a format has a maximum.
fn padded(cell: &str, width: usize) -> String {
    let missing = width.saturating_sub(cell.chars().count());
    cell.to_owned() + &" ".repeat(missing)
}

/// Whether numbers in this field are times.
fn is_time(field: &str) -> bool {
    let ends = ["On", "Time", "Until"];
    ends.iter().any(|end| field.ends_with(end)) || field == "lastModified"
}

/// A value as people read it.
fn cell(field: &str, value: &Value) -> String {
    match value {
        Value::Null => "-".to_owned(),
        Value::Bool(is_so) => if *is_so { "yes" } else { "no" }.to_owned(),
        Value::Number(number) if is_time(field) => {
            let date = number.as_i64().map(Timestamp::from_millis).map(rfc_3339);
            date.unwrap_or_else(|| number.to_string())
        }
        Value::String(text) => plain(text),
        Value::Array(values) if values.is_empty() => "-".to_owned(),
        Value::Array(values) => {
            let cells = values.iter().map(|value| cell(field, value));
            cells.collect::<Vec<_>>().join(", ")
        }
        Value::Object(_) | Value::Number(_) => plain(&value.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_cell_is_cut_and_padded_unless_it_is_an_id() {
        let long = "é".repeat(70_000);
        let shown = cut("username", long.clone());
        assert_eq!(shown, "é".repeat(CELL_CHARS_MAX - 1) + "…");
        assert_eq!(cut("username", "é".repeat(60)), "é".repeat(60));
        assert_eq!(cut("id", long.clone()), long);
        assert_eq!(padded("é", 70_000).chars().count(), 70_000);
        assert_eq!(padded("abc", 2), "abc");
    }

    #[test]
    fn cells_are_for_people() {
        for (field, value, expected) in [
            ("expiresOn", json!(null), "-"),
            ("master", json!(true), "yes"),
            (
                "createdOn",
                json!(1_495_665_332_589_u64),
                "2017-05-24T22:35:32Z",
            ),
            (
                "lastModified",
                json!(1_495_665_332_589_u64),
                "2017-05-24T22:35:32Z",
            ),
            ("profiles", json!(12), "12"),
            ("roles", json!(["a", "b"]), "a, b"),
            ("roles", json!([]), "-"),
            ("username", json!("a\u{1B}[2Jb\n"), "a\\u{1b}[2Jb\\n"),
            (
                "attributes",
                json!({"a": "\u{1B}\u{9B}2J"}),
                "{\"a\":\"\\u001b\\u{9b}2J\"}",
            ),
        ] {
            assert_eq!(cell(field, &value), expected);
        }
    }
}
