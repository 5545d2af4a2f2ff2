//! A server in the process of a command, while no other one uses the data directory: without listeners and background
//! work.

use std::ffi::OsString;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use clap::{Args, Command};
use tokio::net::UnixStream;

use crate::app::{App, Keys, Phase};
use crate::cli::command::{Arguments, NO_CONNECTION};
use crate::cli::database::Database;
use crate::cli::error::CommandError;
use crate::cli::local::settings::LocalSettings;
use crate::cli::settings::environment::ignore_if_empty;
use crate::cli::settings::origins::Origins;
use crate::clock::host::HostClock;
use crate::clock::source::Clock;
use crate::config::Config;
use crate::config::log::LogLevel;
use crate::entropy::Entropy;
use crate::error::Failure;
use crate::jobs;
use crate::logging::{self, Log};
use crate::server::local::serve_own;
use crate::storage::Store;
use crate::storage::writer::WriterLimits;
use crate::tables;

/// Memory for cached pages of the database, in bytes: a command reads and writes most of them once.
const CACHE_BYTES_MAX: usize = 16 << 20;

/// A server in this process.
pub struct OwnServer {
    app: Arc<App>,
    database: Database,
    /// The audit log of what the command does, and warnings, on standard error.
    _log: Log,
}

impl OwnServer {
    /// Opens the database with the settings of the environment; `None` if another process uses it.
    ///
    /// # Errors
    ///
    /// If there is no database, or it cannot be opened.
    pub async fn start(settings: &LocalSettings) -> Result<Option<Self>, CommandError> {
        let (mut config, origins) = config(settings)?;
        let unusable = |error: CommandError| error.with_exit_code(NO_CONNECTION);
        config.storage.cache_size = config.storage.cache_size.min(CACHE_BYTES_MAX);
        let Some(database) = Database::try_lock(&config, &origins).map_err(unusable)? else {
            return Ok(None);
        };
        let opened = Self::open_database(database, config).await;
        opened.map(Some).map_err(unusable)
    }

    async fn open_database(database: Database, config: Config) -> Result<Self, CommandError> {
        let log = logging::start(&config.log)
            .map_err(|error| CommandError::io("cannot start", &error))?;
        let clock = Clock::new(HostClock::system(config.clock.clock_synchronized.known()));
        let keys = Keys::default();
        let limits = WriterLimits {
            // Nobody else writes.
            background_pause_max: Duration::ZERO,
            ..WriterLimits::new(&config)
        };
        let opener = database.opener(&config, keys.clone());
        let (store, opened) = Store::start(opener, tables::JOURNALED, &limits)?;
        let app = Arc::new(App::new(config, store, clock, Entropy::Os, keys));
        let opened = opened.await.unwrap_or(Err(Failure::Unavailable));
        opened.map_err(|failure| database.opening_failed(failure))?;
        if let Err(error) = database.resume(&app).await {
            // Closed, so that the next start need not repair the database.
            let _ = app.store.close().await;
            return Err(error);
        }
        // The file of one that is revoked is removed. Where they cannot be read, none is.
        let _ = database.watch_tokens(&app);
        app.enter(Phase::Serving);
        Ok(Self {
            app,
            database,
            _log: log,
        })
    }

    /// A connection to it.
    ///
    /// # Errors
    ///
    /// Of the operating system.
    pub fn open(&self) -> io::Result<UnixStream> {
        let (client, server) = UnixStream::pair()?;
        tokio::spawn(serve_own(server, Arc::clone(&self.app)));
        Ok(client)
    }

    /// Saves what is in memory alone, and closes the database. What a command has done is on the disk before: that this
    /// fails, as on a full disk, does not change the command's outcome.
    ///
    /// # Errors
    ///
    /// If the files of the database are not where they were any more.
    pub async fn stop(self) -> Result<(), CommandError> {
        self.app.enter(Phase::Draining);
        let saved = jobs::stop(&self.app).await;
        let closed = self.app.store.close().await;
        if let Err(failure) = closed.and(saved) {
            tracing::warn!(
                %failure,
                "the database was not closed cleanly; what is done is on the disk, and the next start repairs it"
            );
        }
        Ok(self.database.files().check()?)
    }
}

/// The settings of a server, but those that matter at a start alone: a command must not create a database, give up a
/// key or believe the clock by the way.
fn config(settings: &LocalSettings) -> Result<(Config, Origins), CommandError> {
    let flag = |name: &str, value: OsString| {
        let mut flag = OsString::from(format!("--{name}="));
        flag.push(value);
        flag
    };
    let mut arguments = vec![
        OsString::from("rememberd"),
        flag("data-dir", settings.data_dir.clone().into()),
        // The addresses of names are looked up where they are given.
        flag("listen", "127.0.0.1:0".into()),
    ];
    let key_file = settings.key_file.clone();
    arguments.extend(key_file.map(|path| flag("key-file", path.into())));
    let command = Config::augment_args(Command::new("rememberd")).mut_args(ignore_if_empty);
    let file = settings.settings_file.clone();
    let command = match &file {
        Some(file) => command.mut_args(|setting| file.apply(setting)),
        None => command,
    };
    let matches = command
        .try_get_matches_from(arguments)
        .map_err(|error| CommandError::from(error.to_string()))?;
    let (mut config, origins) = Arguments(matches, file).config()?;
    config.data.no_create = true;
    config.data.seed = None;
    config.data.new_key = false;
    config.data.accept_clock = false;
    config.log.log_level = LogLevel::Warn;
    config.log.audit_log_level = Some(LogLevel::Info);
    Ok((config, origins))
}
