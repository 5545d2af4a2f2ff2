//! The sockets: accept within a limit, serve within timeouts, drain on shutdown.
//!
//! At the connection limit a new connection takes the place of the one that has waited longest for a
//! request, so that clients who hold connections open and send nothing cannot keep others out.

mod connection;
mod connection_state;
mod workers;

use std::collections::HashMap;
use std::future::Future;
use std::io;
use std::net::TcpStream;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinSet;

use crate::app::App;
use crate::server::connection_state::{CloseReason, ConnectionState};
use crate::server::workers::Workers;

/// How long to wait when the host has no more sockets to give.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// How long to wait for a connection to end before another one is asked to.
const EVICTION_PAUSE: Duration = Duration::from_millis(20);

/// Serves `app` on `listener` until `shutdown` is done, then finishes the requests under way, for at
/// most the configured time, and returns.
///
/// # Errors
///
/// If the threads that serve cannot be started.
pub async fn run(
    listener: TcpListener,
    app: Arc<App>,
    shutdown: impl Future<Output = ()>,
) -> io::Result<()> {
    let permits = Arc::new(Semaphore::new(app.config.connections_max.get()));
    let connections = Connections::default();
    let mut workers = Workers::start(app.config.worker_threads)?;
    let mut tasks = JoinSet::new();
    let mut shutdown = std::pin::pin!(shutdown);
    loop {
        let accepted = tokio::select! {
            () = &mut shutdown => break,
            accepted = accept(&listener, &permits, &connections) => accepted,
        };
        while tasks.try_join_next().is_some() {}
        let (socket, permit) = accepted;
        let (number, state) = connections.add();
        let connections = connections.clone();
        let served = connection::serve(socket, Arc::clone(&app), state);
        workers.spawn(&mut tasks, async move {
            served.await;
            connections.remove(number);
            drop(permit);
        });
    }
    drop(listener);
    connections.stop();
    let drained = async { while tasks.join_next().await.is_some() {} };
    if tokio::time::timeout(app.config.drain_timeout, drained)
        .await
        .is_err()
    {
        tracing::warn!("some connections did not finish in time and were cut");
    }
    Ok(())
}

/// The next connection and the permit that it counts under.
async fn accept(
    listener: &TcpListener,
    permits: &Arc<Semaphore>,
    connections: &Connections,
) -> (TcpStream, OwnedSemaphorePermit) {
    let socket = loop {
        // The thread that will serve it registers it anew.
        let accepted = listener.accept().await;
        match accepted.and_then(|(socket, _)| socket.into_std()) {
            Ok(socket) => break socket,
            Err(error) => {
                tracing::warn!(%error, "accepting a connection failed");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    };
    if let Ok(permit) = Arc::clone(permits).try_acquire_owned() {
        return (socket, permit);
    }
    loop {
        connections.evict_longest_waiting();
        let freed = Arc::clone(permits).acquire_owned();
        // If all were busy just now, one may be waiting when we look again.
        if let Ok(permit) = tokio::time::timeout(EVICTION_PAUSE, freed).await {
            let permit = permit.expect("the semaphore is never closed");
            return (socket, permit);
        }
    }
}

/// Every open connection.
#[derive(Clone, Default)]
struct Connections(Arc<Mutex<Registry>>);

#[derive(Default)]
struct Registry {
    next: u64,
    open: HashMap<u64, Arc<ConnectionState>>,
}

impl Connections {
    fn add(&self) -> (u64, Arc<ConnectionState>) {
        let state = Arc::new(ConnectionState::new());
        let mut registry = self.lock();
        let number = registry.next;
        registry.next += 1;
        registry.open.insert(number, Arc::clone(&state));
        (number, state)
    }

    fn remove(&self, number: u64) {
        self.lock().open.remove(&number);
    }

    /// Asks all of them to end.
    fn stop(&self) {
        let registry = self.lock();
        registry
            .open
            .values()
            .for_each(|state| state.request_close(CloseReason::Stop));
    }

    fn evict_longest_waiting(&self) {
        let registry = self.lock();
        let longest = registry
            .open
            .values()
            .filter_map(|state| state.waiting_since().map(|since| (since, state)))
            .min_by_key(|&(since, _)| since);
        if let Some((_, state)) = longest {
            state.request_close(CloseReason::Eviction);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Registry> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
