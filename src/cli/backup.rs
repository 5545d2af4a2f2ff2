//! `rememberd backup`: a verified copy of the database.

use std::io::{self, Write};
use std::path::{self, Path, PathBuf};
use std::time::Duration;

use bytesize::ByteSize;
use clap::{Arg, ArgAction, Command};
use serde_json::Value;
use tokio::time::sleep;

use crate::cli::arguments::path_argument;
use crate::cli::command::{Arguments, CliCommand, NOT_DONE};
use crate::cli::error::CommandError;
use crate::cli::local::LocalServer;
use crate::cli::local::settings::LocalSettings;
use crate::cli::owner::other_owner;
use crate::cli::process::runtime::runtime;
use crate::cli::terminal::progress::Progress;
use crate::clock::host::HostClock;
use crate::server::local::connect_to;
use crate::storage::data_dir::last_backup;
use crate::storage::data_dir::stopped::StoppedDatabase;
use crate::storage::key_file::{self, KeyFile};
use crate::storage::new_file::NewFile;
use crate::storage::regular_file;
use crate::tables::backup::target::refuse_own_files;
use crate::tables::backup::{finish, write};

const NOTE: &str = "\
FILE is complete or not there: it is read from the disk and verified before it gets its name. \"rememberd restore\" makes a
database of it. The key file is in it if it is in the data directory: keep FILE where nobody else can read it.
Exit code: 0 if there is a good backup, 1 if a key is missing that logins in it need, 2 if there is none,
3 if there is none because the server does not answer.

Examples:
  rememberd backup /backup/rememberd.redb
  rememberd backup /backup/rememberd.redb --force --data-dir /var/lib/rememberd";

/// How often a server is asked how far it is.
const ASK_INTERVAL: Duration = Duration::from_millis(100);

/// Where a server makes backups.
const ROUTE: &str = "/admin/1/backup";

/// Backs up the database.
pub const COMMAND: CliCommand = CliCommand {
    definition,
    run,
    error_code: NOT_DONE,
    has_log: false,
};

fn definition() -> Command {
    Command::new("backup")
        .about("Copy the database into a file, and verify that")
        .arg(path_argument("file", "FILE", "File to write").required(true))
        .arg(
            Arg::new("force")
                .long("force")
                .action(ArgAction::SetTrue)
                .help("Replace FILE if it is there, once the new one is complete"),
        )
        .args(LocalSettings::arguments())
        .after_help(NOTE)
}

fn run(mut arguments: Arguments) -> Result<bool, CommandError> {
    let target = arguments.required_path("file");
    let target =
        path::absolute(&target).map_err(|error| CommandError::io(target.display(), &error))?;
    if target.is_dir() {
        let cause = "it is a directory; name a file";
        return Err(CommandError::new(target.display(), cause));
    }
    let replaces = arguments.switch("force");
    let settings = LocalSettings::take(&mut arguments)?;
    // Else the database is neither opened as a server does, which may upgrade it, nor changed.
    let is_served = runtime()?.block_on(async { connect_to(&settings.data_dir).is_ok() });
    let made = if is_served {
        LocalServer::with(settings.clone(), async |server| {
            back_up_at(server, &target, replaces).await
        })?
    } else {
        back_up_stopped(&settings, &target, replaces)?
    };
    // Standard output may be closed; the outcome is the same.
    let _ = made.print(&mut io::stdout().lock());
    Ok(made.missing_keys.is_empty())
}

/// A good backup.
struct Made {
    file: PathBuf,
    entries: u64,
    bytes: u64,
    key_file: PathBuf,
    has_keys: bool,
    missing_keys: Vec<u64>,
}

