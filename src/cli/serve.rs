//! `rememberd serve`: from the data directory's lock to the clean close of the database.

use std::fmt;
use std::fs;
use std::io::{self, Write};
use std::path::{self, Path};
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::time::timeout;

use crate::app::{App, Keys, Phase};
use crate::cli::arguments::Origins;
use crate::cli::error::CommandError;
use crate::cli::key;
use crate::cli::signals::Signals;
use crate::cli::tasks::Task;
use crate::clock::host::HostClock;
use crate::clock::source::Clock;
use crate::config::Config;
use crate::domain::access_token::AccessTokenId;
use crate::entropy::Entropy;
use crate::error::Failure;
use crate::jobs;
use crate::server;
use crate::service::bootstrap::audit_key;
use crate::service::bootstrap::demo;
use crate::service::bootstrap::initial;
use crate::service::bootstrap::seed::{self, Seed};
use crate::service::bootstrap::seed_file::SeedFile;
use crate::storage::Store;
use crate::storage::data_dir::DataDirectory;
use crate::storage::engine::EngineOptions;
use crate::storage::opening::Opener;
use crate::storage::writer::WriterLimits;
use crate::tables::secret_key::KeySource;
use crate::tables::{self, upgrade};

/// The exit code of a process that a second signal stopped at once.
const STOPPED_AT_ONCE: i32 = 130;

/// How long a signal during the start waits for the database to be closed.
const STOP_STARTING_MAX: Duration = Duration::from_millis(500);

/// Serves until a signal.
///
/// # Errors
///
/// Why the server could not start, or could not go on.
pub async fn serve(config: Config, origins: &Origins) -> Result<(), CommandError> {
    let mut signals = Signals::new().map_err(|error| CommandError::io("cannot start", &error))?;
    let directory = DataDirectory::lock(&config.data.data_dir)
        // The failure begins with the directory's absolute path.
        .map_err(|failure| CommandError::from(origins.describe("data_dir", failure)))?;
    let listen = origins.describe("listen", config.http.listen);
    let listener = TcpListener::bind(config.http.listen)
        .await
        .map_err(|error| CommandError::io(&listen, &error))?;
    let address = listener
        .local_addr()
        .map_err(|error| CommandError::io(&listen, &error))?;
    let keys = Keys::default();
    let (store, opened) = Store::start(
        opener(directory, &config, keys.clone()),
        tables::JOURNALED,
        &WriterLimits::new(&config),
    )?;
    let clock = Clock::new(HostClock::system(config.clock.clock_synchronized.known()));
    let app = Arc::new(App::new(config, store, clock, Entropy::Os, keys));

    let (accepts, accepting) = oneshot::channel::<()>();
    let (stop, stopping) = oneshot::channel::<()>();
    // Health is served from the start on, while the database may still be repairing itself.
    let mut serving = Task::spawn(
        "serving failed",
        server::run(listener, Arc::clone(&app), async {
            // The server first polls this when it accepts connections.
            let _ = accepts.send(());
            let _ = stopping.await;
        }),
    );
    let starting = serving.required_for(async {
        let opened = opened.await.unwrap_or(Err(Failure::Unavailable));
        opened.map_err(|failure| CommandError::opening(failure, &app.config.data.data_dir))?;
        let ready = bootstrap(&app, origins).await;
        // Closed, so that the next start need not repair the database.
        if ready.is_err()
            && let Err(failure) = app.store.close().await
        {
            tracing::error!(%failure, "the database could not be closed");
        }
        ready
    });
    tokio::select! {
        started = starting => started??,
        () = signals.next() => return stop_starting(&app).await,
    }
    app.enter(Phase::Serving);
    // If its sender is dropped, the task has ended, which the next wait reports.
    let _ = serving.required_for(accepting).await?;
    let worker = Arc::clone(&app);
    let mut background = Task::spawn("background work failed", async {
        jobs::run(worker).await;
        Ok(())
    });
    let context = app.config.http.context_path.as_str();
    print_line(format_args!(
        "rememberd listens on http://{address}{context}"
    ));

    serving
        .required_for(background.required_for(signals.next()))
        .await??;
    tracing::info!("stopping");
    tokio::spawn(async move {
        signals.next().await;
        std::process::exit(STOPPED_AT_ONCE);
    });
    app.enter(Phase::Draining);
    drop(stop);
    serving.end().await?;
    background.abort();
    let saved = jobs::clock::stop(&app).await;
    app.store.close().await?;
    saved?;
    tracing::info!("stopped");
    Ok(())
}

