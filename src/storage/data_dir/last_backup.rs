//! When the last good backup was begun, in a file of the data directory, so that its age is known after a restart.

use std::io::{self, Read as _};
use std::path::Path;

use crate::clock::{Timestamp, date};
use crate::error::Failure;
use crate::storage::regular_file;
use crate::storage::whole_file::WholeFile;

/// The file's name.
const LAST_BACKUP: &str = "rememberd.last-backup";

/// How many bytes of the file are read: more than a date has.
const FILE_BYTES_MAX: u64 = 64;

/// Saves in the data directory that a good backup was begun at `time`.
///
/// # Errors
///
/// As of an access to the file.
pub fn save(data_dir: &Path, time: Timestamp) -> Result<(), Failure> {
    let path = data_dir.join(LAST_BACKUP);
    let text = format!("{}\n", date::rfc_3339(time));
    let write = || WholeFile::prepare(&path, text.as_bytes())?.publish();
    write().map_err(|error| Failure::of_access(&path, &error))
}

/// When the last good backup was begun, by the file in the data directory; `None` if that cannot be read.
pub fn read(data_dir: &Path) -> Option<Timestamp> {
    let file = regular_file::open(&data_dir.join(LAST_BACKUP)).ok()?;
    let text = io::read_to_string(file.take(FILE_BYTES_MAX)).ok()?;
    date::parse(text.trim_end())
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn the_last_one_is_read_again_and_what_is_no_date_is_none() {
        let home = tempfile::tempdir().expect("a temporary directory");
        assert_eq!(read(home.path()), None);
        for millis in [1_800_000_000_000, 1_700_000_000_000] {
            let time = Timestamp::from_millis(millis);
            save(home.path(), time).expect("it is written");
            assert_eq!(read(home.path()), Some(time));
        }
        fs::write(home.path().join(LAST_BACKUP), "yesterday").expect("it is ours");
        assert_eq!(read(home.path()), None);
    }
}
