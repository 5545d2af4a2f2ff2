//! What an import reports: how many documents, and which were skipped and why.

use std::collections::BTreeMap;
use std::fmt::Display;

use serde_json::{Value, json};

use crate::cli::error::CommandError;
use crate::cli::line_file::LineFile;
use crate::cli::terminal::output::print_line;
use crate::cli::terminal::plain::plain;

/// How many documents are named for a reason, and how many warnings are printed.
const EXAMPLES_MAX: usize = 3;

/// How many different reasons are told apart.
const REASONS_MAX: usize = 100;

/// What came of the documents of a file.
pub struct FileReport<'r> {
    name: String,
    is_dry_run: bool,
    /// Has all that is skipped.
    all: Option<&'r mut LineFile>,
    read: u64,
    created: u64,
    same: u64,
    newer: u64,
    dependent: u64,
    /// By the reason: how many, and the numbers of the first ones.
    skipped: BTreeMap<String, (u64, Vec<u64>)>,
    warnings: u64,
    first_warnings: Vec<String>,
    left_out: BTreeMap<String, u64>,
}

impl<'r> FileReport<'r> {
    pub fn new(name: impl Display, is_dry_run: bool, all: Option<&'r mut LineFile>) -> Self {
        Self {
            name: name.to_string(),
            is_dry_run,
            all,
            read: 0,
            created: 0,
            same: 0,
            newer: 0,
            dependent: 0,
            skipped: BTreeMap::new(),
            warnings: 0,
            first_warnings: Vec::new(),
            left_out: BTreeMap::new(),
        }
    }

    /// How many documents it is of so far.
    pub fn read(&self) -> u64 {
        self.read
    }

    /// Adds the answer of the server to `count` documents, before which there are `first`.
    ///
    /// # Errors
    ///
    /// If the file of the report cannot be written.
    pub fn add(&mut self, first: u64, count: u64, answer: &Value) -> Result<(), CommandError> {
        self.created += number(answer, "created");
        self.same += number(answer, "same");
        self.newer += number(answer, "newer");
        self.dependent += number(answer, "dependent");
        let skipped = answer["skipped"].as_object().into_iter().flatten();
        // As text, 10 comes before 9.
        let skipped = skipped.map(|(place, why)| (place.parse::<u64>().unwrap_or(0), why));
        for (place, why) in BTreeMap::from_iter(skipped) {
            self.skip(first + place + 1, why.as_str().unwrap_or_default())?;
        }
        for warning in answer["warnings"].as_array().into_iter().flatten() {
            let place = warning[0].as_u64().unwrap_or(0);
            self.warnings += 1;
            if self.first_warnings.len() < EXAMPLES_MAX {
                let text = warning[1].as_str().unwrap_or_default();
                let number = first + place + 1;
                self.first_warnings
                    .push(format!("document {number}: {text}"));
            }
        }
        for (field, count) in answer["leftOut"].as_object().into_iter().flatten() {
            if self.left_out.len() < REASONS_MAX || self.left_out.contains_key(field) {
                *self.left_out.entry(field.clone()).or_default() += count.as_u64().unwrap_or(0);
            }
        }
        self.read += count;
        Ok(())
    }

    /// Adds `count` documents of attachments, before which there are `first`, as skipped.
    ///
    /// # Errors
    ///
    /// As [`FileReport::add`].
    pub fn skip_all(&mut self, first: u64, count: u64) -> Result<(), CommandError> {
        for number in first + 1..=first + count {
            self.skip(number, "attachments are not taken over; upload them again")?;
        }
        self.read += count;
        Ok(())
    }

    fn skip(&mut self, number: u64, why: &str) -> Result<(), CommandError> {
        let reason = if self.skipped.len() < REASONS_MAX || self.skipped.contains_key(why) {
            why
        } else {
            "other reasons"
        };
        let (count, examples) = self.skipped.entry(reason.to_owned()).or_default();
        *count += 1;
        if examples.len() < EXAMPLES_MAX {
            examples.push(number);
        }
        let line = json!({"file": self.name, "document": number, "skipped": why});
        self.all.as_mut().map_or(Ok(()), |all| all.line(line))
    }

    /// Prints it. Returns whether nothing was skipped.
    pub fn finish(self) -> bool {
        let skipped: u64 = self.skipped.values().map(|(count, _)| count).sum();
        let (name, read, created) = (plain(&self.name), self.read, self.created);
        let done = if self.is_dry_run {
            "would be imported"
        } else {
            "imported"
        };
        let mut counts = format!("{name}: {read} read, {created} {done}");
        for (count, what) in [
            (self.same, "there already"),
            (self.newer, "there already and changed since"),
            (skipped, "skipped"),
        ] {
            if count > 0 {
                counts.push_str(&format!(", {count} {what}"));
            }
        }
        print_line(format_args!("{counts}"));
        for (why, (count, examples)) in &self.skipped {
            let why = plain(why);
            let examples: Vec<_> = examples.iter().map(u64::to_string).collect();
            let examples = examples.join(", ");
            print_line(format_args!(
                "  {count} skipped: {why} (document {examples})"
            ));
        }
        if self.is_dry_run && self.dependent > 0 {
            let count = self.dependent;
            print_line(format_args!(
                "  {count} of these may be imported: a dry run does not write the tenants and profiles of other files"
            ));
        }
        for (field, count) in &self.left_out {
            print_line(format_args!(
                "  left out: the field {}, in {count} documents",
                plain(field)
            ));
        }
        for warning in &self.first_warnings {
            print_line(format_args!("  warning: {}", plain(warning)));
        }
        let more = self.warnings - self.first_warnings.len() as u64;
        if more > 0 {
            print_line(format_args!("  {more} more warnings"));
        }
        skipped == 0
    }
}

/// The number in an answer of the server.
fn number(answer: &Value, name: &str) -> u64 {
    answer[name].as_u64().unwrap_or(0)
}
