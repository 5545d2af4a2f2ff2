//! How each setting was given.

use std::fmt;

use clap::ArgMatches;
use clap::parser::ValueSource;

/// How each setting was given, so that a message names it as its user wrote it.
pub struct Origins(ArgMatches);

impl Origins {
    /// How the settings in `matches` were given.
    pub fn new(matches: ArgMatches) -> Self {
        Self(matches)
    }

    /// The setting with the field name `id` and `value`, like `--seed FILE`, or `REMEMBERD_SEED=FILE` if it was
    /// given by its environment variable.
    pub fn describe(&self, id: &str, value: impl fmt::Display) -> String {
        match self.0.value_source(id) {
            Some(ValueSource::EnvVariable) => format!("REMEMBERD_{}={value}", id.to_uppercase()),
            Some(_) | None => format!("--{} {value}", id.replace('_', "-")),
        }
    }
}
