//! The command line, and how each setting was given.

use std::env;
use std::ffi::OsString;
use std::fmt;
use std::path::PathBuf;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::parser::ValueSource;
use clap::{Arg, ArgMatches, Args, Command, FromArgMatches, value_parser};

use crate::cli::environment::ignore_if_empty;
use crate::config::data::DataConfig;
use crate::config::log::LogConfig;
use crate::config::{Config, HELP_NOTE};

/// The names of the commands.
const SERVE: &str = "serve";
const INIT: &str = "init";
const CHECK: &str = "check";
const SALVAGE: &str = "salvage";
const KEY: &str = "key";
const ROTATE: &str = "rotate";

const INIT_NOTE: &str = "\
The key file is created too, if it has no key. An access token whose id is generated is in a file of the data directory,
mode 0600, until its first use. The other settings of \"rememberd serve\" are taken too.

Examples:
  rememberd init --data-dir /var/lib/rememberd
  rememberd init --data-dir /var/lib/rememberd --seed seed.json --key-file /etc/rememberd.keys";

const CHECK_NOTE: &str = "\
The database must not be in use: stop its server, or check a copy that was made while it was stopped. Nothing is changed.
Exit code: 0 if no damage was found, 1 if there is some, 2 if the check could not be carried out.

Examples:
  rememberd check
  rememberd check --data-dir /var/lib/rememberd
  rememberd check /backup/rememberd.redb --key-file /backup/rememberd.keys";

const SALVAGE_NOTE: &str = "\
FROM is not changed, and must not be in use. Start a server on the new directory with --data-dir TO.
Exit code: 0 if everything was readable, 1 if something is lost, 2 if there is no new database.

Examples:
  rememberd salvage data/db data/db-salvaged
  rememberd salvage /backup/rememberd.redb /var/lib/rememberd-new --key-file /etc/rememberd.keys";

/// The settings that the help of `init` lists.
const INIT_SETTINGS: [&str; 3] = ["data_dir", "key_file", "seed"];

/// The settings that say where the key file is.
const KEY_FILE_SETTINGS: [&str; 2] = ["data_dir", "key_file"];

/// A command with its arguments.
pub enum Invocation {
    /// Serve until a signal.
    Serve(Box<Config>, Origins),
    /// Create a database.
    Init(Box<Config>, Origins),
    /// List what is damaged in a database.
    Check {
        /// A database file or a data directory.
        path: PathBuf,
        /// The key file, if it is elsewhere.
        key_file: Option<PathBuf>,
    },
    /// Copy what is readable of a database.
    Salvage {
        /// A database file or a data directory.
        from: PathBuf,
        /// The new data directory.
        to: PathBuf,
        /// The key file, if it is elsewhere.
        key_file: Option<PathBuf>,
    },
    /// Add a key to the key file.
    RotateKey {
        /// The data directory.
        data_dir: PathBuf,
        /// The key file, if it is elsewhere.
        key_file: Option<PathBuf>,
    },
}

/// Why there is nothing to do. The texts end with a line break.
pub enum UsageError {
    /// The help or the version was asked for.
    Help(String),
    /// The command line or an environment variable is not valid.
    Invalid(String),
}

/// How each setting was given, so that a message names it as its user wrote it.
pub struct Origins(ArgMatches);

impl Origins {
    /// The setting with the field name `id` and `value`, like `--seed FILE`, or `REMEMBERD_SEED=FILE` if it was
    /// given by its environment variable.
    pub fn describe(&self, id: &str, value: impl fmt::Display) -> String {
        match self.0.value_source(id) {
            Some(ValueSource::EnvVariable) => format!("REMEMBERD_{}={value}", id.to_uppercase()),
            Some(_) | None => format!("--{} {value}", id.replace('_', "-")),
        }
    }
}

/// Parses a command line, with the program's name first.
///
/// # Errors
///
/// If it asks for help only, and if it or an environment variable is not valid.
pub fn parse(arguments: &[OsString]) -> Result<Invocation, UsageError> {
    let mut command = command(arguments);
    let mut matches = command
        .try_get_matches_from_mut(arguments)
        .map_err(|error| usage_error(&error, &command, arguments))?;
    let (name, mut matches) = matches
        .remove_subcommand()
        .expect("clap requires a command");
    let path = |matches: &mut ArgMatches, name: &str| matches.remove_one::<PathBuf>(name);
    if name == CHECK {
        let file = path(&mut matches, "file");
        let data_dir = path(&mut matches, "data_dir");
        return Ok(Invocation::Check {
            path: file.or(data_dir).expect("the setting has a default"),
            key_file: path(&mut matches, "key_file"),
        });
    }
    if name == SALVAGE {
        return Ok(Invocation::Salvage {
            from: path(&mut matches, "from").expect("it is required"),
            to: path(&mut matches, "to").expect("it is required"),
            key_file: path(&mut matches, "key_file"),
        });
    }
    if name == KEY {
        let (_, mut matches) = matches
            .remove_subcommand()
            .expect("clap requires a command");
        return Ok(Invocation::RotateKey {
            data_dir: matches
                .remove_one("data_dir")
                .expect("the setting has a default"),
            key_file: matches.remove_one("key_file"),
        });
    }
    let origins = Origins(matches.clone());
    let config = Config::from_arg_matches_mut(&mut matches)
        .map_err(|error| usage_error(&error, &command, arguments))?;
    let invocation = if name == INIT {
        Invocation::Init
    } else {
        Invocation::Serve
    };
    Ok(invocation(Box::new(config), origins))
}

