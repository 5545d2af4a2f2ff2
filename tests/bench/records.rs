//! How many bytes the records of a database take by themselves, without the pages that they lie on.

use std::fs;
use std::path::Path;

use redb::{ReadOnlyDatabase, ReadableDatabase, ReadableTableMetadata, TableHandle};

const SUFFIX: &str = "redb";

/// All keys and values in the data directory of a server that is stopped.
pub fn bytes(data_dir: &Path) -> u64 {
    let path = fs::read_dir(data_dir)
        .expect("the data directory is there")
        .map(|entry| entry.expect("the data directory can be read").path())
        .find(|path| path.extension().is_some_and(|suffix| suffix == SUFFIX))
        .expect("the database is in the data directory");
    let database = ReadOnlyDatabase::open(path).expect("the server closed its database");
    let txn = database.begin_read().expect("nobody writes");
    let tables = txn.list_tables().expect("the tables are listed");
    tables
        .map(|table| {
            let name = table.name().to_owned();
            let open = txn.open_untyped_table(table);
            let stats = open.and_then(|open| Ok(open.stats()?));
            stats
                .unwrap_or_else(|error| panic!("{name}: {error}"))
                .stored_bytes()
        })
        .sum()
}
