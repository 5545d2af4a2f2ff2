//! Where no file is put that a command writes: it would take the place of the database.

use std::path::Path;

use crate::error::Failure;
use crate::storage::data_dir::database_path;
use crate::storage::regular_file;

/// Refuses to put a file at `target` if that is in the data directory, or is the database or the key file under
/// another name.
///
/// # Errors
///
/// [`Failure::Unusable`].
pub fn refuse_own_files(target: &Path, data_dir: &Path, key_file: &Path) -> Result<(), Failure> {
    // A file that cannot be opened is none that would be replaced: what writes to it fails for that reason.
    let is_at_target =
        |path: &Path| regular_file::open(path).is_ok_and(|file| regular_file::is_at(&file, target));
    let cause = if regular_file::is_within(target, data_dir) {
        "it cannot be in the data directory; name a file in another one"
    } else if is_at_target(&database_path(data_dir)) {
        "it is the database itself; name another file"
    } else if is_at_target(key_file) {
        "it is the key file; name another file"
    } else {
        return Ok(());
    };
    Err(Failure::unusable_file(target, cause))
}
