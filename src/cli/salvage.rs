//! `rememberd salvage`: what is readable of a damaged database, as a new one.

use std::io::{self, Write};
use std::path::Path;

use clap::Command;

use crate::cli::arguments::{data_settings, path_argument};
use crate::cli::command::{Arguments, CliCommand, NOT_DONE};
use crate::cli::error::CommandError;
use crate::cli::owner::require_owner;
use crate::cli::terminal::list::print_list;
use crate::cli::terminal::progress::Progress;
use crate::entropy::Entropy;
use crate::error::Failure;
use crate::storage::data_dir::DataDirectory;
use crate::storage::data_dir::stopped::StoppedDatabase;
use crate::storage::engine::EngineOptions;
use crate::storage::key_file::KeyFile;
use crate::storage::pages::file::PageFile;
use crate::tables::check::check;
use crate::tables::check::report::{Fault, Finding, Report};
use crate::tables::salvage::{self, Copied};
use crate::tables::secret_key::KeySource;

const OPTIONS: EngineOptions = EngineOptions {
    cache_bytes: 64 << 20,
    two_phase_commit: false,
};

const NOTE: &str = "\
FROM is not changed, and must not be in use. Start a server on the new directory with --data-dir TO.
Exit code: 0 if everything was readable, 1 if something is lost, 2 if there is no new database.

Examples:
  rememberd salvage data/db data/db-salvaged
  rememberd salvage /backup/rememberd.redb /var/lib/rememberd-new --key-file /etc/rememberd.keys";

/// Copies what is readable.
pub const COMMAND: CliCommand = CliCommand {
    definition,
    run,
    error_code: NOT_DONE,
    has_log: false,
};

fn definition() -> Command {
    let settings = data_settings()
        .into_iter()
        .filter(|setting| setting.get_id() != "data_dir");
    Command::new("salvage")
        .about("Copy what is readable of a damaged database into a new one")
        .arg(
            path_argument(
                "from",
                "FROM",
                "Database file, or data directory, to copy from",
            )
            .required(true),
        )
        .arg(
            path_argument(
                "to",
                "TO",
                "New data directory; it must not exist or be empty",
            )
            .required(true),
        )
        .args(settings)
        .after_help(NOTE)
}

fn run(mut arguments: Arguments) -> Result<bool, CommandError> {
    let from = arguments.required_path("from");
    let to = arguments.required_path("to");
    salvage_to(&from, &to, arguments.path("key_file").as_deref())
}

/// Copies what is readable of the database at `from`, a file or a data directory, into the new data directory `to`.
/// Returns whether everything was readable.
///
/// # Errors
///
/// If `from` is in use or no table of it can be read, if `to` is not empty or cannot be written, and if the key file
/// lacks a key.
fn salvage_to(from: &Path, to: &Path, key_file: Option<&Path>) -> Result<bool, CommandError> {
    let source = StoppedDatabase::at(from)?;
    let of_source = |failure: Failure| failure.of_file(&source.name());
    let keys = KeyFile::look_at(key_file.unwrap_or(&source.key_file))?;
    let file = PageFile::open(&source.file).map_err(of_source)?;
    require_owner(to)?;
    let directory = DataDirectory::lock_empty(to)?;
    let keys = match key_file {
        // It stays where it is.
        Some(_) => keys,
        None => keys.copy_to(directory.path())?,
    };
    let target =
        |failure: Failure| failure.of_file(&directory.unfinished_path().display().to_string());

    let mut progress = Progress::new("copying");
    let mut show = |table: &str, done: u64, of: u64| progress.show(table, done, of);
    let engine = directory.create_unfinished(&OPTIONS)?;
    let copied = salvage::copy(&file, &engine, &mut show).map_err(|failure| match failure {
        Failure::Damaged(_) | Failure::Unusable(_) => of_source(failure),
        other => target(other),
    })?;
    let key_source = KeySource {
        path: keys.path().to_owned(),
        replaces_missing: false,
        entropy: Entropy::Os,
    };
    salvage::complete(engine, &key_source).map_err(target)?;
    // Those of a backup are in the file now.
    let keys = KeyFile::look_at(keys.path())?;
    let look = || PageFile::open(&directory.unfinished_path()).map_err(target);
    let found = check(&look()?, &keys, &mut show).findings;
    // A profile without its record was enabled unless the table of blocks has it.
    let is_mended = |finding: &Finding| finding.fault != Fault::Missing || copied.has_lost_blocks();
    let mends = found.into_iter().filter(is_mended);
    let mends: Vec<_> = mends.filter_map(|finding| finding.mend).collect();
    let engine = directory.open_unfinished(&OPTIONS)?;
    salvage::mend(&engine, &mends).map_err(target)?;
    engine.close().map_err(target)?;
    let report = check(&look()?, &keys, &mut show);
    progress.clear();
    let is_wrong = |finding: &&Finding| match finding.fault {
        Fault::Damage | Fault::Disagreement => true,
        Fault::Missing | Fault::Key => false,
    };
    if let Some(finding) = report.findings.iter().find(is_wrong) {
        return Err(CommandError::new(
            "the new database is not right",
            &finding.text,
        ));
    }
    directory.finish()?;
    let path = directory.path().display().to_string();
    // Standard output may be closed; the outcome is the same.
    let _ = print(
        &copied,
        &report,
        &source.name(),
        &path,
        &mut io::stdout().lock(),
    );
    Ok(copied.lost() == 0 && copied.damages.is_empty() && report.is_fine())
}

fn print(
    copied: &Copied,
    report: &Report,
    from: &str,
    to: &str,
    out: &mut impl Write,
) -> io::Result<()> {
    writeln!(out, "{from} was copied to {to}")?;
    for table in &copied.tables {
        write!(out, "  {:<28} {:>10} entries", table.name, table.copied)?;
        if table.found > 0 {
            write!(out, ", {} of them found by themselves", table.found)?;
        }
        if table.lost > 0 {
            write!(out, ", {} lost", table.lost)?;
        }
        writeln!(out)?;
    }
    if copied.is_earlier {
        writeln!(
            out,
            "The list of tables is damaged: an earlier one was used, so that logins that have ended since may be there \
             again."
        )?;
    }
    print_list(&copied.damages, out)?;
    let lost = |login: &String| format!("lost: {login}");
    print_list(copied.lost_logins.iter().map(lost), out)?;
    print_list(report.findings.iter().map(|finding| &finding.text), out)?;
    if report
        .tables
        .iter()
        .all(|table| table.name != "access_token" || table.entries == 0)
    {
        writeln!(
            out,
            "No access token is left: the next start creates a new one."
        )?;
    }
    let entries: u64 = report.tables.iter().map(|table| table.entries).sum();
    let lost = copied.lost();
    if lost == 0 {
        writeln!(
            out,
            "Nothing was lost; the new database has {entries} entries."
        )
    } else {
        writeln!(
            out,
            "{lost} entries were lost; the new database has {entries} entries."
        )
    }
}
