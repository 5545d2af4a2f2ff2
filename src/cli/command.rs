//! What a command of the program is.

use std::path::PathBuf;
use std::time::Duration;

use clap::{ArgMatches, Command, FromArgMatches};

use crate::cli::error::CommandError;
use crate::cli::settings::file::SettingsFile;
use crate::cli::settings::origins::Origins;
use crate::config::Config;

/// The exit code of what was done, but not with the outcome that was hoped for: a check that found damage, a copy that
/// is not complete, a server that failed.
pub const FAILED: u8 = 1;

/// The exit code of a command line that is not valid, and of a check or a copy that could not be carried out.
pub const NOT_DONE: u8 = 2;

/// The exit code of a command for which neither a server answers nor a database can be opened.
pub const NO_CONNECTION: u8 = 3;

/// A command of the program. Each has a file of its own, and an entry in the list of [`main`](super::main).
pub struct CliCommand {
    /// Its name, its arguments and its help.
    pub definition: fn() -> Command,
    /// Does it. Returns whether it had the outcome that was hoped for; why not is reported already.
    pub run: fn(Arguments) -> Result<bool, CommandError>,
    /// The exit code if it fails with an error.
    pub error_code: u8,
    /// Whether it has a log, with the settings of one.
    pub has_log: bool,
}

/// The arguments of a command, and the settings file that holds some of them, if there is one.
pub struct Arguments(pub ArgMatches, pub Option<SettingsFile>);

impl Arguments {
    /// The path in the argument `id`, if it is given or has a default.
    pub fn path(&mut self, id: &str) -> Option<PathBuf> {
        self.0.remove_one(id)
    }

    /// The path in the argument `id`, which is required or has a default.
    pub fn required_path(&mut self, id: &str) -> PathBuf {
        let path = self.path(id);
        path.expect("clap refuses a command line without it")
    }

    /// The text in the argument `id`, if it is given.
    pub fn text(&mut self, id: &str) -> Option<String> {
        self.0.remove_one(id)
    }

    /// The text in the argument `id`, which is required.
    pub fn required_text(&mut self, id: &str) -> String {
        let text = self.text(id);
        text.expect("clap refuses a command line without it")
    }

    /// The texts in the argument `id`, which may be repeated.
    pub fn texts(&mut self, id: &str) -> Vec<String> {
        let texts = self.0.remove_many(id);
        texts.map(Iterator::collect).unwrap_or_default()
    }

    /// The number in the argument `id`, which is required.
    pub fn number(&mut self, id: &str) -> u32 {
        let number = self.0.remove_one(id);
        number.expect("clap refuses a command line without it")
    }

    /// Whether the switch `id` is given.
    pub fn switch(&self, id: &str) -> bool {
        self.0.get_flag(id)
    }

    /// The duration in the argument `id`, which has a default.
    pub fn duration(&mut self, id: &str) -> Duration {
        let duration = self.0.remove_one(id);
        duration.expect("it has a default")
    }

    /// The command below this one, of which one is required: its name, and its arguments.
    pub fn subcommand(mut self) -> (String, Self) {
        let found = self.0.remove_subcommand();
        let (name, matches) = found.expect("clap requires a command");
        (name, Self(matches, self.1))
    }

    /// All settings, and how each was given.
    ///
    /// # Errors
    ///
    /// If they do not fit together.
    pub fn config(mut self) -> Result<(Config, Origins), CommandError> {
        let origins = Origins::new(self.0.clone(), self.1);
        let config = Config::from_arg_matches_mut(&mut self.0);
        let config = config.map_err(|error| CommandError::from(error.to_string()))?;
        Ok((config, origins))
    }
}
