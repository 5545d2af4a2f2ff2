//! `rememberd key`: the key file.

use std::fs::TryLockError;
use std::io::{self, Write};
use std::path::{self, Path};

use clap::Command;

use crate::cli::arguments::data_settings;
use crate::cli::command::{Arguments, CliCommand, FAILED};
use crate::cli::error::CommandError;
use crate::cli::owner::require_owner;
use crate::entropy::Entropy;
use crate::storage::data_dir::stopped::ServersOut;
use crate::storage::key_file::{self, KeyFile};

/// Manages the key file.
pub const COMMAND: CliCommand = CliCommand {
    definition,
    run,
    error_code: FAILED,
    has_log: false,
};

fn definition() -> Command {
    let settings = data_settings();
    let rotate = Command::new("rotate")
        .about(
            "Add a key while no server runs; logins move to it with their next rotation after the next start",
        )
        .args(settings);
    Command::new("key")
        .about("Manage the secret keys")
        .subcommand_required(true)
        .arg_required_else_help(true)
        .subcommand(rotate)
}

fn run(arguments: Arguments) -> Result<bool, CommandError> {
    let (_, mut arguments) = arguments.subcommand();
    let data_dir = arguments.required_path("data_dir");
    // A running server has read the file, and would go on without the key.
    let _stopped = ServersOut::of(&data_dir).map_err(|error| in_use(&data_dir, error))?;
    let key_file = key_file::path(&data_dir, arguments.path("key_file").as_deref());
    let added = rotate(&key_file)?;
    // The key is added, whether anybody reads this or not.
    let _ = writeln!(io::stdout(), "{added}");
    Ok(true)
}

fn in_use(data_dir: &Path, error: TryLockError) -> CommandError {
    let data_dir = path::absolute(data_dir).unwrap_or_else(|_| data_dir.to_owned());
    let shown = data_dir.display();
    match error {
        TryLockError::WouldBlock => CommandError::new(
            shown,
            "it is in use by a server, which would not notice the key; \"rememberd admin key rotate\" adds one that it \
             uses at once",
        ),
        TryLockError::Error(error) => CommandError::io(shown, &error),
    }
}

/// Adds a key to the file at `path`. Returns what to print.
///
/// # Errors
///
/// If there is no key yet, or the file cannot be read or written.
fn rotate(path: &Path) -> Result<String, CommandError> {
    require_owner(path)?;
    let mut file = KeyFile::read(path)?;
    let shown = file.path().display().to_string();
    let Some((&last, _)) = file.keys().last_key_value() else {
        let cause = "it has no key; the first start of a server generates one";
        return Err(CommandError::new(shown, cause));
    };
    let number = file.number_after(last)?;
    file.add(number, Entropy::Os.bytes())?;
    Ok(format!(
        "key {number} was added to {shown}; a server uses it from its next start on"
    ))
}
