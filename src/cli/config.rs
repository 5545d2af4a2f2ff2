//! `rememberd config`: the effective settings, and where each comes from.

use std::fmt::Write as _;
use std::io::{self, Write as _};

use clap::builder::Resettable;
use clap::{Arg, ArgAction, Args, Command};

use crate::cli::command::{Arguments, CliCommand, FAILED, NOT_DONE};
use crate::cli::database::check_files;
use crate::cli::error::CommandError;
use crate::cli::process::runtime::{or_report, start_log};
use crate::cli::settings::file::{SETTING, is_list, is_switch};
use crate::cli::settings::origins::{self, Origin, Origins};
use crate::cli::settings::prepared::{Prepared, check_backup_dir};
use crate::config::Config;
use crate::config::toml;

const NOTE: &str = "\
What is printed is a settings file itself. Every setting of \"rememberd serve\" is taken, as a flag, as a variable or in
the file. Passwords and tokens are in files of their own, of which only the names are settings.
Exit code: 0 if the settings are valid, 1 if they cannot be printed, 2 if they are not valid.

Examples:
  rememberd config --config /etc/rememberd/rememberd.toml
  rememberd config --config /etc/rememberd/rememberd.toml --check";

/// The argument that has the settings checked only.
const CHECK: &str = "check";

/// Prints or checks the settings.
pub const COMMAND: CliCommand = CliCommand {
    definition,
    run,
    error_code: NOT_DONE,
    has_log: false,
};

fn definition() -> Command {
    Config::augment_args(Command::new("config"))
        .mut_args(|setting| {
            let is_listed = setting.get_id() == SETTING;
            setting.hide(!is_listed)
        })
        .arg(
            Arg::new(CHECK)
                .long(CHECK)
                .action(ArgAction::SetTrue)
                // Else it is that of the last setting.
                .help_heading(Resettable::Reset)
                .help("Print nothing; read the files that settings name, as a start of the server does"),
        )
        .about("Print the effective settings, and where each comes from")
        .after_help(NOTE)
}

fn run(arguments: Arguments) -> Result<bool, CommandError> {
    let matches = arguments.0.clone();
    let (config, origins) = arguments.config()?;
    if matches.get_flag(CHECK) {
        let log = start_log(&config)?;
        let checked = Prepared::load(&config, &origins)
            .and_then(|_| check_files(&config, &origins))
            .and_then(|()| check_backup_dir(&config, &origins));
        let prepared = or_report(checked, &log);
        return match prepared {
            Some(()) => Ok(true),
            // It is reported.
            None => Err(CommandError::from("the settings are not valid".to_owned())),
        };
    }
    let mut text =
        String::from("# The effective settings of rememberd, and where each comes from.\n");
    let settings = Config::definitions();
    for setting in settings
        .get_arguments()
        .filter(|setting| setting.get_id() != SETTING)
    {
        // Text grows.
        let _ = writeln!(text, "{}", line(setting, &matches, &origins));
    }
    let mut out = io::stdout();
    let written = out.write_all(text.as_bytes()).and_then(|()| out.flush());
    written.map_err(|error| {
        CommandError::io("cannot write standard output", &error).with_exit_code(FAILED)
    })?;
    Ok(true)
}

/// The setting as a line of a settings file.
fn line(setting: &Arg, matches: &clap::ArgMatches, origins: &Origins) -> String {
    let id = setting.get_id().as_str();
    let name = origins::name(id);
    let values: Vec<String> = if is_switch(setting) {
        vec![matches.get_flag(id).to_string()]
    } else {
        let raw = matches.get_raw(id).into_iter().flatten();
        raw.map(|value| toml::value(&value.to_string_lossy()))
            .collect()
    };
    let origin = match origins.of(id) {
        Origin::Flag => format!("--{name}"),
        Origin::Variable => origins::variable(id),
        Origin::File(place) => place,
        Origin::Default => "default".to_owned(),
    };
    match &*values {
        [] => format!("# {name} is not set"),
        values if is_list(setting) => format!("{name} = [{}]  # {origin}", values.join(", ")),
        values => format!("{name} = {}  # {origin}", values.join(", ")),
    }
}