/// Has a server make the backup.
async fn back_up_at(
    server: &LocalServer,
    target: &Path,
    replaces: bool,
) -> Result<Made, CommandError> {
    let file = target.display().to_string();
    let force = replaces.to_string();
    let parameters = [("file", file.as_str()), ("force", force.as_str())];
    let begun = server.post(ROUTE, &parameters).await?;
    let route = format!("{ROUTE}/{}", begun["number"]);
    let mut progress = Progress::new("copying");
    let mut last_state = "copying".to_owned();
    loop {
        let found = server.get(&route, &[]).await?;
        let text = |name: &str| found[name].as_str().unwrap_or_default().to_owned();
        let number = |name: &str| found[name].as_u64().unwrap_or_default();
        let state = text("state");
        match state.as_str() {
            "made" => {
                progress.clear();
                let missing = found["missingKeys"].as_array();
                return Ok(Made {
                    file: text("file").into(),
                    entries: number("entries"),
                    bytes: number("bytes"),
                    key_file: text("keyFile").into(),
                    has_keys: found["hasKeys"] == Value::Bool(true),
                    missing_keys: missing
                        .into_iter()
                        .flatten()
                        .filter_map(Value::as_u64)
                        .collect(),
                });
            }
            "failed" => {
                progress.clear();
                return Err(CommandError::from(text("cause")));
            }
            _ => {
                if state != last_state {
                    progress.next("verifying");
                    last_state = state;
                }
                progress.show(&text("table"), number("done"), number("of"));
            }
        }
        sleep(ASK_INTERVAL).await;
    }
}

/// Backs up the database of a server that does not run.
///
/// # Errors
///
/// If there is no good backup.
fn back_up_stopped(
    settings: &LocalSettings,
    target: &Path,
    replaces: bool,
) -> Result<Made, CommandError> {
    let data_dir = settings.data_dir.as_path();
    let database = StoppedDatabase::at(data_dir)?;
    let key_file = key_file::path(data_dir, settings.key_file.as_deref());
    refuse_own_files(target, data_dir, &key_file)?;
    let keys = KeyFile::look_at(&key_file)?;
    let has_keys = regular_file::is_within(keys.path(), data_dir) && !keys.keys().is_empty();
    let file = NewFile::create(target, replaces)?;
    let time = HostClock::system(None).read().wall;
    let mut progress = Progress::new("copying");
    let of_source = |failure| CommandError::opening(failure, data_dir);
    let engine = database.open().map_err(of_source)?;
    let snapshot = engine.begin_read().map_err(of_source)?;
    let failed = |failure| CommandError::copying(failure, data_dir, target);
    let included = has_keys.then_some(&keys);
    write(
        &snapshot,
        &file,
        time,
        data_dir,
        included,
        &mut progress.of_tables(),
    )
    .map_err(failed)?;
    drop(snapshot);
    engine.close().map_err(failed)?;
    progress.next("verifying");
    let verified = finish(file, &mut progress.of_tables()).map_err(failed)?;
    progress.clear();
    // A file of another user could not be read by the server.
    if matches!(other_owner(data_dir), Ok(None)) {
        // Without it, the next server does not report the backup, which is good all the same.
        let _ = last_backup::save(data_dir, time);
    }
    let missing = verified.missing_keys(&keys).into_iter();
    Ok(Made {
        file: target.to_owned(),
        entries: verified.entries(),
        bytes: regular_file::length(target).unwrap_or(0),
        key_file: keys.path().to_owned(),
        has_keys,
        missing_keys: missing.map(u64::from).collect(),
    })
}

impl Made {
    fn print(&self, out: &mut impl Write) -> io::Result<()> {
        let (file, key_file) = (self.file.display(), self.key_file.display());
        let size = ByteSize(self.bytes).to_string_as(true);
        writeln!(out, "backed up to {file}")?;
        writeln!(
            out,
            "{} entries, {size}; every page and entry was verified.",
            self.entries
        )?;
        for number in &self.missing_keys {
            writeln!(
                out,
                "Key {number}, which logins in it need, is not in {key_file}: they are invalid without it."
            )?;
        }
        if self.has_keys {
            writeln!(
                out,
                "The keys are in it: whoever has the file can compute the token of every login."
            )
        } else {
            writeln!(
                out,
                "The keys are not in it: back up {key_file} too, without which no login is valid."
            )
        }
    }
}
