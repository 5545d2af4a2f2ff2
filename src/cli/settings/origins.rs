//! How each setting was given.

use std::fmt;

use clap::ArgMatches;
use clap::parser::ValueSource;

use crate::cli::settings::file::SettingsFile;

/// How each setting was given, so that a message names it as its user wrote it.
pub struct Origins {
    matches: ArgMatches,
    file: Option<SettingsFile>,
}

/// How a setting was given.
pub enum Origin {
    /// By its flag.
    Flag,
    /// By its environment variable.
    Variable,
    /// In the settings file, here: its name and the line.
    File(String),
    /// Not at all.
    Default,
}

impl Origins {
    /// How the settings in `matches` were given, some of them in `file`.
    pub fn new(matches: ArgMatches, file: Option<SettingsFile>) -> Self {
        Self { matches, file }
    }

    /// How the setting with the field name `id` was given.
    pub fn of(&self, id: &str) -> Origin {
        match self.matches.value_source(id) {
            Some(ValueSource::CommandLine) => Origin::Flag,
            Some(ValueSource::EnvVariable) => Origin::Variable,
            Some(_) | None => {
                let place = self.file.as_ref().and_then(|file| file.place(id));
                place.map_or(Origin::Default, Origin::File)
            }
        }
    }

    /// The setting with the field name `id` and `value`, like `--seed FILE`, or `REMEMBERD_SEED=FILE` if it was
    /// given by its environment variable, or with its place in the settings file.
    pub fn describe(&self, id: &str, value: impl fmt::Display) -> String {
        match self.of(id) {
            Origin::Variable => format!("{}={value}", variable(id)),
            Origin::File(place) => format!("{place}: {} = {value}", name(id)),
            Origin::Flag | Origin::Default => format!("--{} {value}", name(id)),
        }
    }
}

/// The variable of the setting with the field name `id`.
pub fn variable(id: &str) -> String {
    format!("REMEMBERD_{}", id.to_uppercase())
}

/// The name of the setting with the field name `id`, as in its flag.
pub fn name(id: &str) -> String {
    id.replace('_', "-")
}
