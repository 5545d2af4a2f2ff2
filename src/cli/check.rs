//! `rememberd check`: what is damaged in a stopped or copied database.

use std::io::{self, Write};
use std::path::Path;

use clap::Command;

use crate::cli::arguments::{data_settings, path_argument};
use crate::cli::command::{Arguments, CliCommand, NOT_DONE};
use crate::cli::error::CommandError;
use crate::cli::terminal::list::print_list;
use crate::cli::terminal::progress::Progress;
use crate::storage::data_dir::stopped::StoppedDatabase;
use crate::storage::key_file::KeyFile;
use crate::storage::pages::file::PageFile;
use crate::tables::check::check;
use crate::tables::check::report::{Fault, Report};
use crate::tables::upgrade::SCHEMA_VERSION;

const NOTE: &str = "\
The database must not be in use: stop its server, or check a backup, which \"rememberd backup FILE\" makes while it runs.
Nothing is changed.
Exit code: 0 if no damage was found, 1 if there is some, 2 if the check could not be carried out.

Examples:
  rememberd check
  rememberd check --data-dir /var/lib/rememberd
  rememberd check /backup/rememberd.redb --key-file /backup/rememberd.keys";

/// Lists what is damaged.
pub const COMMAND: CliCommand = CliCommand {
    definition,
    run,
    error_code: NOT_DONE,
    has_log: false,
};

fn definition() -> Command {
    Command::new("check")
        .about("List what is damaged in a stopped or copied database")
        .arg(path_argument(
            "file",
            "FILE",
            "Database file; by default the one in the data directory",
        ))
        .args(data_settings())
        .after_help(NOTE)
}

fn run(mut arguments: Arguments) -> Result<bool, CommandError> {
    let data_dir = arguments.required_path("data_dir");
    let path = arguments.path("file").unwrap_or(data_dir);
    check_at(&path, arguments.path("key_file").as_deref())
}

/// Checks the database at `path`, a file or a data directory. Returns whether nothing is wrong with it.
///
/// # Errors
///
/// If it is in use, or cannot be read at all.
fn check_at(path: &Path, key_file: Option<&Path>) -> Result<bool, CommandError> {
    let database = StoppedDatabase::at(path)?;
    let keys = KeyFile::look_at(key_file.unwrap_or(&database.key_file))?;
    let file =
        PageFile::open(&database.file).map_err(|failure| failure.of_file(&database.name()))?;
    let mut progress = Progress::new("checking");
    let mut report = check(&file, &keys, &mut |table, done, of| {
        progress.show(table, done, of)
    });
    if report.is_fine()
        && let Err(failure) = database.open_unchanged()
    {
        if failure.is_locked() {
            return Err(failure.of_file(&database.name()).into());
        }
        report.add_damage(format!("the file cannot be opened: {failure}"));
    }
    progress.clear();
    // Standard output may be closed; the outcome is the same.
    let _ = print(
        &report,
        &database.name(),
        keys.path(),
        &mut io::stdout().lock(),
    );
    Ok(report.is_fine())
}

/// Prints a summary, and what is wrong. `key_file` is where the keys were looked for.
fn print(report: &Report, name: &str, key_file: &Path, out: &mut impl Write) -> io::Result<()> {
    writeln!(out, "{name}")?;
    for table in &report.tables {
        write!(out, "  {:<28} {:>10} entries", table.name, table.entries)?;
        if table.wrong > 0 {
            write!(out, ", {} wrong", table.wrong)?;
        }
        if table.pages > 0 {
            write!(out, ", {} damaged pages", table.pages)?;
        }
        writeln!(out)?;
    }
    if let Some(schema) = report.schema.filter(|schema| *schema < SCHEMA_VERSION) {
        writeln!(
            out,
            "It has schema version {schema}: its pages were checked, and its entries are by the next start, which \
             upgrades it."
        )?;
    }
    print_list(report.findings.iter().map(|finding| &finding.text), out)?;
    let (pages, count) = (report.pages, report.findings.len());
    let of_keys = report
        .findings
        .iter()
        .filter(|finding| finding.fault == Fault::Key);
    let of_keys = of_keys.count();
    if count == of_keys {
        writeln!(out, "No damage was found on {pages} pages.")?;
    } else {
        writeln!(
            out,
            "{count} faults were found on {pages} pages; \"rememberd salvage\" copies what is readable."
        )?;
    }
    if of_keys > 0 {
        writeln!(
            out,
            "The keys were read from {}: restore that file, or name the right one with --key-file.",
            key_file.display()
        )?;
    }
    Ok(())
}
