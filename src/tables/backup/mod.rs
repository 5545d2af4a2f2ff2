//! Backups: a copy of all tables as of one moment, in a database file of its own.
//!
//! [`write()`] copies them from one snapshot, so that a server may write meanwhile. [`finish`] reads the closed copy
//! from the disk: only if all of it is right it gets its name. The table of [`record`] says what it is a copy of, and
//! has the key file's content, if that is in the data directory: [`complete`] puts it back where the copy has become a
//! database.

pub mod complete;
pub mod copy;
pub mod record;
pub mod source;
pub mod status;
pub mod target;
pub mod verify;

use std::path::Path;

use crate::clock::Timestamp;
use crate::error::Failure;
use crate::storage::engine::read::EngineRead;
use crate::storage::key_file::KeyFile;
use crate::storage::new_file::NewFile;
use crate::tables::backup::copy::{OPTIONS, Progress, copy_tables};
use crate::tables::backup::record::Origin;
use crate::tables::backup::verify::{Verified, verify};

/// Writes a backup of `from`, a snapshot of the database at `database`, and of the keys, into `file`, durably. It was
/// begun at `time`. A caller that holds `from` can let go of it afterwards.
///
/// # Errors
///
/// As [`copy_tables`].
pub fn write(
    from: &EngineRead,
    file: &NewFile,
    time: Timestamp,
    database: &Path,
    keys: Option<&KeyFile>,
    progress: &mut Progress<'_>,
) -> Result<(), Failure> {
    let to = file.open(&OPTIONS)?;
    let origin = Origin {
        time,
        database: database.display().to_string(),
        tables: copy_tables(from, &to, progress)?,
    };
    record::put(&to, &origin, keys)?;
    to.close()?;
    file.sync()
}

/// Verifies what was written, and gives it its name. What is not right is removed.
///
/// # Errors
///
/// As [`verify`](verify::verify()), [`NewFile::open_unchanged`] and [`NewFile::publish`].
pub fn finish(file: NewFile, progress: &mut Progress<'_>) -> Result<Verified, Failure> {
    let verified = verify(file.unfinished_path(), progress)?;
    file.open_unchanged(&OPTIONS)?;
    file.publish()?;
    Ok(verified)
}
