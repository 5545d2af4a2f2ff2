//! The open connections: a limit on their number, eviction at the limit, and closing all of them.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

use crate::server::connection_state::{CloseReason, ConnectionState};

/// How long to wait for an evicted connection to close before another one is evicted.
const EVICTION_PAUSE: Duration = Duration::from_millis(20);

/// The open connections, up to a limit.
#[derive(Clone)]
pub struct Connections {
    permits: Arc<Semaphore>,
    registry: Arc<Mutex<Registry>>,
}

#[derive(Default)]
struct Registry {
    next_id: u64,
    open: HashMap<u64, Arc<ConnectionState>>,
}

/// An open connection. It counts until this is dropped, which happens also if its task panics or is aborted.
pub struct OpenConnection {
    id: u64,
    /// The connection's state.
    pub state: Arc<ConnectionState>,
    connections: Connections,
    /// Released after the connection has been removed from the registry.
    _permit: OwnedSemaphorePermit,
}

impl Connections {
    /// No connection, and room for `max`.
    pub fn new(max: usize) -> Self {
        Self {
            permits: Arc::new(Semaphore::new(max)),
            registry: Arc::default(),
        }
    }

    /// Opens a connection from `peer`. At the limit, connections are evicted until one of them has closed, beginning with
    /// the one that has waited longest for its client.
    pub async fn open(&self, peer: SocketAddr) -> OpenConnection {
        if let Ok(permit) = Arc::clone(&self.permits).try_acquire_owned() {
            return self.register(peer, permit);
        }
        loop {
            self.evict_longest_waiting();
            let permit = Arc::clone(&self.permits).acquire_owned();
            // If a request was being handled on each of them, one may have become idle since.
            if let Ok(permit) = timeout(EVICTION_PAUSE, permit).await {
                return self.register(peer, permit.expect("the semaphore is never closed"));
            }
        }
    }

    /// Requests that all of them close because the server stops.
    pub fn stop(&self) {
        for state in self.lock().open.values() {
            state.request_close(CloseReason::Stop);
        }
    }

    fn register(&self, peer: SocketAddr, permit: OwnedSemaphorePermit) -> OpenConnection {
        let state = Arc::new(ConnectionState::new(peer));
        let mut registry = self.lock();
        let id = registry.next_id;
        registry.next_id += 1;
        registry.open.insert(id, Arc::clone(&state));
        drop(registry);
        OpenConnection {
            id,
            state,
            connections: self.clone(),
            _permit: permit,
        }
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
        self.registry.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for OpenConnection {
    fn drop(&mut self) {
        self.connections.lock().open.remove(&self.id);
    }
}
