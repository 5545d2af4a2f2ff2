//! A small file that is written as a whole: after a crash it is as before or complete.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// The end of the name of a file that is being written.
pub const UNFINISHED: &str = ".unfinished";

/// The mode of the file: only the owner may read it.
const FILE_MODE: u32 = 0o600;

/// A file that is on the disk under another name until it is published. It is removed if it is not.
#[derive(Debug)]
pub struct WholeFile {
    path: PathBuf,
    unfinished: PathBuf,
    is_published: bool,
}

impl WholeFile {
    /// Writes `bytes` for the file at `path`. Publishing it needs no more room on the disk.
    ///
    /// # Errors
    ///
    /// Those of the operating system.
    pub fn prepare(path: &Path, bytes: &[u8]) -> io::Result<Self> {
        let mut unfinished = path.to_owned().into_os_string();
        unfinished.push(UNFINISHED);
        let unfinished = PathBuf::from(unfinished);
        let mut file = OpenOptions::new()
            .create(true)
            .truncate(true)
            .write(true)
            .mode(FILE_MODE)
            .open(&unfinished)?;
        let prepared = Self {
            path: path.to_owned(),
            unfinished,
            is_published: false,
        };
        file.write_all(bytes)?;
        file.sync_all()?;
        Ok(prepared)
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
