//! What the commands of `admin` share: the server, and whether the operator means it.

use std::io::{self, IsTerminal, Write};

use crate::cli::command::{FAILED, NOT_DONE};
use crate::cli::error::CommandError;
use crate::cli::local::LocalServer;

/// One run of a command.
pub struct Session {
    /// The server.
    pub server: LocalServer,
    /// Whether JSON is printed.
    pub is_json: bool,
    /// Whether everything is confirmed already.
    pub is_confirmed: bool,
}

impl Session {
    /// Asks whether to do `what`, like "delete the tenant", unless that is confirmed already.
    ///
    /// # Errors
    ///
    /// If the answer is no, and if nobody can be asked.
    pub fn confirm(&self, what: &str) -> Result<(), CommandError> {
        if self.is_confirmed {
            return Ok(());
        }
        if !io::stdin().is_terminal() {
            let text = format!("to {what} takes a confirmation; --yes gives it");
            return Err(CommandError::from(text).with_exit_code(NOT_DONE));
        }
        // Standard output may be read by a program.
        let mut out = io::stderr();
        let asked = write!(out, "{what}? [y/N] ").and_then(|()| out.flush());
        let mut answer = String::new();
        let read = asked.and_then(|()| io::stdin().read_line(&mut answer));
        let is_yes = ["y", "yes"].contains(&answer.trim().to_ascii_lowercase().as_str());
        if read.is_ok() && is_yes {
            return Ok(());
        }
        let text = "nothing was done".to_owned();
        Err(CommandError::from(text).with_exit_code(FAILED))
    }
}
