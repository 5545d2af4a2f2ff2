//! `rememberd serve`: from the data directory's lock to the clean close of the database.

use std::io::ErrorKind;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use clap::{Args, Command};
use tokio::sync::oneshot;

use crate::app::{App, Keys, Phase};
use crate::cli::command::{Arguments, CliCommand, FAILED};
use crate::cli::database::Database;
use crate::cli::error::CommandError;
use crate::cli::process::restart::Restart;
use crate::cli::process::runtime::{or_report, runtime, start_log};
use crate::cli::process::service_manager::{Change, ServiceManager};
use crate::cli::process::signals::Signals;
use crate::cli::process::tasks::Task;
use crate::cli::settings::origins::Origins;
use crate::cli::settings::prepared::Prepared;
use crate::cli::terminal::example;
use crate::cli::terminal::output::print_line;
use crate::cli::terminal::tokens;
use crate::clock::host::HostClock;
use crate::clock::source::Clock;
use crate::config::{Config, HELP_NOTE, SHORT_HELP_NOTE};
use crate::entropy::Entropy;
use crate::error::{Failure, describe};
use crate::jobs;
use crate::logging;
use crate::logging::repeated::Taken;
use crate::server::descriptors;
use crate::server::listener::{ListenError, Listeners};
use crate::server::local::{LocalSocket, SOCKET};
use crate::server::{self, reachable};
use crate::service::backup::start::load_last;
use crate::storage::Store;
use crate::storage::writer::WriterLimits;
use crate::tables;

/// Serves the REST API.
pub const COMMAND: CliCommand = CliCommand {
    definition,
    run,
    error_code: FAILED,
    has_log: true,
};

fn definition() -> Command {
    Config::augment_args(Command::new("serve"))
        .about("Serve the REST API until SIGTERM or Ctrl-C")
        .after_help(SHORT_HELP_NOTE)
        .after_long_help(HELP_NOTE)
}

/// Serves until the end. Returns whether that succeeded; why not is in the log.
fn run(arguments: Arguments) -> Result<bool, CommandError> {
    let (config, origins) = arguments.config()?;
    let log = start_log(&config)?;
    // Without them there may be no runtime either.
    if or_report(reserve(&config, &origins), &log).is_none() {
        return Ok(false);
    }
    let runtime = runtime()?;
    let log_config = config.log.clone();
    let served = runtime.block_on(serve(config, &origins));
    match or_report(served, &log) {
        None => Ok(false),
        Some(Served::Ended) => Ok(true),
        Some(Served::Restarts(restart)) => {
            // What is buffered would be lost.
            drop(log);
            let restarted = runtime.block_on(restart.run());
            Ok(restarted
                .inspect_err(|error| logging::report(&log_config, &error.to_string()))
                .is_ok())
        }
    }
}

/// How serving ended.
enum Served {
    /// By a signal.
    Ended,
    /// A large seed file is loaded, and the process is to begin anew without what that took of memory.
    Restarts(Restart),
}

/// Reserves the file descriptors that serving needs.
///
/// # Errors
///
/// If there are too few.
fn reserve(config: &Config, origins: &Origins) -> Result<(), CommandError> {
    descriptors::reserve(config).map_err(|missing| {
        let max = config.connections.connections_max;
        CommandError::new(origins.describe("connections_max", max), missing)
    })
}

/// Serves until a signal. The file descriptors are [reserved](reserve).
///
/// # Errors
///
/// Why the server could not start, or could not go on.
async fn serve(config: Config, origins: &Origins) -> Result<Served, CommandError> {
    let signals = Signals::new(config.connections.drain_timeout);
    let signals = signals.map_err(|error| CommandError::io("cannot start", &error))?;
    if let Some(path) = &config.data.config {
        tracing::info!(path = %path.display(), "the settings file was read");
    }
    let prepared = Prepared::load(&config, origins)?;
    let manager =
        ServiceManager::find().map_err(|error| CommandError::io("cannot start", &error))?;
    let database = Database::lock(&config, origins)?;
    let served = serve_database(&database, config, prepared, origins, signals, &manager).await;
    database.discard();
    served
}

