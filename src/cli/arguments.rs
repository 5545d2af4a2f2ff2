//! The command line.

use std::env;
use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::LazyLock;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Arg, ArgMatches, Args, Command, FromArgMatches, ValueHint, value_parser};

use crate::cli::command::{Arguments, CliCommand};
use crate::cli::note;
use crate::cli::settings::environment::{ignore_if_empty, refuse_files_of_values};
use crate::cli::settings::file::{self, SettingsFile};
use crate::cli::settings::origins::Origins;
use crate::config::Config;
use crate::config::data::DataConfig;
use crate::config::log::LogConfig;
use crate::tables::upgrade::SCHEMA_VERSION;

/// The name of the program.
pub const PROGRAM: &str = "rememberd";

/// Its version, and that of the schema of the databases that it writes.
static VERSION: LazyLock<String> = LazyLock::new(|| {
    let version = env!("CARGO_PKG_VERSION");
    format!("{version} (database schema {SCHEMA_VERSION})")
});

/// How many columns the help takes at most, and where there is no terminal.
const HELP_COLUMNS: usize = 100;

/// The settings that say where the key file is. The settings file may hold the others.
const KEY_FILE_SETTINGS: [&str; 3] = ["data_dir", "key_file", file::SETTING];

/// Why there is nothing to do. The texts end with a line break.
pub enum UsageError {
    /// The help or the version was asked for.
    Help(String),
    /// The command line, an environment variable or the settings file is not valid.
    Invalid(String),
}

/// Parses a command line, with the program's name first. Returns which of `commands` it names, and the arguments.
///
/// # Errors
///
/// If it asks for help only, and if it, an environment variable or the settings file is not valid.
pub fn parse<'c>(
    arguments: &[OsString],
    commands: &'c [CliCommand],
) -> Result<(&'c CliCommand, Arguments), UsageError> {
    let invalid = |cause| UsageError::Invalid(format!("error: {cause}\n"));
    // In the short help, the variables would take a second line for each setting.
    let is_short = arguments.iter().any(|argument| argument == "-h");
    let mut program = program(is_short, commands);
    let mut matches = matches(&mut program, arguments)?;
    refuse_files_of_values().map_err(invalid)?;
    let file = read_settings_file(&matches).map_err(invalid)?;
    if let Some(file) = &file {
        matches = self::matches(&mut with_defaults(program, file), arguments)?;
    }
    let (name, matches) = matches
        .remove_subcommand()
        .expect("clap requires a command");
    let command = find(commands, &name).expect("clap knows these commands only");
    Ok((command, Arguments(matches, file)))
}

fn matches(program: &mut Command, arguments: &[OsString]) -> Result<ArgMatches, UsageError> {
    let parsed = program.try_get_matches_from_mut(arguments);
    parsed.map_err(|error| usage_error(&error, arguments))
}

/// The settings file that the command or one below it is given.
fn read_settings_file(matches: &ArgMatches) -> Result<Option<SettingsFile>, String> {
    let mut matches = matches;
    while let Some((_, below)) = matches.subcommand() {
        matches = below;
    }
    // Not every command has the setting.
    let Ok(Some(path)) = matches.try_get_one::<PathBuf>(file::SETTING) else {
        return Ok(None);
    };
    let origins = Origins::new(matches.clone(), None);
    let name = origins.describe(file::SETTING, path.display());
    SettingsFile::read(path, &name).map(Some)
}

/// The command and all below it, with the values in `file` as the defaults of their settings.
fn with_defaults(command: Command, file: &SettingsFile) -> Command {
    command
        .mut_args(|argument| file.apply(argument))
        .mut_subcommands(|below| with_defaults(below, file))
}

fn find<'c>(commands: &'c [CliCommand], name: &str) -> Option<&'c CliCommand> {
    let mut commands = commands.iter();
    commands.find(|command| (command.definition)().get_name() == name)
}

