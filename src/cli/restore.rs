//! `rememberd restore`: a backup in the place of the database.

use std::io::{self, Write};
use std::path::{self, Path, PathBuf};

use clap::Command;

use crate::cli::arguments::{creating_data_settings, path_argument};
use crate::cli::command::{Arguments, CliCommand, FAILED, NOT_DONE};
use crate::cli::error::CommandError;
use crate::cli::owner::require_owner;
use crate::cli::terminal::progress::Progress;
use crate::clock::date;
use crate::clock::host::HostClock;
use crate::error::Failure;
use crate::storage::data_dir::DataDirectory;
use crate::storage::data_dir::stopped::{StoppedDatabase, open_unchanged};
use crate::storage::engine::opening::Opening;
use crate::storage::key_file::{self, KeyFile};
use crate::storage::pages::file::PageFile;
use crate::storage::regular_file;
use crate::tables::backup::complete::{Keys, complete};
use crate::tables::backup::copy::OPTIONS;
use crate::tables::backup::verify::{Verified, verify};

const NOTE: &str = "\
FILE is copied into the data directory, and the copy verified before it replaces anything. The former database is kept
beside the new one. FILE is a backup, or the database file of a server that was stopped, of this version or an earlier
one. No server may run meanwhile. If the command is killed, the former database or the new one is there: run it again.
Everything is as it was at the time of the backup: ended logins, revoked access tokens, disabled or deleted users, former
passwords and, if the keys are in the backup, dropped keys are there again. What the command prints at last names them.
Exit code: 0 if the database was restored, 1 if it was and a key is missing that logins in it need, or its keys could
not be put into the key file, 2 if it was not.

Examples:
  rememberd restore /backup/rememberd.redb
  rememberd restore /backup/rememberd.redb --data-dir /var/lib/rememberd";

/// What else is as it was, and lets somebody in who is to be kept out.
const REVIVED: &str = "\
Access tokens that were revoked, users that were disabled or deleted, passwords that were changed and keys that were
dropped since the backup are as they were, too: revoke, disable, delete, change and drop them again.";

/// Restores a backup.
pub const COMMAND: CliCommand = CliCommand {
    definition,
    run,
    error_code: NOT_DONE,
    has_log: false,
};

fn definition() -> Command {
    Command::new("restore")
        .about("Put a backup in the place of the database")
        .arg(path_argument("file", "FILE", "Backup to restore").required(true))
        .args(creating_data_settings())
        .after_help(NOTE)
}

fn run(mut arguments: Arguments) -> Result<bool, CommandError> {
    let data_dir = arguments.required_path("data_dir");
    let key_file = key_file::path(&data_dir, arguments.path("key_file").as_deref());
    restore(&arguments.required_path("file"), &data_dir, &key_file)
}

/// What became of the files.
struct Restored {
    data_dir: PathBuf,
    /// Where the former database is.
    former: Option<PathBuf>,
    keys: Keys,
}

/// Restores `from` into `data_dir`. Returns whether the keys that it needs are there.
///
/// # Errors
///
/// If it was not restored; with [`FAILED`] if it was, and the next start has to complete it.
fn restore(from: &Path, data_dir: &Path, key_file: &Path) -> Result<bool, CommandError> {
    let from = path::absolute(from).map_err(|error| CommandError::io(from.display(), &error))?;
    require_owner(data_dir)?;
    let directory = DataDirectory::lock(data_dir)?;
    let restored = restore_locked(&from, &directory, key_file);
    if restored.is_err() {
        // What cannot be removed is overwritten the next time.
        let _ = directory.remove_unfinished();
        // A directory that was created for a file that cannot be restored.
        directory.discard(&[]);
    }
    restored
}