async fn serve_database(
    database: &Database,
    config: Config,
    prepared: Prepared,
    origins: &Origins,
    mut signals: Signals,
    manager: &ServiceManager,
) -> Result<Served, CommandError> {
    let listeners = Listeners::bind(&config.http.listen, config.requests.backlog)
        .map_err(|failed| cannot_listen(&failed, origins))?;
    let (_local_socket, listeners) = with_local_socket(listeners, database.path());
    let addresses = listeners.addresses();
    let addresses = addresses.map_err(|error| CommandError::io("cannot start", &error))?;
    tracing::info!(path = %database.path().display(), "opening the data directory");
    manager.report(Change::None, "opening the database");
    let clock = Clock::new(HostClock::system(config.clock.clock_synchronized.known()));
    let keys = Keys::default();
    let (store, opened) = Store::start(
        database.opener(&config, keys.clone()),
        tables::JOURNALED,
        &WriterLimits::new(&config),
    )?;
    let app = Arc::new(App::new(config, store, clock, Entropy::Os, keys));
    if let Some(token) = prepared.management_token {
        app.management_token.get_or_init(|| token);
    }
    let counted = LastSummaries(Arc::clone(&app));
    let weak = Arc::downgrade(&app);
    signals.before_exit(move || {
        if let Some(app) = weak.upgrade() {
            app.log_summaries(Taken::All, Instant::now());
        }
    });

    let (accepts, accepting) = oneshot::channel::<()>();
    let (stop, stopping) = oneshot::channel::<()>();
    // Health is served from the start on, while the database may still be repairing itself.
    let mut serving = Task::spawn(
        "serving failed",
        server::run(listeners, Arc::clone(&app), async {
            // The server first polls this when it accepts connections.
            let _ = accepts.send(());
            let _ = stopping.await;
        }),
    );
    let starting = serving.required_for(async {
        let opened = opened.await.unwrap_or(Err(Failure::Unavailable));
        opened.map_err(|failure| database.opening_failed(failure))?;
        let filled = database.fill(&app).await;
        let filled = filled.and_then(|loaded| database.finish().map(|()| loaded));
        let ready = filled.and_then(|loaded| Ok((loaded, database.watch_tokens(&app)?)));
        // Closed, so that the next start need not repair the database.
        if ready.is_err()
            && let Err(failure) = app.store.close().await
        {
            tracing::error!(%failure, "the database could not be closed");
        }
        ready
    });
    let (loaded, tokens) = tokio::select! {
        started = starting => started??,
        () = signals.next() => return database.stop_starting(&app).await.map(|()| Served::Ended),
    };
    if let Some(loaded) = loaded.as_ref().filter(|loaded| Restart::is_due(loaded)) {
        tracing::info!("the seed file is loaded; restarting without the memory that it took");
        app.enter(Phase::Draining);
        drop(stop);
        serving.end().await?;
        app.store.close().await?;
        return Ok(Served::Restarts(Restart::new(loaded, signals)));
    }
    let _watch = database.files().watch(&app)?;
    load_last(&app);
    signals.start_serving();
    app.enter(Phase::Serving);
    // If its sender is dropped, the task has ended, which the next wait reports.
    let _ = serving.required_for(accepting).await?;
    let worker = Arc::clone(&app);
    let mut background = Task::spawn("background work failed", async {
        jobs::run(worker).await;
        Ok(())
    });
    let worker = Arc::clone(&app);
    let (stop_mail, stopping_mail) = oneshot::channel::<()>();
    let mut mailing = Task::spawn("sending mails failed", async {
        let stop = async {
            let _ = stopping_mail.await;
        };
        jobs::mail::run(worker, prepared.mailer, stop).await;
        Ok(())
    });
    let context = app.config.http.context_path.as_str();
    for address in &addresses {
        print_line(format_args!(
            "rememberd listens on http://{address}{context}"
        ));
    }
    let shown: Vec<String> = addresses.iter().map(ToString::to_string).collect();
    manager.report(Change::Ready, &format!("serving on {}", shown.join(", ")));
    let (worker, watching) = (Arc::clone(&app), manager.clone());
    let watched = Task::spawn("reporting to the service manager failed", async move {
        match watching.report_while_working(&worker).await {}
    });
    // While an access token was not used, nobody has come yet.
    let is_new = loaded.is_some() || !tokens.is_empty();
    if let Some(loaded) = loaded {
        print_line(format_args!("seed loaded: {}", loaded.text));
    }
    tokens::show(&tokens);
    if let Some(address) = addresses.first().filter(|_| is_new)
        && let address = reachable::on_this_host(*address).to_string()
        && let Ok(command) = example::command(&app, &address, &tokens)
    {
        print_line(format_args!("try: {command}"));
    }

    let stopped = mailing.required_for(signals.next());
    serving
        .required_for(background.required_for(stopped))
        .await???;
    tracing::info!("stopping");
    manager.report(Change::Stopping, "finishing requests");
    app.enter(Phase::Draining);
    drop((stop, stop_mail));
    serving.end().await?;
    mailing.end().await?;
    background.abort();
    let saved = jobs::stop(&app).await;
    let closed = app.store.close().await;
    // The writer records what happened after it sent the responses: all of it is counted once it has ended.
    drop(counted);
    watched.abort();
    closed?;
    saved?;
    database.files().check()?;
    tracing::info!("stopped");
    Ok(Served::Ended)
}

/// The listeners and the local socket, which is there until it is dropped. Where it cannot be, on a file system without
/// sockets for example, the server serves all the same.
fn with_local_socket(listeners: Listeners, data_dir: &Path) -> (Option<LocalSocket>, Listeners) {
    match LocalSocket::bind(data_dir) {
        Ok((socket, listener)) => (Some(socket), listeners.with_local(listener)),
        Err(error) => {
            tracing::warn!(
                path = %data_dir.join(SOCKET).display(),
                error = describe(&error),
                "the local socket cannot be created: \"rememberd admin\" works only while the server is stopped"
            );
            (None, listeners)
        }
    }
}

/// Logs what was only counted when serving ends, however it ends.
struct LastSummaries(Arc<App>);

impl Drop for LastSummaries {
    fn drop(&mut self) {
        self.0.log_summaries(Taken::All, Instant::now());
    }
}

fn cannot_listen(failed: &ListenError, origins: &Origins) -> CommandError {
    let what = origins.describe("listen", failed.address);
    match failed.error.kind() {
        ErrorKind::AddrNotAvailable => CommandError::new(
            what,
            "this host does not have the address; it must be one of its own, like 127.0.0.1, or 0.0.0.0 for all",
        ),
        ErrorKind::PermissionDenied => {
            let cause = describe(&failed.error);
            let advice = format!("{cause}; a port from 1024 on needs no permission, like 8080");
            CommandError::new(what, advice)
        }
        _ => CommandError::io(what, &failed.error),
    }
}
