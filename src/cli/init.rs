//! `rememberd init`: creates a database.

use crate::app::{App, Keys};
use crate::cli::arguments::Origins;
use crate::cli::database::Database;
use crate::cli::error::CommandError;
use crate::cli::output::print_line;
use crate::cli::signals::Signals;
use crate::cli::tokens;
use crate::clock::host::HostClock;
use crate::clock::source::Clock;
use crate::config::Config;
use crate::entropy::Entropy;
use crate::error::Failure;
use crate::storage::Store;
use crate::storage::writer::WriterLimits;
use crate::tables;

/// Creates a database, with the entries of the seed file if one is given.
///
/// # Errors
///
/// If there is a database, and if none can be created or a signal stops that: nothing is left of it then.
pub async fn init(mut config: Config, origins: &Origins) -> Result<(), CommandError> {
    // It may be set for the server in the same environment.
    config.data.no_create = false;
    let signals = Signals::new(config.connections.drain_timeout);
    let mut signals = signals.map_err(|error| CommandError::io("cannot start", &error))?;
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
        database.opener(&config, keys.clone(), clock.now().time()),
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
