//! The sockets: accept up to a limit, serve with timeouts, drain on shutdown.
//!
//! At the connection limit, another connection is evicted for a new one, so that clients that hold connections
//! cannot keep others out: first one that has waited long for its client, else one whose next response announces
//! the close. A connection is not closed while its socket holds a request.

mod connection;
mod connection_state;
mod connections;
pub mod descriptors;
pub mod listener;
pub mod local;
mod observed_socket;
pub mod reachable;
mod workers;

use std::future::{Future, pending};
use std::io;
use std::net::TcpStream;
use std::pin::pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::oneshot;
use tokio::task::{JoinError, JoinSet};

use crate::app::App;
use crate::config::Config;
use crate::http::connection::Peer;
use crate::http::panic::panic_message;
use crate::logging::warnings::Warnings;
use crate::server::connection_state::ConnectionState;
use crate::server::connections::{Connections, OpenConnection};
use crate::server::listener::Listeners;
use crate::server::workers::Workers;

/// How long to wait after a failed accept that no connection can be closed for.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// How long to wait for a connection while there is no file descriptor for it.
const WAITING_PAUSE: Duration = Duration::from_millis(10);

/// Serves `app` on `listeners` until `shutdown` completes, then finishes the requests that are being
/// handled, for at most the configured time.
///
/// # Errors
///
/// If the worker threads cannot be started, and why serving ended before `shutdown` did: a worker thread
/// panicked, or a listener was closed. The connections are closed then.
pub async fn run(
    mut listeners: Listeners,
    app: Arc<App>,
    shutdown: impl Future<Output = ()>,
) -> io::Result<()> {
    let Some(local) = listeners.take_local() else {
        return serve_remote(listeners, app, shutdown).await;
    };
    let (stop_local, stopping) = oneshot::channel::<()>();
    let shutdown = async {
        shutdown.await;
        drop(stop_local);
    };
    let local = local::serve(local, Arc::clone(&app), async {
        let _ = stopping.await;
    });
    let (served, ()) = tokio::join!(serve_remote(listeners, app, shutdown), local);
    served
}

async fn serve_remote(
    listeners: Listeners,
    app: Arc<App>,
    shutdown: impl Future<Output = ()>,
) -> io::Result<()> {
    let workers = Workers::start(app.config.requests.worker_threads)?;
    let serve = |socket, state| connection::serve(socket, Arc::clone(&app), state);
    accept_and_serve(
        listeners,
        workers,
        &app.config,
        &app.warnings,
        serve,
        shutdown,
    )
    .await
}

/// Serves each connection on `listeners` with `serve`, on one of `workers`.
async fn accept_and_serve<S: Future<Output = ()> + Send + 'static>(
    mut listeners: Listeners,
    mut workers: Workers,
    config: &Config,
    warnings: &Warnings,
    serve: impl Fn(TcpStream, Arc<ConnectionState>) -> S,
    shutdown: impl Future<Output = ()>,
) -> io::Result<()> {
    let connections = Connections::new(config.connections.connections_max.get());
    let mut tasks = JoinSet::new();
    let mut shutdown = pin!(shutdown);
    loop {
        let (socket, connection) = tokio::select! {
            () = &mut shutdown => break,
            error = workers.failed() => return Err(error),
            accepted = accept(&mut listeners, &connections, warnings) => accepted?,
        };
        while let Some(ended) = tasks.try_join_next() {
            log_panic(ended);
        }
        let served = serve(socket, Arc::clone(&connection.state));
        workers.spawn(&mut tasks, async move {
            // Dropped after the socket, also by a panic.
            let _connection = connection;
            served.await;
        });
    }
    drop(listeners);
    connections.stop();
    let drained = async {
        while let Some(ended) = tasks.join_next().await {
            if ended.as_ref().is_err_and(JoinError::is_cancelled) {
                // Only the end of its worker thread cancels a connection, and the reason comes later.
                pending::<()>().await;
            }
            log_panic(ended);
        }
    };
    let drained = tokio::select! {
        error = workers.failed() => return Err(error),
        drained = tokio::time::timeout(config.connections.finish_timeout(), drained) => drained,
    };
    if drained.is_err() {
        tracing::warn!("some connections did not finish in time and were closed");
    }
    Ok(())
}

/// The next connection, which counts from here on.
///
/// # Errors
///
/// If a listener is closed, so that no connection will ever be accepted.
async fn accept(
    listeners: &mut Listeners,
    connections: &Connections,
    warnings: &Warnings,
) -> io::Result<(TcpStream, OpenConnection)> {
    loop {
        // Deregistered from this thread's runtime: a worker's runtime will serve it.
        let accepted = listeners.accept().await;
        match accepted.and_then(|(socket, peer)| Ok((socket.into_std()?, peer))) {
            Ok((socket, peer)) => return Ok((socket, connections.open(Peer::Remote(peer)).await)),
            Err(error) if error.kind() == io::ErrorKind::InvalidInput => return Err(error),
            // The client has disconnected already.
            Err(error) if error.kind() == io::ErrorKind::ConnectionAborted => {}
            // There is no more file descriptor, and no connection to be accepted either.
            Err(_) if !listeners.has_waiting() => tokio::time::sleep(WAITING_PAUSE).await,
            Err(error) => {
                warnings.accept_failed(&error, Instant::now());
                // The host or the process may have no more file descriptors.
                if !connections.evict_waiting().await {
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            }
        }
    }
}

fn log_panic(ended: Result<(), JoinError>) {
    if let Err(Ok(payload)) = ended.map_err(JoinError::try_into_panic) {
        let message = panic_message(&*payload);
        tracing::error!(message, "a connection panicked");
    }
}

#[cfg(test)]
mod tests;
