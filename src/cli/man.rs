//! `rememberd man`: the manual pages.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::Path;

use clap::Command;
use clap::builder::Resettable;
use clap_mangen::Man;
use clap_mangen::roff::{Roff, roman};

use crate::cli::COMMANDS;
use crate::cli::arguments::{path_argument, program};
use crate::cli::command::{Arguments, CliCommand, FAILED};
use crate::cli::error::CommandError;
use crate::cli::note::{self, Part};
use crate::cli::terminal::output::print_line;

/// Writes the manual pages of this program.
pub const COMMAND: CliCommand = CliCommand {
    definition,
    run,
    error_code: FAILED,
    has_log: false,
};

fn definition() -> Command {
    let directory = path_argument(
        "directory",
        "DIR",
        "Directory, like /usr/share/man/man1; it is created if it is missing",
    );
    Command::new("man")
        .about("Write the manual pages of this program")
        .arg(directory.required(true))
}

fn run(mut arguments: Arguments) -> Result<bool, CommandError> {
    let directory = arguments.required_path("directory");
    // The commands are built with the names of their pages.
    let mut program = program(false, &COMMANDS).disable_help_subcommand(true);
    program.build();
    let written =
        fs::create_dir_all(&directory).and_then(|()| write_pages(&program, None, &directory));
    written.map_err(|error| CommandError::io(directory.display(), &error))?;
    print_line(format_args!(
        "wrote the manual pages to {}",
        directory.display()
    ));
    Ok(true)
}

/// Writes the page of a command and those of the commands below it. A command without exit codes of its own has
/// `exit_codes`, those of the command above it.
fn write_pages(command: &Command, exit_codes: Option<&str>, directory: &Path) -> io::Result<()> {
    let note = command.get_after_long_help();
    let note = note.or_else(|| command.get_after_help());
    let parts = note.map(|note| note::parts(&note.to_string()));
    let parts = parts.unwrap_or_default();
    let own = parts.iter().find_map(|part| match part {
        Part::ExitCodes(text) => Some(text.as_str()),
        Part::Paragraph(_) | Part::Examples(_) => None,
    });
    let exit_codes = own.or(exit_codes);
    for below in command.get_subcommands() {
        write_pages(below, exit_codes, directory)?;
    }
    let command = command
        .clone()
        // What stands below the help would be one section, EXTRA.
        .after_help(Resettable::Reset)
        .after_long_help(Resettable::Reset)
        // A setting that the short help leaves out would have no text.
        .mut_args(|setting| setting.hide_short_help(false));
    let page = Man::new(command);
    let mut file = File::create(directory.join(page.get_filename()))?;
    page.render(&mut file)?;
    sections(&parts, exit_codes).to_writer(&mut file)?;
    file.flush()
}

/// The exit codes and a note, as man-pages(7) has their sections.
fn sections(parts: &[Part], exit_codes: Option<&str>) -> Roff {
    let mut roff = Roff::new();
    if let Some(exit_codes) = exit_codes {
        roff.control("SH", ["EXIT STATUS"]);
        roff.text([roman(exit_codes)]);
    }
    let mut has_notes = false;
    for part in parts {
        match part {
            Part::Paragraph(text) => {
                if has_notes {
                    roff.control("PP", []);
                } else {
                    roff.control("SH", ["NOTES"]);
                }
                has_notes = true;
                roff.text([roman(text)]);
            }
            Part::Examples(lines) => {
                roff.control("SH", ["EXAMPLES"]);
                // As they are, line by line.
                roff.control("nf", []);
                for line in lines {
                    roff.text([roman(line)]);
                }
                roff.control("fi", []);
            }
            Part::ExitCodes(_) => {}
        }
    }
    roff
}