/// The settings of the log in a command line that is not valid otherwise; `None` if they are not valid either, or its
/// command has no log.
pub fn log_settings(arguments: &[OsString], commands: &[CliCommand]) -> Option<LogConfig> {
    find(commands, arguments.get(1)?.to_str()?).filter(|command| command.has_log)?;
    let command = LogConfig::augment_args(Command::new("log")).mut_args(ignore_if_empty);
    let is_of_log = |flag: &str| {
        let flag = flag.strip_prefix("--");
        flag.is_some_and(|flag| {
            command
                .get_arguments()
                .any(|arg| arg.get_long() == Some(flag))
        })
    };
    let mut given = vec![OsString::from("log")];
    let mut arguments = arguments.iter();
    while let Some(argument) = arguments.next() {
        let text = argument.to_string_lossy();
        let (flag, value) = text
            .split_once('=')
            .map_or((&*text, None), |(flag, value)| (flag, Some(value)));
        if is_of_log(flag) {
            given.push(argument.clone());
            if value.is_none() {
                given.extend(arguments.next().cloned());
            }
        }
    }
    let mut matches = command.try_get_matches_from(given).ok()?;
    LogConfig::from_arg_matches_mut(&mut matches).ok()
}

/// The program with these commands. With `is_short`, the help is without environment variables.
pub fn program(is_short: bool, commands: &[CliCommand]) -> Command {
    let commands = commands.iter().map(|command| {
        let definition = (command.definition)();
        let note = definition.get_after_help().map(ToString::to_string);
        let definition = match note {
            Some(note) => definition.after_help(note::unwrapped(&note)),
            None => definition,
        };
        definition.mut_args(|setting| ignore_if_empty(setting).hide_env(is_short))
    });
    Command::new(PROGRAM)
        .version(VERSION.as_str())
        .max_term_width(HELP_COLUMNS)
        .about("Remember me that cannot be lost or stolen: persistent logins with durable token rotation")
        .subcommand_required(true)
        .arg_required_else_help(true)
        .subcommands(commands)
}

/// The settings that say where the database and its key file are, and the one that names the settings file, for a
/// command that creates no database.
pub fn data_settings() -> Vec<Arg> {
    let settings = creating_data_settings().into_iter();
    let settings = settings.map(|setting| match setting.get_id().as_str() {
        "data_dir" => setting.long_help("Directory of the database, which must be there"),
        _ => setting,
    });
    settings.collect()
}

/// The same, for a command that creates the directory if it is missing.
pub fn creating_data_settings() -> Vec<Arg> {
    let data = DataConfig::augment_args(Command::new("data"));
    let is_of_key_file = |setting: &&Arg| KEY_FILE_SETTINGS.contains(&setting.get_id().as_str());
    data.get_arguments()
        .filter(is_of_key_file)
        .cloned()
        .map(ignore_if_empty)
        .collect()
}

/// The argument `id`, shown as `name`, with a path.
pub fn path_argument(id: &'static str, name: &'static str, help: &'static str) -> Arg {
    Arg::new(id)
        .value_name(name)
        .value_parser(value_parser!(PathBuf))
        .value_hint(ValueHint::AnyPath)
        .help(help)
}

fn usage_error(error: &clap::Error, arguments: &[OsString]) -> UsageError {
    let text = error.to_string();
    if matches!(
        error.kind(),
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion
    ) {
        return UsageError::Help(text);
    }
    let variable = source_variable(error, arguments);
    UsageError::Invalid(match variable {
        Some((name, value)) => text.replacen("error: ", &format!("error: {name}={value}: "), 1),
        None => text,
    })
}

/// The environment variable, and its value, that an error about a value comes from; `None` if the value comes
/// from the command line.
fn source_variable(error: &clap::Error, arguments: &[OsString]) -> Option<(String, String)> {
    let Some(ContextValue::String(argument)) = error.get(ContextKind::InvalidArg) else {
        return None;
    };
    // Like `--cache-size <SIZE>`.
    let flag = argument.split(' ').next()?;
    let is_given = arguments
        .iter()
        .filter_map(|argument| argument.to_str())
        .any(|argument| {
            argument
                .strip_prefix(flag)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('='))
        });
    if is_given {
        return None;
    }
    let is_meant = |setting: &&Arg| setting.get_long() == flag.strip_prefix("--");
    let settings = Config::definitions();
    let name = settings.get_arguments().find(is_meant)?.get_env()?;
    let value = env::var_os(name)?;
    Some((
        name.to_string_lossy().into_owned(),
        value.to_string_lossy().into_owned(),
    ))
}
