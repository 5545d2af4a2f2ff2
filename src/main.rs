//! The executable: arguments → command → exit code.

use std::env;
use std::process::ExitCode;

use rememberd::cli;

fn main() -> ExitCode {
    cli::main(env::args_os().collect())
}
