//! A file of lines that a command writes.

use std::fmt::Display;
use std::fs::{File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use crate::cli::error::CommandError;

/// A file of lines. One that is created can be read by its owner alone.
pub struct LineFile {
    path: PathBuf,
    file: BufWriter<File>,
}

impl LineFile {
    /// Creates it, where nothing may be yet.
    ///
    /// # Errors
    ///
    /// Of the operating system.
    pub fn create_new(path: PathBuf) -> Result<Self, CommandError> {
        Self::open(path, OpenOptions::new().create_new(true))
    }

    /// Creates it, or empties what is there.
    ///
    /// # Errors
    ///
    /// Of the operating system.
    pub fn replace(path: PathBuf) -> Result<Self, CommandError> {
        Self::open(path, OpenOptions::new().create(true).truncate(true))
    }

    fn open(path: PathBuf, options: &mut OpenOptions) -> Result<Self, CommandError> {
        let opened = options.write(true).mode(0o600).open(&path);
        let file = opened.map_err(|error| CommandError::io(path.display(), &error))?;
        let file = BufWriter::new(file);
        Ok(Self { path, file })
    }

    /// Adds a line.
    ///
    /// # Errors
    ///
    /// Of the operating system.
    pub fn line(&mut self, line: impl Display) -> Result<(), CommandError> {
        let written = writeln!(self.file, "{line}");
        written.map_err(|error| CommandError::io(self.path.display(), &error))
    }

    /// Writes it durably, with its name.
    ///
    /// # Errors
    ///
    /// Of the operating system.
    pub fn close(mut self) -> Result<(), CommandError> {
        let written = self.file.flush();
        let synced = written.and_then(|()| sync(self.file.get_ref(), &self.path));
        synced.map_err(|error| CommandError::io(self.path.display(), &error))
    }
}

fn sync(file: &File, path: &Path) -> io::Result<()> {
    // A terminal or a pipe is not on a disk.
    if !file.metadata()?.is_file() {
        return Ok(());
    }
    file.sync_all()?;
    // A sync of a file does not cover its name.
    let directory = path.parent().filter(|path| !path.as_os_str().is_empty());
    File::open(directory.unwrap_or(Path::new(".")))?.sync_all()
}
