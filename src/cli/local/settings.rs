//! How a command reaches the server that uses a data directory.

use std::path::{self, PathBuf};
use std::time::Duration;

use clap::Arg;

use crate::cli::arguments::data_settings;
use crate::cli::command::Arguments;
use crate::cli::error::CommandError;
use crate::cli::settings::file::SettingsFile;
use crate::config::value::duration;

/// How to reach a server.
#[derive(Clone, Debug)]
pub struct LocalSettings {
    /// The data directory, an absolute path.
    pub data_dir: PathBuf,
    /// The key file, if it is not in the data directory.
    pub key_file: Option<PathBuf>,
    /// The file with the settings of the server, if it has one.
    pub settings_file: Option<SettingsFile>,
    /// How long to wait for a response to begin, and for each next part of it.
    pub timeout: Duration,
}

impl LocalSettings {
    /// The arguments that they are in.
    pub fn arguments() -> Vec<Arg> {
        let timeout = Arg::new("timeout")
            .long("timeout")
            .value_name("DURATION")
            .value_parser(duration)
            .default_value("60s")
            .help("How long to wait for the server");
        let mut arguments = data_settings();
        arguments.push(timeout);
        arguments
    }

    /// Takes them from the arguments.
    ///
    /// # Errors
    ///
    /// If there is no working directory in which the data directory is looked for.
    pub fn take(arguments: &mut Arguments) -> Result<Self, CommandError> {
        let data_dir = arguments.required_path("data_dir");
        let data_dir = path::absolute(&data_dir)
            .map_err(|error| CommandError::io(data_dir.display(), &error))?;
        Ok(Self {
            data_dir,
            key_file: arguments.path("key_file"),
            settings_file: arguments.1.clone(),
            timeout: arguments.duration("timeout"),
        })
    }
}
