//! What the commands of `admin` share: the server, and whether the operator means it.

use std::cell::RefCell;
use std::io::{self, ErrorKind, IsTerminal, Write};

use tokio::task::spawn_blocking;

use crate::cli::command::NOT_DONE;
use crate::cli::error::CommandError;
use crate::cli::local::LocalServer;
use crate::error::describe;

/// One run of a command.
pub struct Session<'s> {
    /// The server.
    pub server: &'s LocalServer,
    /// Whether JSON is printed.
    pub is_json: bool,
    /// Whether everything is confirmed already.
    pub is_confirmed: bool,
    /// Why a line could not be printed.
    pub unwritten: RefCell<Option<io::Error>>,
}

impl Session<'_> {
    /// Asks whether to do `what`, like "delete the tenant", unless that is confirmed already.
    ///
    /// # Errors
    ///
    /// If the answer is no, and if nobody can be asked.
    pub async fn confirm(&self, what: &str) -> Result<(), CommandError> {
        if self.is_confirmed {
            return Ok(());
        }
        if !io::stdin().is_terminal() {
            let text = format!("it takes a confirmation to {what}; --yes gives it");
            return Err(CommandError::from(text).with_exit_code(NOT_DONE));
        }
        let question = format!("{what}? [y/N] ");
        if ask(move || Ok(is_yes(&question))).await? {
            return Ok(());
        }
        Err("nothing was done".to_owned().into())
    }

    /// Fails if something could not be printed. What was done is done, and with `has_secret` a secret of it is lost.
    ///
    /// # Errors
    ///
    /// What is lost, and why.
    pub fn require_written(&self, has_secret: bool) -> Result<(), CommandError> {
        match &*self.unwritten.borrow() {
            Some(error) if has_secret => {
                let what =
                    "the access token was created, but its id could not be written; revoke it";
                Err(CommandError::io(what, error))
            }
            // Whoever closes a pipe wants no more of a list.
            Some(error) if error.kind() != ErrorKind::BrokenPipe => {
                let cause = describe(error);
                let text = format!("it is done, but standard output could not be written: {cause}");
                Err(text.into())
            }
            Some(_) | None => Ok(()),
        }
    }
}

/// Asks a person on a thread of its own: a signal is obeyed meanwhile.
///
/// # Errors
///
/// What `question` fails with.
pub async fn ask<T: Send + 'static>(
    question: impl FnOnce() -> Result<T, CommandError> + Send + 'static,
) -> Result<T, CommandError> {
    let asked = spawn_blocking(question).await;
    asked.unwrap_or_else(|error| Err(CommandError::new("cannot ask", error)))
}

fn is_yes(question: &str) -> bool {
    // Standard output may be read by a program.
    let mut out = io::stderr();
    let asked = write!(out, "{question}").and_then(|()| out.flush());
    let mut answer = String::new();
    let read = asked.and_then(|()| io::stdin().read_line(&mut answer));
    read.is_ok() && ["y", "yes"].contains(&answer.trim().to_ascii_lowercase().as_str())
}
