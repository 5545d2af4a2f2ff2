//! Whose a directory or a file is: what this process writes would be of its own user, root above all, and a server of
//! the owner could not read it.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{self, Path};

use crate::cli::error::CommandError;

/// Refuses to write into a directory, or in the place of a file, of another user. What is missing is nobody's.
///
/// # Errors
///
/// If it is of another user.
pub fn require_owner(path: &Path) -> Result<(), CommandError> {
    match other_owner(path) {
        Ok(Some(cause)) => {
            let path = path::absolute(path).unwrap_or_else(|_| path.to_owned());
            Err(CommandError::new(path.display(), cause))
        }
        // What is missing, or cannot be accessed, is reported by what opens it.
        Ok(None) | Err(_) => Ok(()),
    }
}

/// Why nothing may be written at `path`; `None` if it is of the user of this process.
///
/// # Errors
///
/// Of the operating system, also if it is missing.
pub fn other_owner(path: &Path) -> io::Result<Option<String>> {
    let metadata = fs::metadata(path)?;
    let owner = metadata.uid();
    if owner == rustix::process::geteuid().as_raw() {
        return Ok(None);
    }
    let kind = if metadata.is_dir() {
        "directory"
    } else {
        "file"
    };
    Ok(Some(format!(
        "the {kind} is of another user: run the command as that one, like \"sudo -u '#{owner}' rememberd …\""
    )))
}
