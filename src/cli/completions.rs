//! `rememberd completions`: what lets a shell complete command lines.

use std::io::{self, Write};

use clap::builder::PossibleValuesParser;
use clap::{Arg, Command};
use clap_complete::Shell;

use crate::cli::COMMANDS;
use crate::cli::arguments::{PROGRAM, program};
use crate::cli::command::{Arguments, CliCommand, FAILED};
use crate::cli::error::CommandError;

const NOTE: &str = "\
Examples:
  rememberd completions bash > /usr/share/bash-completion/completions/rememberd
  rememberd completions zsh > /usr/share/zsh/vendor-completions/_rememberd
  rememberd completions fish > /usr/share/fish/vendor_completions.d/rememberd.fish";

/// Prints what completes the command lines of this program.
pub const COMMAND: CliCommand = CliCommand {
    definition,
    run,
    error_code: FAILED,
    has_log: false,
};

fn definition() -> Command {
    Command::new("completions")
        .about("Print what completes the command lines of this program in a shell")
        .after_help(NOTE)
        .arg(
            Arg::new("shell")
                .value_name("SHELL")
                .value_parser(PossibleValuesParser::new(["bash", "zsh", "fish"]))
                .required(true)
                .help("The shell"),
        )
}

fn run(mut arguments: Arguments) -> Result<bool, CommandError> {
    let shell = match arguments.required_text("shell").as_str() {
        "bash" => Shell::Bash,
        "zsh" => Shell::Zsh,
        _ => Shell::Fish,
    };
    let mut text = Vec::new();
    clap_complete::generate(shell, &mut program(false, &COMMANDS), PROGRAM, &mut text);
    let written = io::stdout().write_all(&text);
    written.map_err(|error| CommandError::io("cannot write to standard output", &error))?;
    Ok(true)
}
