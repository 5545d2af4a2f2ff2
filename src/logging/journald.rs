//! Whether journald reads standard error.

use std::env;
use std::io;
use std::os::fd::AsFd;

use rustix::fs::fstat;

use crate::config::log::LogPriority;

/// The variable in which systemd names the device and the inode of the stream that it connected.
const STREAM: &str = "JOURNAL_STREAM";

/// Whether lines on standard error are to have priorities.
pub(super) fn reads(priority: LogPriority) -> bool {
    match priority {
        LogPriority::Always => true,
        LogPriority::Never => false,
        LogPriority::Auto => env::var(STREAM).is_ok_and(|stream| is_stream(io::stderr(), &stream)),
    }
}

/// Whether `file` is the stream `device:inode`. A process that was started with another standard error than the
/// service inherits the variable too.
fn is_stream(file: impl AsFd, stream: &str) -> bool {
    fstat(file).is_ok_and(|status| format!("{}:{}", status.st_dev, status.st_ino) == stream)
}
