//! A restart of the process in its place, once a large seed file is loaded.
//!
//! Loading fills the cache of pages and takes memory in many small pieces, which the allocator does not give back to
//! the host. The new program has the same process id, arguments and environment, and begins with none of it.

use std::env;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{self, Command};

use crate::cli::error::CommandError;
use crate::cli::process::signals::Signals;

/// What fewer entries leave in memory is little beside what serving takes.
const ENTRIES_MIN: usize = 10_000;

/// Has the process's id, and what was loaded, if the process restarted itself after it had loaded a seed file.
pub const VARIABLE: &str = "REMEMBERD_RESTARTED_AFTER_LOADING";

/// What was loaded of a seed file.
pub struct Loaded {
    /// How many entries of each kind, like "1 profile, 1 login".
    pub text: String,
    /// How many entries this program has loaded.
    pub entries: usize,
}

/// A restart that is due.
pub struct Restart {
    loaded: String,
    program: PathBuf,
    /// A signal that came meanwhile stops the process instead.
    signals: Signals,
}

impl Restart {
    /// Whether `loaded` calls for one.
    pub fn is_due(loaded: &Loaded) -> bool {
        loaded.entries >= ENTRIES_MIN && program().is_some()
    }

    /// The restart after `loaded`.
    pub fn new(loaded: &Loaded, signals: Signals) -> Self {
        Self {
            loaded: loaded.text.clone(),
            program: program().unwrap_or_default(),
            signals,
        }
    }

    /// Starts the program anew. Returns only if a signal came, or it cannot be started.
    ///
    /// # Errors
    ///
    /// Why it cannot be started.
    pub async fn run(mut self) -> Result<(), CommandError> {
        tokio::select! {
            biased;
            () = self.signals.next() => return Ok(()),
            () = std::future::ready(()) => {}
        }
        let mut arguments = env::args_os();
        let mut command = Command::new(&self.program);
        if let Some(name) = arguments.next() {
            command.arg0(name);
        }
        let error = command
            .args(arguments)
            .env(VARIABLE, format!("{} {}", process::id(), self.loaded))
            .exec();
        Err(CommandError::io(
            "the seed file is loaded, and the server could not be restarted; start it again",
            &error,
        ))
    }
}

/// What this process had loaded before it restarted itself, if it did.
pub fn loaded_before() -> Option<Loaded> {
    let value = env::var(VARIABLE).ok()?;
    let (id, text) = value.split_once(' ')?;
    let is_own = id.parse() == Ok(process::id());
    is_own.then(|| Loaded {
        text: text.to_owned(),
        entries: 0,
    })
}

/// The running program, if it is still where it was started.
fn program() -> Option<PathBuf> {
    env::current_exe().ok().filter(|program| program.is_file())
}
