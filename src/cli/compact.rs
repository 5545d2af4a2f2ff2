//! `rememberd compact`: the database without the space that it does not use.

use std::io::{self, Write};
use std::path::Path;

use bytesize::ByteSize;
use clap::Command;

use crate::cli::arguments::data_settings;
use crate::cli::command::{Arguments, CliCommand, NOT_DONE};
use crate::cli::error::CommandError;
use crate::cli::owner::require_owner;
use crate::cli::terminal::progress::Progress;
use crate::storage::data_dir::DataDirectory;
use crate::storage::data_dir::stopped::open_unchanged;
use crate::storage::engine::opening::Opening;
use crate::tables::backup::copy::{OPTIONS, copy_all};
use crate::tables::backup::record::TABLE_NAME;
use crate::tables::backup::verify::{compare, verify};

const NOTE: &str = "\
No server may run meanwhile. The database is copied within its directory, which needs room for the copy; that is verified,
and takes the place of the database. If the command is killed, the former database or the new one is there.
Exit code: 0 if that was done, 2 if not.

Examples:
  rememberd compact
  rememberd compact --data-dir /var/lib/rememberd";

/// Compacts the database.
pub const COMMAND: CliCommand = CliCommand {
    definition,
    run,
    error_code: NOT_DONE,
    has_log: false,
};

fn definition() -> Command {
    // It needs no key.
    let settings = data_settings()
        .into_iter()
        .filter(|setting| setting.get_id() != "key_file");
    Command::new("compact")
        .about("Give back the space that a stopped database does not use")
        .args(settings)
        .after_help(NOTE)
}

fn run(mut arguments: Arguments) -> Result<bool, CommandError> {
    compact(&arguments.required_path("data_dir"))
}

/// Compacts the stopped database in `data_dir`.
///
/// # Errors
///
/// If it was not compacted: the former database is there.
fn compact(data_dir: &Path) -> Result<bool, CommandError> {
    require_owner(data_dir)?;
    let directory = DataDirectory::lock(data_dir)?;
    let compacted = compact_locked(&directory);
    if compacted.is_err() {
        // What cannot be removed is overwritten the next time.
        let _ = directory.remove_unfinished();
        directory.discard(&[]);
    }
    compacted
}

fn compact_locked(directory: &DataDirectory) -> Result<bool, CommandError> {
    let of_source = |failure| CommandError::opening(failure, directory.path());
    let engine = directory
        .open_database(&OPTIONS, Opening::Start, |_| Ok(()))
        .map_err(of_source)?;
    let before = directory.database_bytes()?;
    let mut progress = Progress::new("copying");
    let target = directory.unfinished_path();
    let failed = |failure| CommandError::copying(failure, directory.path(), &target);
    let mut copy = directory.create_unfinished(&OPTIONS)?;
    let snapshot = engine.begin_read().map_err(of_source)?;
    let mut copied = copy_all(&snapshot, &copy, &mut progress.of_tables()).map_err(failed)?;
    drop(snapshot);
    // It grew in large steps.
    copy.trim().map_err(failed)?;
    copy.close().map_err(failed)?;
    engine.close().map_err(failed)?;
    progress.next("verifying");
    let verified = verify(&target, &mut progress.of_tables()).map_err(failed)?;
    open_unchanged(&target).map_err(failed)?;
    // That of backups is compared by itself.
    copied.retain(|(name, _)| name != TABLE_NAME);
    compare(&copied, &verified.tables).map_err(failed)?;
    progress.clear();
    directory.finish()?;
    let size = |bytes| ByteSize(bytes).to_string_as(true);
    // Standard output may be closed; the outcome is the same.
    let _ = writeln!(
        io::stdout(),
        "{} was compacted from {} to {}; every page and entry was verified.",
        directory.database_path().display(),
        size(before),
        size(directory.database_bytes()?)
    );
    Ok(true)
}