fn restore_locked(
    from: &Path,
    directory: &DataDirectory,
    key_file: &Path,
) -> Result<bool, CommandError> {
    if directory.is_database(from) {
        let cause = "it is the database itself";
        return Err(CommandError::new(from.display(), cause));
    }
    // No server may write it meanwhile. The lock of its own directory is held already.
    let source = if directory.contains(from) {
        None
    } else {
        Some(StoppedDatabase::at(from)?)
    };
    let from = source.as_ref().map_or(from, |source| &source.file);
    // The keys of the backup are put into it once the database is replaced, which cannot be refused by then.
    KeyFile::look_at(key_file)?;
    let shown = from.display();
    // What is no database at all is refused without being copied.
    PageFile::open(from).map_err(|failure| failure.of_file(&shown.to_string()))?;
    let mut progress = Progress::new("copying");
    let unfinished = directory.copy_unfinished(from, &mut |done, of| {
        progress.show("bytes", done, of);
    })?;
    progress.next("verifying");
    // It is read from the disk, and is what becomes the database: FILE itself need not be read once more.
    let verified = verify(&unfinished, &mut progress.of_tables())
        .map_err(|failure| failure.of_file(&format!("{shown}: its copy is not right")))?;
    open_unchanged(&unfinished)
        .map_err(|failure| failure.of_file(&format!("{shown}: its copy cannot be opened")))?;
    progress.clear();
    let now = HostClock::system(None).read().wall;
    let former = directory.replace(&date::file_name(now))?;
    let (keys, own) = match complete_at(directory, key_file) {
        Ok(completed) => completed,
        Err(failure) => {
            let failure = not_completed(&failure, directory.path(), key_file, former.as_deref());
            return Err(failure);
        }
    };
    let restored = Restored {
        data_dir: directory.path().to_owned(),
        former,
        keys,
    };
    let missing = verified.missing_keys(&own);
    // Standard output may be closed; the outcome is the same.
    let _ = print(&restored, &verified, from, &own, &mut io::stdout().lock());
    Ok(missing.is_empty())
}

/// Makes a database of the backup that is in the place of one. Returns the key file as it is then, too.
fn complete_at(directory: &DataDirectory, key_file: &Path) -> Result<(Keys, KeyFile), Failure> {
    let engine = directory.open_database(&OPTIONS, Opening::Start, |_| Ok(()))?;
    let completed = complete(&engine, key_file);
    // So that the next start need not repair the database.
    engine.close()?;
    Ok((completed?, KeyFile::look_at(key_file)?))
}

/// The error that the backup is in the place of the database, but its keys are not in the key file.
fn not_completed(
    failure: &Failure,
    data_dir: &Path,
    key_file: &Path,
    former: Option<&Path>,
) -> CommandError {
    let (data_dir, key_file) = (data_dir.display(), key_file.display());
    let former = former.map_or_else(String::new, |former| {
        format!("; the former database is {}", former.display())
    });
    let error = CommandError::from(format!(
        "{failure}; the database in {data_dir} was replaced by the backup all the same, and the next start adds the keys \
         of the backup to {key_file} once that is mended{former}"
    ));
    error.with_exit_code(FAILED)
}

fn print(
    restored: &Restored,
    verified: &Verified,
    from: &Path,
    keys: &KeyFile,
    out: &mut impl Write,
) -> io::Result<()> {
    let (data_dir, from) = (restored.data_dir.display(), from.display());
    let key_file = keys.path().display();
    match &verified.origin {
        Some(origin) => writeln!(
            out,
            "{data_dir} was restored from {from}, a backup of {} of {}",
            origin.database,
            date::rfc_3339(origin.time)
        )?,
        None => writeln!(out, "{data_dir} was restored from {from}")?,
    }
    let entries = verified.entries();
    writeln!(out, "{entries} entries; every page and entry was verified.")?;
    if !verified.is_current() {
        writeln!(
            out,
            "It has schema version {}: its pages were verified, and its entries are by the next start, which upgrades it.",
            verified.schema
        )?;
    }
    if let Some(former) = &restored.former {
        writeln!(
            out,
            "The former database is {}: remove it once you do not need it.",
            former.display()
        )?;
    }
    match &restored.keys {
        Keys::None => {}
        Keys::Known => writeln!(out, "{key_file} has the keys of the backup already.")?,
        Keys::Added => writeln!(out, "The keys of the backup were added to {key_file}.")?,
        Keys::Replaced(kept) => writeln!(
            out,
            "The keys of the backup are in {key_file}, which had others: they are in {kept}."
        )?,
    }
    let is_apart = !regular_file::is_within(keys.path(), &restored.data_dir);
    if is_apart && restored.keys != Keys::None {
        writeln!(
            out,
            "They are in unused parts of the database file, too: remove them by \"rememberd compact --data-dir {data_dir}\"."
        )?;
    }
    for number in verified.missing_keys(keys) {
        writeln!(
            out,
            "Key {number}, which logins need, is not in {key_file}: restore that file too, or the next start is refused."
        )?;
    }
    writeln!(
        out,
        "Logins that were ended since the backup are there again: end them again. Those that were created since then are \
         gone. A login that was rotated since then goes on: its newer cookie is accepted."
    )?;
    writeln!(out, "{REVIVED}")
}
