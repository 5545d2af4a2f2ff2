//! The executable: arguments → command → exit code.

use std::io::{self, Write};
use std::process::ExitCode;

use clap::Parser;
use rememberd::cli::{self, Cli};

fn main() -> ExitCode {
    match cli::run(Cli::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(stopped) => {
            // Standard error may be closed; the exit code tells all the same.
            let _ = writeln!(io::stderr(), "rememberd: {stopped}");
            ExitCode::FAILURE
        }
    }
}