/// Stops a server that is starting. Opening, repairing and upgrading the database may end at any point; it is only
/// waited for as long as it takes to close a database that is open, or to break off retrying.
async fn stop_starting(app: &App) -> Result<(), CommandError> {
    tracing::info!("stopping during the start");
    match timeout(STOP_STARTING_MAX, app.store.close()).await {
        Ok(Ok(()) | Err(Failure::Unavailable)) | Err(_) => Ok(()),
        Ok(Err(failure)) => Err(failure.into()),
    }
}

fn opener(directory: DataDirectory, config: &Config, keys: Keys) -> Opener {
    let options = EngineOptions {
        cache_bytes: config.storage.cache_size,
        two_phase_commit: config.storage.two_phase_commit,
    };
    let source = KeySource {
        path: key::path(&config.data.data_dir, config.data.key_file.as_deref()),
        replaces_missing: config.data.new_key,
        entropy: Entropy::Os,
    };
    Box::new(move |opening| {
        let (engine, ring) = upgrade::open_database(&directory, &options, opening, &source)?;
        keys.set(ring);
        Ok(engine)
    })
}

/// Restores what the database keeps for the process, and fills an empty database.
async fn bootstrap(app: &App, origins: &Origins) -> Result<(), CommandError> {
    let unusable = |failure| CommandError::using(failure, &app.config.data.data_dir);
    jobs::clock::start(app).await.map_err(unusable)?;
    audit_key::prepare(app).await.map_err(unusable)?;
    match &app.config.data.seed {
        Some(file) => load_seed(app, file, origins).await?,
        None => {
            if let Some(id) = initial::create(app).await.map_err(unusable)? {
                print_once(&id);
            }
        }
    }
    if !app.config.data.allow_demo_secrets && demo::is_exposed(app).map_err(unusable)? {
        return Err(CommandError::new(
            origins.describe("listen", app.config.http.listen),
            "other hosts can reach this address, and the database holds the public access token of the demo \
             data; use another database, or set --allow-demo-secrets",
        ));
    }
    Ok(())
}

/// Loads the seed file `file`, if the database is empty.
async fn load_seed(app: &App, file: &Path, origins: &Origins) -> Result<(), CommandError> {
    if !app.store.read(seed::is_empty)? {
        tracing::info!("the seed file is not loaded, because the database is not empty");
        return Ok(());
    }
    let file = path::absolute(file).unwrap_or_else(|_| file.to_owned());
    let what = origins.describe("seed", file.display());
    let json = fs::read(&file).map_err(|error| CommandError::io(&what, &error))?;
    let entries = SeedFile::parse(&json).map_err(|error| CommandError::new(&what, error))?;
    drop(json);
    let seed = Seed::check(entries, app.clock.now().time(), &app.entropy)
        .map_err(|error| CommandError::new(&what, error))?;
    let generated = seed::load(app, seed).await?;
    generated.iter().flatten().for_each(print_once);
    Ok(())
}

fn print_once(id: &AccessTokenId) {
    print_line(format_args!(
        "access token id, shown this once: {}",
        id.reveal()
    ));
}

/// Prints a line. That standard output is closed is no reason to stop.
fn print_line(line: fmt::Arguments<'_>) {
    let _ = writeln!(io::stdout(), "{line}");
}
