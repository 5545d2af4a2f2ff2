//! `rememberd check`: what is damaged in a stopped or copied database.

use std::io::{self, Write};
use std::path::Path;

use crate::cli::error::CommandError;
use crate::cli::list::print_list;
use crate::cli::progress::ProgressLine;
use crate::storage::data_dir::stopped::StoppedDatabase;
use crate::storage::key_file::KeyFile;
use crate::storage::pages::file::PageFile;
use crate::tables::check::check;
use crate::tables::check::report::Report;
use crate::tables::upgrade::SCHEMA_VERSION;

/// Checks the database at `path`, a file or a data directory. Returns whether nothing is wrong with it.
///
/// # Errors
///
/// If it is in use, or cannot be read at all.
pub fn run(path: &Path, key_file: Option<&Path>) -> Result<bool, CommandError> {
    let database = StoppedDatabase::at(path)?;
    let keys = KeyFile::look_at(key_file.unwrap_or(&database.key_file))?;
    let file =
        PageFile::open(&database.file).map_err(|failure| failure.of_file(&database.name()))?;
    let mut progress = ProgressLine::new("checking");
    let mut report = check(&file, &keys, &mut |table, done, of| {
        progress.show(table, done, of)
    });
    if report.is_fine()
        && let Err(failure) = database.open_unchanged()
    {
        report.add_damage(format!("the file cannot be opened: {failure}"));
    }
    progress.clear();
    // Standard output may be closed; the outcome is the same.
    let _ = print(&report, &database.name(), &mut io::stdout().lock());
    Ok(report.is_fine())
}

/// Prints a summary, and what is wrong.
fn print(report: &Report, name: &str, out: &mut impl Write) -> io::Result<()> {
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
    let pages = report.pages;
    if report.is_fine() {
        writeln!(out, "No damage was found on {pages} pages.")
    } else {
        let count = report.findings.len();
        writeln!(
            out,
            "{count} faults were found on {pages} pages; \"rememberd salvage\" copies what is readable."
        )
    }
}
