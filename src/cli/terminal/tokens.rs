//! The access tokens that were generated and not used yet: shown on a terminal, else named by their files.

use std::io::{self, IsTerminal};

use crate::cli::terminal::output::print_line;
use crate::service::bootstrap::token_file::UnusedToken;

/// Prints a line for each of `tokens`. Their ids are in files, so that nothing is lost if nobody reads it.
pub fn show(tokens: &[UnusedToken]) {
    let is_terminal = io::stdout().is_terminal();
    for token in tokens {
        let (application, path) = (&token.application, token.path.display());
        let id = if is_terminal {
            format!("{}, ", token.id.reveal())
        } else {
            String::new()
        };
        print_line(format_args!(
            "access token of {application:?}: {id}until its first use in {path}"
        ));
    }
}
