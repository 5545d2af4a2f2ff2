//! What a check found.

use crate::storage::pages::seen::Seen;
use crate::storage::table::KeyKind;

/// What was found in a database file.
#[derive(Debug)]
pub struct Report {
    /// The schema version of the file, if it can be read.
    pub schema: Option<u64>,
    /// The tables, with their entries.
    pub tables: Vec<TableReport>,
    /// How many pages were read.
    pub pages: usize,
    /// What is wrong.
    pub findings: Vec<Finding>,
}

/// A table, and how many entries it has.
#[derive(Clone, Debug)]
pub struct TableReport {
    /// Its name.
    pub name: String,
    /// How many entries could be read.
    pub entries: u64,
    /// How many of them are wrong.
    pub wrong: u64,
    /// How many pages are damaged.
    pub pages: usize,
}

/// What is wrong with something.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Fault {
    /// It is not what was written.
    Damage,
    /// It does not agree with other tables.
    Disagreement,
    /// It is missing, and others belong to it.
    Missing,
    /// The key file does not have what it needs.
    Key,
}

/// Something that is wrong.
#[derive(Debug)]
pub struct Finding {
    /// What kind of fault it is.
    pub fault: Fault,
    /// What it is, for a person. No token is in it, and no id of a login.
    pub text: String,
    /// How it can be mended where no page is damaged.
    pub mend: Option<Mend>,
}

/// An entry that is to be put or removed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Mend {
    /// The name of its table.
    pub table: String,
    /// What the table's keys are.
    pub keys: KeyKind,
    /// Its key.
    pub key: Vec<u8>,
    /// The record that belongs there; `None` if none does.
    pub record: Option<Vec<u8>>,
}

impl Report {
    /// Whether nothing is wrong.
    pub fn is_fine(&self) -> bool {
        self.findings.is_empty()
    }

    /// Adds that something is damaged.
    pub fn add_damage(&mut self, text: String) {
        self.findings.push(Finding {
            fault: Fault::Damage,
            text,
            mend: None,
        });
    }

    /// Adds the damaged pages of the table, which are those from this number on.
    pub fn add_damaged_pages(&mut self, table: &str, seen: &Seen, first: usize) {
        for page in &seen.damaged[first..] {
            self.add_damage(format!("{table}: {page}"));
        }
    }
}
