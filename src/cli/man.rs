//! `rememberd man`: the manual pages.

use std::fs;

use clap::Command;

use crate::cli::COMMANDS;
use crate::cli::arguments::{path_argument, program};
use crate::cli::command::{Arguments, CliCommand, FAILED};
use crate::cli::error::CommandError;
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
    let written = fs::create_dir_all(&directory)
        .and_then(|()| clap_mangen::generate_to(program(false, &COMMANDS), &directory));
    written.map_err(|error| CommandError::io(directory.display(), &error))?;
    print_line(format_args!(
        "wrote the manual pages to {}",
        directory.display()
    ));
    Ok(true)
}
