//! How much of a file is in use, by its branches: the leaves, which are nearly all of it, are not read.

use crate::storage::pages::file::PageFile;
use crate::storage::pages::page::{PAGE_BYTES, Page, TreeRoot, Widths};
use crate::storage::pages::seen::Seen;

impl PageFile {
    /// How many bytes the pages of all tables take as of the last commit; `None` if that is damaged. While the file is
    /// written to, pages that were replaced meanwhile are left out: it is about as much.
    pub fn used_bytes(&self) -> Option<u64> {
        let mut seen = Seen::default();
        let tables = self.last_tables(&mut seen)?;
        let mut used = seen.offsets.len() as u64 * PAGE_BYTES;
        for table in tables {
            if let Some(root) = table.root {
                used += self.tree_bytes(root, table.widths);
            }
        }
        Some(used)
    }

    /// How many bytes the pages of a tree take. All of its leaves are at the same depth.
    fn tree_bytes(&self, root: TreeRoot, widths: Widths) -> u64 {
        let mut used = self.bytes_of(root);
        let Some(height) = self.height(root, widths) else {
            return used;
        };
        let mut pending = vec![(root, height)];
        while let Some((branch, height)) = pending.pop() {
            let Some(Page::Branch(children)) = self.intact(branch, widths) else {
                continue;
            };
            used += children
                .iter()
                .map(|child| self.bytes_of(*child))
                .sum::<u64>();
            if height > 1 {
                pending.extend(children.into_iter().map(|child| (child, height - 1)));
            }
        }
        used
    }

    /// How many branches are above each leaf of a tree; `None` if there is none, or the first of them are damaged.
    fn height(&self, root: TreeRoot, widths: Widths) -> Option<usize> {
        let (mut next, mut height) = (root, 0);
        while let Page::Branch(children) = self.intact(next, widths)? {
            (next, height) = (*children.first()?, height + 1);
        }
        (height > 0).then_some(height)
    }

    /// The page, if it is what was written.
    fn intact(&self, root: TreeRoot, widths: Widths) -> Option<Page> {
        let (offset, bytes) = self.place(root.number)?;
        let page = self.read(offset, bytes).ok()?;
        let (page, is_intact) = Page::parse(&page, widths, root.checksum)?;
        is_intact.then_some(page)
    }

    fn bytes_of(&self, root: TreeRoot) -> u64 {
        self.place(root.number).map_or(0, |(_, bytes)| bytes)
    }
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::path::Path;

    use tempfile::TempDir;

    use super::*;
    use crate::storage::engine::opening::Opening;
    use crate::storage::engine::{Engine, EngineOptions};
    use crate::storage::table::{Fixed, Table};

    const TABLES: [Table<Fixed<8>>; 2] = [Table::new("many"), Table::new("few")];

    /// Opens the database at `path`, and writes so many entries into its tables.
    fn write(path: &Path, entries: [u64; 2]) -> Engine {
        let mut file = File::options();
        let file = file.read(true).write(true).create(true).open(path);
        let options = EngineOptions {
            cache_bytes: 1 << 20,
            two_phase_commit: false,
        };
        let engine = Engine::open_file(file.expect("a file"), &options, Opening::Start);
        let engine = engine.expect("a database");
        let txn = engine.begin_write().expect("a transaction");
        for (table, entries) in TABLES.iter().zip(entries) {
            for number in 0..entries {
                let key = number.to_be_bytes();
                txn.put(table, &key, &[7; 100]).expect("it is put");
            }
        }
        txn.commit().expect("it is committed");
        engine
    }

    /// How many bytes the pages of all tables take, all of which are read.
    fn walked_bytes(file: &PageFile) -> u64 {
        let mut seen = Seen::default();
        for table in file.tables(&mut seen) {
            file.walk(&table, &mut seen, &mut |_| {});
        }
        assert!(seen.damaged.is_empty());
        seen.offsets.len() as u64 * PAGE_BYTES
    }

    #[test]
    fn what_is_in_use_is_known_without_reading_the_leaves() {
        let home = TempDir::new().expect("a temporary directory");
        let path = home.path().join("database");
        for entries in [[0, 0], [1, 0], [20_000, 3]] {
            let engine = write(&path, entries);
            let open = PageFile::open(&path).expect("a file");
            assert!(open.used_bytes().is_some(), "also while it is open");
            engine.close().expect("it is closed");
            let file = PageFile::open(&path).expect("a file");
            assert_eq!(file.used_bytes(), Some(walked_bytes(&file)));
        }
        let used = PageFile::open(&path).expect("a file").used_bytes();
        assert!(used.is_some_and(|used| used > 20_000 * 108));
    }
}
