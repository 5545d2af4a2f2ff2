//! The access tokens that were generated and not used yet: shown on a terminal, else named by their files.

use std::io::{self, IsTerminal, Write};

use crate::service::bootstrap::token_file::UnusedToken;

/// Prints a line for each of `tokens`. Their ids are in files, so that nothing is lost if nobody reads it.
pub fn show(tokens: &[UnusedToken]) {
    let mut out = io::stdout().lock();
    let is_terminal = out.is_terminal();
    for token in tokens {
        let (application, path) = (&token.application, token.path.display());
        let _ = if is_terminal {
            let id = token.id.reveal();
            writeln!(
                out,
                "access token of {application:?}: {id}, until its first use in {path}"
            )
        } else {
            writeln!(
                out,
                "access token of {application:?}: until its first use in {path}"
            )
        };
    }
}
