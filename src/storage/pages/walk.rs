//! Going through the pages of a tree, and through those that are in no tree.

use crate::storage::pages::file::PageFile;
use crate::storage::pages::page::{PAGE_BYTES, Page, TreeRoot, Widths};
use crate::storage::pages::seen::{DamagedPage, Seen};
use crate::storage::pages::tables::TableRoot;

/// An entry of a table.
#[derive(Clone, Copy, Debug)]
pub struct Entry<'a> {
    /// Its key.
    pub key: &'a [u8],
    /// What is stored under it.
    pub value: &'a [u8],
    /// Where its page begins in the file.
    pub offset: u64,
    /// Whether its page is what was written; if not, the entry may be anything.
    pub is_intact: bool,
}

/// How many pages lie above each other at most: a tree of as many entries as fit into a file is far lower.
const DEPTH_MAX: usize = 64;

impl PageFile {
    /// Calls `visit` with the entries of the table, in the order of their keys. Those on damaged pages are among
    /// them, as far as such a page can be understood.
    pub fn walk(&self, table: &TableRoot, seen: &mut Seen, visit: &mut dyn FnMut(Entry<'_>)) {
        if let Some(root) = table.root {
            self.walk_tree(root, table.widths, seen, visit);
        }
    }

    pub(super) fn walk_tree(
        &self,
        root: TreeRoot,
        widths: Widths,
        seen: &mut Seen,
        visit: &mut dyn FnMut(Entry<'_>),
    ) {
        // The next page is the last one.
        let mut pending = vec![(root, 0)];
        while let Some((root, depth)) = pending.pop() {
            let Some((offset, bytes)) = self.place(root.number) else {
                let cause = "a page lies behind the end of the file".to_owned();
                let offset = self.length;
                seen.damaged.push(DamagedPage {
                    offset,
                    bytes: 0,
                    cause,
                });
                continue;
            };
            if !seen.offsets.insert(offset) {
                // Only a damaged page leads to where another one did.
                continue;
            }
            let mut damaged = |cause: String| {
                seen.damaged.push(DamagedPage {
                    offset,
                    bytes,
                    cause,
                });
            };
            let page = match self.read(offset, bytes) {
                Ok(page) => page,
                Err(cause) => {
                    damaged(cause);
                    continue;
                }
            };
            let Some((parsed, is_intact)) = Page::parse(&page, widths, root.checksum) else {
                damaged("it is not a page of a table".to_owned());
                continue;
            };
            if !is_intact {
                damaged("it does not match its checksum".to_owned());
            }
            match parsed {
                Page::Leaf(entries) => {
                    for (key, value) in entries {
                        visit(Entry {
                            key: &page[key],
                            value: &page[value],
                            offset,
                            is_intact,
                        });
                    }
                }
                Page::Branch(children) if depth < DEPTH_MAX => {
                    // Each child is known by its checksum, whatever else is wrong with this page.
                    pending.extend(children.into_iter().rev().map(|child| (child, depth + 1)));
                }
                Page::Branch(_) => damaged("it lies too deep".to_owned()),
            }
        }
    }

    /// Calls `visit` with the entries of each leaf that lies on none of the pages that were seen, as far as it can
    /// be understood as one of a tree with keys and values of these sizes. It may be older than the trees.
    pub(super) fn each_loose_leaf(
        &self,
        seen: &Seen,
        widths: Widths,
        mut visit: impl FnMut(&mut dyn Iterator<Item = (&[u8], &[u8])>),
    ) {
        for offset in (PAGE_BYTES..self.length).step_by(PAGE_BYTES as usize) {
            if seen.offsets.contains(&offset) {
                continue;
            }
            // The larger pages have few entries, which lie on their first part or are found by none.
            let Ok(page) = self.read(offset, PAGE_BYTES.min(self.length - offset)) else {
                continue;
            };
            if let Some((Page::Leaf(entries), _)) = Page::parse(&page, widths, 0) {
                visit(
                    &mut entries
                        .into_iter()
                        .map(|(key, value)| (&page[key], &page[value])),
                );
            }
        }
    }

    /// Calls `visit` with the keys and values that lie on pages in no tree, as far as they can be understood as
    /// entries of a table like `table`. They may be older than the trees, or never have been entries of it.
    pub fn loose_entries(
        &self,
        table: &TableRoot,
        seen: &Seen,
        visit: &mut dyn FnMut(&[u8], &[u8]),
    ) {
        self.each_loose_leaf(seen, table.widths, |entries| {
            for (key, value) in entries {
                visit(key, value);
            }
        });
    }
}
