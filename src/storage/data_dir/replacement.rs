//! Replacing the database by another file, at once: a crash leaves the former one or the new one.

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Read as _, Write as _};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use crate::error::Failure;
use crate::storage::data_dir::{DATABASE, DataDirectory, FILE_MODE, drop_cached_pages};
use crate::storage::regular_file;

/// How many bytes are copied together.
const COPY_BYTES: usize = 1 << 20;

impl DataDirectory {
    /// Copies the database file `from` to the unfinished name, and syncs it. From then on no server creates a database
    /// here. `step` is called with the number of bytes that are copied, and that there are.
    ///
    /// # Errors
    ///
    /// As of an access to the files.
    pub fn copy_unfinished(
        &self,
        from: &Path,
        step: &mut dyn FnMut(u64, u64),
    ) -> Result<PathBuf, Failure> {
        self.remove_unfinished()?;
        let path = self.unfinished_path();
        let mut source =
            regular_file::open(from).map_err(|error| Failure::of_access(from, &error))?;
        let mut new = OpenOptions::new();
        new.write(true).create_new(true).mode(FILE_MODE);
        let access = |error: io::Error| Failure::of_access(&path, &error);
        let target = new.open(&path).map_err(access)?;
        self.mark_early()?;
        copy(&mut source, &target, step).map_err(access)?;
        drop(target);
        drop_cached_pages(&path).map_err(access)?;
        Ok(path)
    }

    /// Puts the unfinished database in the place of the database, which is kept under its name with `suffix`, or a
    /// number behind that. Returns where it is; `None` if there was none.
    ///
    /// # Errors
    ///
    /// As of an access to the files; what was there is there still.
    pub fn replace(&self, suffix: &str) -> Result<Option<PathBuf>, Failure> {
        let path = self.database_path();
        let kept = match keep(&path, suffix) {
            Ok(kept) => Some(kept),
            Err(error) if error.kind() == ErrorKind::NotFound => None,
            Err(error) => return Err(Failure::of_access(&path, &error)),
        };
        self.finish().inspect_err(|_| {
            if let Some(kept) = &kept {
                take_back(kept, &path);
            }
        })?;
        Ok(kept)
    }

    /// Whether the file at `path` is in this directory.
    pub fn contains(&self, path: &Path) -> bool {
        regular_file::is_within(path, self.path())
    }

    /// Whether the file at `path` is the database file.
    pub fn is_database(&self, path: &Path) -> bool {
        self.contains(path) && path.file_name().is_some_and(|name| name == DATABASE)
    }

    /// How many bytes the database file has.
    ///
    /// # Errors
    ///
    /// As of an access to the file.
    pub fn database_bytes(&self) -> Result<u64, Failure> {
        let path = self.database_path();
        regular_file::length(&path).map_err(|error| Failure::of_access(&path, &error))
    }
}

/// Gives the file at `path`, which is absolute, another name in addition, durably, which begins with its name and
/// `suffix`. Returns that.
///
/// # Errors
///
/// Those of the operating system.
pub fn keep(path: &Path, suffix: &str) -> io::Result<PathBuf> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let numbered = (2..).map(|number| format!("{name}.{suffix}-{number}"));
    for name in [format!("{name}.{suffix}")].into_iter().chain(numbered) {
        let kept = path.with_file_name(name);
        match fs::hard_link(path, &kept) {
            Ok(()) => {
                // Else a power loss could leave the file that replaces it, and not this name.
                let directory = kept.parent().unwrap_or(Path::new("/"));
                let synced = File::open(directory).and_then(|directory| directory.sync_all());
                if synced.is_err() {
                    take_back(&kept, path);
                }
                return synced.map(|()| kept);
            }
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
    }
    Err(ErrorKind::AlreadyExists.into())
}

/// Removes the other name of the file at `path` again, which [`keep`] gave it, unless that is another file by now.
pub fn take_back(kept: &Path, path: &Path) {
    if File::open(kept).is_ok_and(|file| regular_file::is_at(&file, path)) {
        // As a name of the same file it takes no space.
        let _ = fs::remove_file(kept);
    }
}

fn copy(source: &mut File, mut target: &File, step: &mut dyn FnMut(u64, u64)) -> io::Result<()> {
    let length = source.metadata()?.len();
    let mut bytes = vec![0; COPY_BYTES];
    let mut copied = 0;
    loop {
        let count = source.read(&mut bytes)?;
        if count == 0 {
            break;
        }
        target.write_all(&bytes[..count])?;
        copied += count as u64;
        step(copied, length);
    }
    target.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_database_that_is_not_replaced_is_kept_under_no_other_name() {
        let home = tempfile::tempdir().expect("a temporary directory");
        let directory = DataDirectory::lock(home.path()).expect("the directory is free");
        let (database, unfinished) = (directory.database_path(), directory.unfinished_path());
        let kept = home.path().join("rememberd.redb.former");
        fs::write(&database, "former").expect("it is written");
        directory
            .replace("former")
            .expect_err("there is no unfinished one");
        assert!(database.exists() && !kept.exists());
        fs::write(&unfinished, "new").expect("it is written");
        assert_eq!(directory.replace("former"), Ok(Some(kept.clone())));
        let text = |path: &Path| fs::read_to_string(path).expect("it is there");
        assert_eq!(
            (text(&database).as_str(), text(&kept).as_str()),
            ("new", "former")
        );
        take_back(&kept, &database);
        assert!(kept.exists());
    }
}
