//! `rememberd key`: the key file.

use std::path::{Path, PathBuf};

use crate::cli::error::CommandError;
use crate::entropy::Entropy;
use crate::storage::key_file::{KEY_FILE, KeyFile};

/// Where the key file is: in the data directory, or where the settings say.
pub fn path(data_dir: &Path, key_file: Option<&Path>) -> PathBuf {
    key_file.map_or_else(|| data_dir.join(KEY_FILE), Path::to_owned)
}

/// Adds a key to the file at `path`. Returns what to print.
///
/// # Errors
///
/// If there is no key yet, or the file cannot be read or written.
pub fn rotate(path: &Path) -> Result<String, CommandError> {
    let mut file = KeyFile::read(path)?;
    let shown = file.path().display().to_string();
    let Some((&last, _)) = file.keys().last_key_value() else {
        let cause = "it has no key; the first start of a server generates one";
        return Err(CommandError::new(shown, cause));
    };
    let number = file.number_after(last)?;
    file.add(number, Entropy::Os.bytes())?;
    Ok(format!(
        "key {number} was added to {shown}; a server uses it from its next start on"
    ))
}
