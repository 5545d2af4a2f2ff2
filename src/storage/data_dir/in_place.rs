//! Whether the database is still where it was opened. On Linux a file can be removed, or moved with its directory,
//! while it is open: every write succeeds, and is lost or somewhere else at the next start.

use std::fs::{self, Metadata};
use std::io::{self, ErrorKind};
use std::os::fd::AsRawFd;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::process;
use std::sync::PoisonError;

use crate::error::Failure;
use crate::storage::data_dir::DataDirectory;
use crate::storage::data_dir::held::Held;
use crate::storage::engine::Engine;
use crate::storage::engine::own_file::OwnFile;
use crate::storage::regular_file;

impl DataDirectory {
    /// Holds the database file at `path`, which was just opened: until it is replaced here, no other file gets its
    /// number, and what was removed can still be copied.
    pub(super) fn hold(&self, path: &Path, engine: &Engine) -> Result<(), Failure> {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        let is_held = || -> io::Result<bool> {
            let Some(Held { file, .. }) = &*held else {
                return Ok(false);
            };
            Ok(identity(&file.metadata()?) == identity(&fs::metadata(path)?))
        };
        let is_held = is_held().map_err(|error| Failure::of_access(path, &error))?;
        let file = match held.take() {
            Some(held) if is_held => held.file,
            Some(_) | None => {
                regular_file::open(path).map_err(|error| Failure::of_access(path, &error))?
            }
        };
        let own_file = engine.own_file().cloned();
        *held = Some(Held { file, own_file });
        Ok(())
    }

    /// Checks that the database file that was opened last is at its path.
    ///
    /// # Errors
    ///
    /// [`Failure::Unusable`] if it was removed, moved, replaced or overwritten; as of an access if that cannot be found
    /// out.
    pub fn check_in_place(&self) -> Result<(), Failure> {
        let held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(Held { file, own_file }) = &*held else {
            return Ok(());
        };
        let path = self.database_path();
        let access = |error: io::Error| Failure::of_access(&path, &error);
        let opened = file.metadata().map_err(access)?;
        let cause = match fs::metadata(&path) {
            Ok(found) if identity(&found) == identity(&opened) => {
                if !own_file.as_ref().is_some_and(OwnFile::is_foreign) {
                    return Ok(());
                }
                "it was overwritten while the server was running, which writes to it no more; stop the server, restore \
                 the file from a backup once more, and start the server"
                    .to_owned()
            }
            Ok(_) => {
                "it was replaced by another file while the server was running; put the former one back, or restart the \
                 server to serve this one"
                    .to_owned()
            }
            Err(error) if is_gone(&error) && opened.nlink() == 0 => {
                let (process, descriptor) = (process::id(), file.as_raw_fd());
                format!(
                    "it was removed while the server was running; until the server is stopped, its content is in \
                     /proc/{process}/fd/{descriptor}: copy it to this path, and restart the server"
                )
            }
            Err(error) if is_gone(&error) => {
                "it was moved while the server was running, by itself or with its directory; move it back".to_owned()
            }
            Err(error) => return Err(access(error)),
        };
        Err(Failure::unusable_file(&path, cause))
    }
}

fn identity(metadata: &Metadata) -> (u64, u64) {
    (metadata.dev(), metadata.ino())
}

fn is_gone(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory)
}
