//! A small file that is written as a whole: after a crash it is as before or complete.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use crate::storage::regular_file;

/// The end of the name of a file that is being written.
pub const UNFINISHED: &str = ".unfinished";

/// A file that is on the disk under another name until it is published. It is removed if it is not.
#[derive(Debug)]
pub struct WholeFile {
    path: PathBuf,
    unfinished: PathBuf,
    /// Locked for as long as the unfinished name is its own.
    file: File,
    is_published: bool,
}

impl WholeFile {
    /// Begins to write the file at `path`. Whoever else begins with the same file waits until this is published or
    /// dropped: what is read of the file meanwhile is what is replaced.
    ///
    /// # Errors
    ///
    /// Those of the operating system.
    pub fn begin(path: &Path) -> io::Result<Self> {
        let unfinished = unfinished(path);
        let file = loop {
            let file = regular_file::open_to_lock(&unfinished)?;
            file.lock()?;
            // Whoever held the lock has published or removed the file: a lock of that one excludes nobody.
            if regular_file::is_at(&file, &unfinished) {
                break file;
            }
        };
        Ok(Self {
            path: path.to_owned(),
            unfinished,
            file,
            is_published: false,
        })
    }

    /// Begins to write the file at `path`, and writes `bytes`.
    ///
    /// # Errors
    ///
    /// Those of the operating system.
    pub fn prepare(path: &Path, bytes: &[u8]) -> io::Result<Self> {
        let file = Self::begin(path)?;
        file.write(bytes)?;
        Ok(file)
    }

    /// Writes `bytes`, which are all of the file. Publishing it needs no more room on the disk.
    ///
    /// # Errors
    ///
    /// Those of the operating system.
    pub fn write(&self, bytes: &[u8]) -> io::Result<()> {
        // An attempt that was killed may have left something.
        self.file.set_len(0)?;
        (&self.file).write_all(bytes)?;
        self.file.sync_all()
    }

    /// Gives it its name, durably. A file of that name is replaced.
    ///
    /// # Errors
    ///
    /// Those of the operating system.
    pub fn publish(mut self) -> io::Result<()> {
        fs::rename(&self.unfinished, &self.path)?;
        self.is_published = true;
        // A sync of a file does not cover its name.
        let directory = self.path.parent().unwrap_or(Path::new("/"));
        File::open(directory)?.sync_all()
    }
}

impl Drop for WholeFile {
    fn drop(&mut self) {
        if !self.is_published {
            let _ = fs::remove_file(&self.unfinished);
        }
    }
}

/// The path that the file for `path` has until it is published.
pub fn unfinished(path: &Path) -> PathBuf {
    let mut unfinished = path.to_owned().into_os_string();
    unfinished.push(UNFINISHED);
    PathBuf::from(unfinished)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_replaced_as_a_whole_or_left_as_it_is() {
        let home = tempfile::tempdir().expect("a temporary directory");
        let path = home.path().join("file");
        let count = || fs::read_dir(home.path()).expect("a directory").count();
        drop(WholeFile::prepare(&path, b"one").expect("it is written"));
        assert_eq!(count(), 0);
        for text in ["one", "another"] {
            let file = WholeFile::prepare(&path, text.as_bytes()).expect("it is written");
            file.publish().expect("it is renamed");
            assert_eq!(fs::read_to_string(&path).expect("it exists"), text);
            assert_eq!(count(), 1);
        }
    }
}
