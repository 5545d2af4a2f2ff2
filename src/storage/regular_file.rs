//! Opening a file that a person named, if it is a regular one: a FIFO could block for ever, and a device has no end.

use std::fs::{self, File, FileType, OpenOptions};
use std::io::{self, ErrorKind};
use std::os::unix::fs::{FileTypeExt, MetadataExt, OpenOptionsExt};
use std::path::Path;

use rustix::fs::OFlags;

/// The mode of a file that only its owner may read.
const OWNER_ONLY: u32 = 0o600;

/// Opens the file for reading.
///
/// # Errors
///
/// Of the operating system, and [`ErrorKind::InvalidInput`] with the kind of file if it is not a regular one.
pub fn open(path: &Path) -> io::Result<File> {
    open_with(path, OpenOptions::new().read(true))
}

/// Opens the file with `options`, whose flags are replaced.
///
/// # Errors
///
/// As [`open`].
pub fn open_with(path: &Path, options: &mut OpenOptions) -> io::Result<File> {
    // Opening a device can do something, and opening a socket fails like a disk that does not respond.
    if let Ok(metadata) = fs::metadata(path) {
        refuse_others(metadata.file_type())?;
    }
    // The flag changes nothing for regular files; without it, opening a FIFO waits for its other end.
    let flags = i32::try_from(OFlags::NONBLOCK.bits()).map_err(io::Error::other)?;
    let file = options.custom_flags(flags).open(path)?;
    refuse_others(file.metadata()?.file_type())?;
    Ok(file)
}

/// Opens the file to be locked, which is created if it is missing, readable by its owner alone.
///
/// # Errors
///
/// As [`open`].
pub fn open_to_lock(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.create(true).truncate(false).write(true);
    open_with(path, options.mode(OWNER_ONLY))
}

/// Refuses what is not a regular file.
///
/// # Errors
///
/// [`ErrorKind::InvalidInput`] with the kind of file.
pub fn refuse_others(file_type: FileType) -> io::Result<()> {
    if file_type.is_file() {
        return Ok(());
    }
    let kind = if file_type.is_dir() {
        "a directory"
    } else if file_type.is_fifo() {
        "a FIFO"
    } else if file_type.is_socket() {
        "a socket"
    } else {
        "a device"
    };
    let cause = format!("it is {kind}, not a regular file");
    Err(io::Error::new(ErrorKind::InvalidInput, cause))
}

/// Whether there is a regular file at `path`, and no symbolic link to one.
pub fn is_file(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok_and(|metadata| metadata.is_file())
}

/// Whether `file` is the one at `path`, or the one that a symbolic link there leads to.
pub fn is_at(file: &File, path: &Path) -> bool {
    let identity = |metadata: fs::Metadata| (metadata.dev(), metadata.ino());
    match (file.metadata(), fs::metadata(path)) {
        (Ok(file), Ok(found)) => identity(file) == identity(found),
        (Err(_), _) | (_, Err(_)) => false,
    }
}

/// Whether the file at `path` is in `directory`.
pub fn is_within(path: &Path, directory: &Path) -> bool {
    let canonical = |path: &Path| path.canonicalize().ok();
    let parent = path.parent().and_then(canonical);
    parent.is_some() && parent == canonical(directory)
}

/// How many bytes the file at `path` has.
///
/// # Errors
///
/// Of the operating system.
pub fn length(path: &Path) -> io::Result<u64> {
    Ok(fs::metadata(path)?.len())
}
