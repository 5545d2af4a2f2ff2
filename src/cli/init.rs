//! `rememberd init`: creates a database.

use clap::{Args, Command};

use crate::app::{App, Keys};
use crate::cli::command::{Arguments, CliCommand, FAILED};
use crate::cli::database::Database;
use crate::cli::error::CommandError;
use crate::cli::owner::require_owner;
use crate::cli::process::runtime::{or_report, runtime, start_log};
use crate::cli::process::signals::Signals;
use crate::cli::settings::origins::Origins;
use crate::cli::terminal::output::print_line;
use crate::cli::terminal::tokens;
use crate::clock::host::HostClock;
use crate::clock::source::Clock;
use crate::config::Config;
use crate::entropy::Entropy;
use crate::error::Failure;
use crate::server::descriptors;
use crate::storage::Store;
use crate::storage::writer::WriterLimits;
use crate::tables;

const NOTE: &str = "\
The key file is created too, if it has no key. An access token whose id is generated is in a file of the data directory,
mode 0600, until its first use. The other settings of \"rememberd serve\" are taken too.

Examples:
  rememberd init --data-dir /var/lib/rememberd
  rememberd init --data-dir /var/lib/rememberd --seed seed.json --key-file /etc/rememberd.keys";

/// The settings that the help of `init` lists.
const LISTED: [&str; 3] = ["data_dir", "key_file", "seed"];

/// Creates a database.
pub const COMMAND: CliCommand = CliCommand {
    definition,
    run,
    error_code: FAILED,
    has_log: true,
};

/// It takes every setting, so that it can be run with the environment of the server.
fn definition() -> Command {
    Config::augment_args(Command::new("init"))
        .mut_args(|setting| {
            let is_listed = LISTED.contains(&setting.get_id().as_str());
            setting.hide(!is_listed)
        })
        .about("Create a database, which \"serve --no-create\" requires")
        .after_help(NOTE)
}

fn run(arguments: Arguments) -> Result<bool, CommandError> {
    let (config, origins) = arguments.config()?;
    let log = start_log(&config)?;
    let reserved =
        descriptors::reserve_least().map_err(|missing| CommandError::new("cannot start", missing));
    if or_report(reserved, &log).is_none() {
        return Ok(false);
    }
    let created = runtime()?.block_on(init(config, &origins));
    Ok(or_report(created, &log).is_some())
}

/// Creates a database, with the entries of the seed file if one is given.
///
/// # Errors
///
/// If there is a database, and if none can be created or a signal stops that: nothing is left of it then.
async fn init(mut config: Config, origins: &Origins) -> Result<(), CommandError> {
    // It may be set for the server in the same environment.
    config.data.no_create = false;
    let signals = Signals::new(config.connections.drain_timeout);
    let mut signals = signals.map_err(|error| CommandError::io("cannot start", &error))?;
    require_owner(&config.data.data_dir)?;
    let database = Database::lock(&config, origins)?;
    if database.exists()? {
        let path = database.path().display();
        let cause = "there is a database already; nothing was changed";
        return Err(CommandError::new(origins.describe("data_dir", path), cause));
    }
    let created = create(&database, config, &mut signals).await;
    if created.is_err() {
        database.discard();
    }
    created
}

async fn create(
    database: &Database,
    config: Config,
    signals: &mut Signals,
) -> Result<(), CommandError> {
    let clock = Clock::new(HostClock::system(config.clock.clock_synchronized.known()));
    let keys = Keys::default();
    let (store, opened) = Store::start(
        database.opener(&config, keys.clone()),
        tables::JOURNALED,
        &WriterLimits::new(&config),
    )?;
    let app = App::new(config, store, clock, Entropy::Os, keys);
    let creating = async {
        let opened = opened.await.unwrap_or(Err(Failure::Unavailable));
        opened.map_err(|failure| database.opening_failed(failure))?;
        let filled = database.fill(&app).await;
        let filled = filled.and_then(|loaded| Ok((loaded, database.watch_tokens(&app)?)));
        let closed = app.store.close().await;
        let filled = filled?;
        closed.map_err(CommandError::creating)?;
        // Nothing can fail any more that would leave a database which this command says is not there.
        database.finish()?;
        Ok::<_, CommandError>(filled)
    };
    let (loaded, tokens) = tokio::select! {
        created = creating => created?,
        () = signals.next() => {
            database.stop_starting(&app).await?;
            let cause = "stopped by a signal; nothing is left of it";
            return Err(CommandError::new("cannot create the database", cause));
        }
    };
    print_line(format_args!("created {}", database.path().display()));
    if let Some(loaded) = loaded {
        print_line(format_args!("seed loaded: {}", loaded.text));
    }
    tokens::show(&tokens);
    Ok(())
}
