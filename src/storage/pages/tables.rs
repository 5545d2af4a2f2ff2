//! The tables of a file.

use crate::storage::pages::file::PageFile;
use crate::storage::pages::header::Slot;
use crate::storage::pages::page::{PAGE_BYTES, TreeRoot, Widths, u32_at, u64_at};
use crate::storage::pages::seen::{DamagedPage, Seen};
use crate::storage::table::KeyKind;

/// A table is of the kind that has one value for each key.
const NORMAL: u8 = 3;

/// The tree of the tables' names has texts as keys, and values of any length.
const DIRECTORY: Widths = Widths {
    key: None,
    value: None,
};

/// A table of a file.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TableRoot {
    /// Its name.
    pub name: String,
    /// What its keys are.
    pub keys: KeyKind,
    /// How many entries it had when it was written.
    pub length: u64,
    /// The root of its tree, if it is not empty.
    pub(super) root: Option<TreeRoot>,
    pub(super) widths: Widths,
}

impl PageFile {
    /// The tables as of the last commit, or of the one before it if a crash has torn the last one, or if the list of
    /// tables is damaged. `seen` gets the pages of the list, and what is damaged of it.
    pub fn tables(&self, seen: &mut Seen) -> Vec<TableRoot> {
        if self.header.may_be_torn
            && let Some(slot) = self.slots().find(|slot| self.is_whole(slot))
        {
            return self.tables_of(slot, seen);
        }
        if self.header.slots[0].is_none() {
            seen.damaged.push(DamagedPage {
                offset: 0,
                bytes: PAGE_BYTES,
                cause: if self.has_header {
                    "the record of the last commit is damaged".to_owned()
                } else {
                    "it is not the beginning of a database".to_owned()
                },
            });
        }
        let mut best = Vec::new();
        for slot in self.slots() {
            let mut found = Seen::default();
            let tables = self.tables_of(slot, &mut found);
            let is_whole = found.damaged.is_empty();
            if is_whole || tables.len() > best.len() {
                best = tables;
            }
            seen.offsets.extend(found.offsets);
            for page in found.damaged {
                if !seen.damaged.contains(&page) {
                    seen.damaged.push(page);
                }
            }
            if is_whole {
                break;
            }
        }
        best
    }

    /// The tables as of the last commit, whether all of it reached the disk or not; `None` if its record is damaged.
    pub(super) fn last_tables(&self, seen: &mut Seen) -> Option<Vec<TableRoot>> {
        let slot = self.header.slots[0].as_ref()?;
        Some(self.tables_of(slot, seen))
    }

    /// Whether no page of a commit is damaged.
    fn is_whole(&self, slot: &Slot) -> bool {
        let mut seen = Seen::default();
        for table in self.tables_of(slot, &mut seen) {
            self.walk(&table, &mut seen, &mut |_| {});
        }
        seen.damaged.is_empty()
    }

    fn tables_of(&self, slot: &Slot, seen: &mut Seen) -> Vec<TableRoot> {
        match slot.root {
            Some(root) => self.tables_at(root, seen),
            None => Vec::new(),
        }
    }

    /// The lists of tables that are found in the file outside of every tree: those of earlier commits, in no order.
    /// What lies on their pages may be used for something else by now.
    pub fn earlier_tables(&self, seen: &Seen) -> Vec<Vec<TableRoot>> {
        let mut found = Vec::new();
        self.each_loose_leaf(seen, DIRECTORY, |entries| {
            let tables: Vec<_> = entries
                .filter_map(|(key, value)| TableRoot::parse(key, value))
                .collect();
            if !tables.is_empty() {
                found.push(tables);
            }
        });
        found
    }

    fn tables_at(&self, root: TreeRoot, seen: &mut Seen) -> Vec<TableRoot> {
        let mut tables = Vec::new();
        self.walk_tree(root, DIRECTORY, seen, &mut |entry| {
            tables.extend(TableRoot::parse(entry.key, entry.value).filter(|_| entry.is_intact));
        });
        tables
    }
}

impl TableRoot {
    /// A table whose root is not known, so that its entries can only be looked for on pages in no tree.
    pub fn lost(name: &str, keys: KeyKind) -> Self {
        let key = match keys {
            KeyKind::Fixed(bytes) => Some(bytes),
            KeyKind::Bytes | KeyKind::Text => None,
        };
        Self {
            name: name.to_owned(),
            keys,
            length: 0,
            root: None,
            widths: Widths { key, value: None },
        }
    }

    /// The table with this name and definition; `None` if it is none of this program's.
    fn parse(name: &[u8], definition: &[u8]) -> Option<Self> {
        let name = str::from_utf8(name).ok()?.to_owned();
        let is_plain =
            |byte: u8| byte.is_ascii_lowercase() || byte == b'_' || byte.is_ascii_digit();
        if definition.first() != Some(&NORMAL) || name.is_empty() || !name.bytes().all(is_plain) {
            return None;
        }
        let has_root = *definition.get(9)? == 1;
        let root = if has_root {
            Some(TreeRoot::parse(definition, 10)?)
        } else {
            None
        };
        let width = |at: usize| match definition.get(at)? {
            0 => Some(None),
            1 => Some(Some(usize::try_from(u32_at(definition, at + 1)?).ok()?)),
            _ => None,
        };
        let widths = Widths {
            key: width(42)?,
            value: width(47)?,
        };
        let key_type_bytes = usize::try_from(u32_at(definition, 60)?).ok()?;
        let key_type = definition.get(64..64 + key_type_bytes)?;
        let keys = match widths.key {
            Some(bytes) => KeyKind::Fixed(bytes),
            None if key_type.ends_with(b"&str") => KeyKind::Text,
            None => KeyKind::Bytes,
        };
        Some(Self {
            name,
            keys,
            length: u64_at(definition, 1)?,
            root,
            widths,
        })
    }
}