/// The settings of the log in a command line that is not valid otherwise; `None` if they are not valid either, or its
/// command has no log.
pub fn log_settings(arguments: &[OsString]) -> Option<LogConfig> {
    let name = arguments.get(1)?;
    if name != SERVE && name != INIT {
        return None;
    }
    let command = LogConfig::augment_args(Command::new(SERVE)).mut_args(ignore_if_empty);
    let is_of_log = |flag: &str| {
        let flag = flag.strip_prefix("--");
        flag.is_some_and(|flag| {
            command
                .get_arguments()
                .any(|arg| arg.get_long() == Some(flag))
        })
    };
    let mut given = vec![OsString::from(SERVE)];
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

fn command(arguments: &[OsString]) -> Command {
    // In the short help, the variables would take a second line for each setting.
    let is_short = arguments.iter().any(|argument| argument == "-h");
    let serve = Config::augment_args(Command::new(SERVE))
        .mut_args(|setting| ignore_if_empty(setting).hide_env(is_short))
        .about("Serve the REST API until SIGTERM or Ctrl-C")
        .after_help(HELP_NOTE);
    Command::new("rememberd")
        .version(env!("CARGO_PKG_VERSION"))
        .about("Remember me that cannot be lost or stolen: persistent logins with durable token rotation")
        .subcommand_required(true)
        .arg_required_else_help(true)
        .subcommand(serve)
        .subcommand(init_command())
        .subcommand(check_command())
        .subcommand(salvage_command())
        .subcommand(key_command())
}

/// It takes every setting, so that it can be run with the environment of the server.
fn init_command() -> Command {
    Config::augment_args(Command::new(INIT))
        .mut_args(|setting| {
            let is_listed = INIT_SETTINGS.contains(&setting.get_id().as_str());
            ignore_if_empty(setting).hide(!is_listed)
        })
        .about("Create a database, which \"serve --no-create\" requires")
        .after_help(INIT_NOTE)
}

/// The settings that say where the database and its key file are.
fn data_settings() -> Vec<Arg> {
    let data = DataConfig::augment_args(Command::new("data"));
    let is_of_key_file = |setting: &&Arg| KEY_FILE_SETTINGS.contains(&setting.get_id().as_str());
    data.get_arguments()
        .filter(is_of_key_file)
        .cloned()
        .map(ignore_if_empty)
        .collect()
}

fn path_argument(id: &'static str, name: &'static str, help: &'static str) -> Arg {
    Arg::new(id)
        .value_name(name)
        .value_parser(value_parser!(PathBuf))
        .help(help)
}

fn check_command() -> Command {
    Command::new(CHECK)
        .about("List what is damaged in a stopped or copied database")
        .arg(path_argument(
            "file",
            "FILE",
            "Database file; by default the one in the data directory",
        ))
        .args(data_settings())
        .after_help(CHECK_NOTE)
}

fn salvage_command() -> Command {
    let key_file = data_settings()
        .into_iter()
        .filter(|setting| setting.get_id() == "key_file");
    Command::new(SALVAGE)
        .about("Copy what is readable of a damaged database into a new one")
        .arg(
            path_argument(
                "from",
                "FROM",
                "Database file, or data directory, to copy from",
            )
            .required(true),
        )
        .arg(
            path_argument(
                "to",
                "TO",
                "New data directory; it must not exist or be empty",
            )
            .required(true),
        )
        .args(key_file)
        .after_help(SALVAGE_NOTE)
}

fn key_command() -> Command {
    let settings = data_settings();
    let rotate = Command::new(ROTATE)
        .about(
            "Add a key; logins move to it with their next rotation after the server's next start",
        )
        .args(settings);
    Command::new(KEY)
        .about("Manage the secret keys")
        .subcommand_required(true)
        .arg_required_else_help(true)
        .subcommand(rotate)
}

fn usage_error(error: &clap::Error, command: &Command, arguments: &[OsString]) -> UsageError {
    let text = error.to_string();
    if matches!(
        error.kind(),
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion
    ) {
        return UsageError::Help(text);
    }
    let variable = source_variable(error, command, arguments);
    UsageError::Invalid(match variable {
        Some((name, value)) => text.replacen("error: ", &format!("error: {name}={value}: "), 1),
        None => text,
    })
}

/// The environment variable, and its value, that an error about a value comes from; `None` if the value comes
/// from the command line.
fn source_variable(
    error: &clap::Error,
    command: &Command,
    arguments: &[OsString],
) -> Option<(String, String)> {
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
    let mut settings = command.find_subcommand(SERVE)?.get_arguments();
    let name = settings.find(is_meant)?.get_env()?;
    let value = env::var_os(name)?;
    Some((
        name.to_string_lossy().into_owned(),
        value.to_string_lossy().into_owned(),
    ))
}
