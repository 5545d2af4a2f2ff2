//! The commands: what the process does from its start to its end.

use std::fmt;
use std::fs;
use std::io::{self, Write};
use std::path::Path;
use std::sync::Arc;

use clap::{Parser, Subcommand};
use tokio::net::TcpListener;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::oneshot;

use crate::app::{App, Phase};
use crate::clock::Clock;
use crate::config::Config;
use crate::domain::access_token::AccessTokenId;
use crate::entropy::Entropy;
use crate::error::Failure;
use crate::logging;
use crate::server;
use crate::service::bootstrap::demo;
use crate::service::bootstrap::initial;
use crate::service::bootstrap::seed::{self, Loaded, Seed};
use crate::service::bootstrap::seed_file::SeedFile;
use crate::service::upkeep;
use crate::storage::Store;
use crate::storage::data_dir::DataDirectory;
use crate::storage::engine::EngineOptions;
use crate::storage::opening::Opener;
use crate::storage::writer::WriterLimits;
use crate::tables::{self, upgrade};

/// The exit code of a process that a second signal stopped at once.
const STOPPED_AT_ONCE: i32 = 130;

/// Remember me that cannot be lost or stolen: persistent logins with durable token rotation.
#[derive(Parser, Debug)]
#[command(name = "rememberd", version)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand, Debug)]
enum Command {
    /// Serve the REST API until SIGTERM or Ctrl-C
    Serve(Box<Config>),
}

/// Why a command ended early: a text for the person who gave it.
#[derive(Debug)]
pub struct Stopped(String);

impl Stopped {
    fn new(what: impl fmt::Display, why: impl fmt::Display) -> Self {
        Self(format!("{what}: {why}"))
    }
}

impl fmt::Display for Stopped {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl std::error::Error for Stopped {}

impl From<Failure> for Stopped {
    fn from(failure: Failure) -> Self {
        Self(failure.to_string())
    }
}

/// Does what the command line says, until it is done.
///
/// # Errors
///
/// What kept it from being done.
pub fn run(cli: Cli) -> Result<(), Stopped> {
    match cli.command {
        Command::Serve(config) => {
            let _log =
                logging::start(&config.log).map_err(|error| Stopped::new("cannot start", error))?;
            tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .map_err(|error| Stopped::new("cannot start", error))?
                .block_on(serve(*config))
        }
    }
}

async fn serve(config: Config) -> Result<(), Stopped> {
    let mut signals = Signals::new()?;
    let directory = DataDirectory::lock(&config.data.data_dir)?;
    let listener = TcpListener::bind(config.http.listen)
        .await
        .map_err(|error| Stopped::new(format_args!("--listen {}", config.http.listen), error))?;
    let address = listener
        .local_addr()
        .map_err(|error| Stopped::new("cannot listen", error))?;
    let (store, opened) = Store::start(
        opener(directory, &config),
        tables::JOURNALED,
        &WriterLimits::new(&config),
    )?;
    let app = Arc::new(App::new(config, store, Clock::system(), Entropy::Os));

    let (stop, stopping) = oneshot::channel::<()>();
    // Health is told from the start on, while the database may still be repairing itself.
    let served = tokio::spawn(server::run(listener, Arc::clone(&app), async {
        let _ = stopping.await;
    }));
    opened.await.map_err(|_| Failure::Unavailable)??;
    prepare(&app).await?;
    app.enter(Phase::Serving);
    let upkeep = tokio::spawn(upkeep::run(Arc::clone(&app)));
    let context = app.config.http.context_path.as_str();
    tell(format_args!(
        "rememberd listens on http://{address}{context}"
    ));

    signals.next().await;
    tracing::info!("stopping");
    tokio::spawn(async move {
        signals.next().await;
        std::process::exit(STOPPED_AT_ONCE);
    });
    app.enter(Phase::Draining);
    drop(stop);
    served
        .await
        .map_err(io::Error::other)
        .flatten()
        .map_err(|error| Stopped::new("serving failed", error))?;
    upkeep.abort();
    let saved = upkeep::save_newest_time(&app).await;
    app.store.close().await?;
    saved?;
    tracing::info!("stopped");
    Ok(())
}

fn opener(directory: DataDirectory, config: &Config) -> Opener {
    let options = EngineOptions {
        cache_bytes: usize::try_from(config.storage.cache_size.as_u64()).unwrap_or(usize::MAX),
        two_phase_commit: config.storage.two_phase_commit,
    };
    Box::new(move |opening| upgrade::open_database(&directory, &options, opening))
}

/// Makes an open database fit to be served.
async fn prepare(app: &App) -> Result<(), Stopped> {
    upkeep::restore_newest_time(app)?;
    upkeep::prepare_audit_log(app).await?;
    match &app.config.data.seed {
        Some(file) => load_seed(app, file).await?,
        None => {
            if let Some(id) = initial::prepare(app).await? {
                show_once(&id);
            }
        }
    }
    if !app.config.data.allow_demo_secrets && demo::is_exposed(app)? {
        return Err(Stopped::new(
            format_args!("--listen {}", app.config.http.listen),
            "others can reach this address, and the database holds the well-known access token of \
             the demo data; use another database, or insist with --allow-demo-secrets",
        ));
    }
    Ok(())
}

async fn load_seed(app: &App, file: &Path) -> Result<(), Stopped> {
    let refused =
        |why: &dyn fmt::Display| Stopped::new(format_args!("--seed {}", file.display()), why);
    if !app.store.read(seed::is_empty)? {
        tracing::info!("the database is not empty: the seed file is not loaded");
        return Ok(());
    }
    let json = fs::read(file).map_err(|error| refused(&error))?;
    let entries = SeedFile::parse(&json).map_err(|error| refused(&error))?;
    drop(json);
    let seed =
        Seed::check(entries, app.clock.now(), &app.entropy).map_err(|error| refused(&error))?;
    match seed::load(app, seed).await? {
        Loaded::All(made_up) => made_up.iter().for_each(show_once),
        Loaded::Nothing => {}
    }
    Ok(())
}

fn show_once(id: &AccessTokenId) {
    tell(format_args!(
        "access token id, shown this once: {}",
        id.reveal()
    ));
}

/// Prints a line; that nobody may be reading it is no reason to stop.
fn tell(line: fmt::Arguments<'_>) {
    let _ = writeln!(io::stdout(), "{line}");
}

/// SIGTERM and Ctrl-C.
struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    fn new() -> Result<Self, Stopped> {
        let listen = |kind| signal(kind).map_err(|error| Stopped::new("cannot start", error));
        Ok(Self {
            terminate: listen(SignalKind::terminate())?,
            interrupt: listen(SignalKind::interrupt())?,
        })
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}
