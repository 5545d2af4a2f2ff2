//! The open connections: a limit on their number, making room at the limit, and closing all of them.
//!
//! A new connection takes the place of another one at once, while that one is still closing: it may have a request
//! that is being handled, and accepting does not wait for that. Where all others have just been accepted, it takes a
//! place beyond the limit, which the next one gives back. So there are at most a quarter more open sockets than places.
//! When there are that many, new connections wait, and behind them those in the operating system's backlog.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::Notify;
use tokio::time::timeout;

use crate::http::connection::Peer;
use crate::server::connection_state::{CloseReason, ConnectionState, EvictionRank};

/// How long to wait for a connection to close, or to lose its protection, before trying again.
const RETRY_PAUSE: Duration = Duration::from_millis(5);

/// How long new connections wait for the place of another one, before they take those beyond the limit.
const PLACE_PATIENCE: Duration = Duration::from_millis(25);

/// How long the connections that are closing may all take before others are closed at once.
const CLOSING_PATIENCE: Duration = Duration::from_millis(250);

/// How long connections that were chosen to be evicted are used before others are chosen.
const CHOICE_MAX_AGE: Duration = Duration::from_millis(5);

/// How many connections are chosen to be evicted at a time, at most: choosing reads the states of all.
const CHOSEN_MAX: usize = 64;

/// How many connections are evicted for a new one, at most: one for itself, and one for an earlier one that took a
/// place beyond the limit.
const EVICTIONS_MAX: usize = 2;

/// The number of connections that can be open beside `max` open ones.
pub const fn beyond_max(max: usize) -> usize {
    max.div_ceil(4)
}

/// The open connections, up to a limit.
#[derive(Clone)]
pub struct Connections {
    max: usize,
    registry: Arc<Mutex<Registry>>,
    /// Is notified when a connection has closed.
    closed: Arc<Notify>,
}

#[derive(Default)]
struct Registry {
    next_id: u64,
    open: HashMap<u64, Entry>,
    /// The number of those whose place has been given to another one.
    evicted: usize,
    choice: Choice,
    /// Since when every connection was protected, each time that one was to be evicted.
    all_protected_since: Option<Instant>,
}

struct Entry {
    state: Arc<ConnectionState>,
    is_evicted: bool,
}

/// The connections to be evicted next, the first one last.
#[derive(Default)]
struct Choice {
    chosen: Vec<(EvictionRank, Instant, u64)>,
    at: Option<Instant>,
}

/// An open connection. It counts until this is dropped, which happens also if its task panics or is aborted.
pub struct OpenConnection {
    id: u64,
    /// The connection's state.
    pub state: Arc<ConnectionState>,
    connections: Connections,
}

impl Connections {
    /// No connection, and places for `max`.
    pub fn new(max: usize) -> Self {
        Self {
            max,
            registry: Arc::default(),
            closed: Arc::default(),
        }
    }

    /// Opens a connection from `peer`. At the limit, another one is evicted for it.
    pub async fn open(&self, peer: Peer) -> OpenConnection {
        let began = Instant::now();
        let mut now = began;
        loop {
            if let Some(opened) = self.try_open(peer, began, now) {
                return opened;
            }
            self.closed().await;
            now = Instant::now();
        }
    }

    /// Waits for a moment until a connection has closed.
    async fn closed(&self) {
        // After the pause, another one may have lost its protection.
        let _ = timeout(RETRY_PAUSE, self.closed.notified()).await;
    }

    /// Evicts the connection whose client has been awaited longest, because the host has no more file descriptors, and
    /// waits for a while until it has closed: one is closed for a new one, however long that takes on a busy host.
    /// Returns false if there is none.
    pub async fn evict_waiting(&self) -> bool {
        let began = Instant::now();
        let Some(evicted) = self.lock().evict_waiting(began) else {
            return false;
        };
        while self.lock().open.contains_key(&evicted) && began.elapsed() < CLOSING_PATIENCE {
            self.closed().await;
        }
        true
    }

    /// Requests that all of them close because the server stops.
    pub fn stop(&self) {
        for entry in self.lock().open.values() {
            entry.state.request_close(CloseReason::Stop);
        }
    }

    fn try_open(&self, peer: Peer, began: Instant, now: Instant) -> Option<OpenConnection> {
        let mut registry = self.lock();
        let waited = now.duration_since(began);
        if registry.open.len() >= self.max + beyond_max(self.max) {
            if waited >= CLOSING_PATIENCE {
                registry.evict_waiting(now);
            }
            return None;
        }
        let count = registry.open.len() - registry.evicted + 1;
        let evictions = self.max..count.min(self.max + EVICTIONS_MAX);
        let is_full = !evictions.is_empty();
        let evicted = evictions.filter(|_| registry.evict_next(now)).count();
        // Else all others are protected: they have a moment to send their first request.
        if is_full && evicted == 0 {
            let since = *registry.all_protected_since.get_or_insert(now);
            if now.duration_since(since) < PLACE_PATIENCE {
                return None;
            }
        } else {
            registry.all_protected_since = None;
        }
        let state = Arc::new(ConnectionState::new(peer));
        let id = registry.next_id;
        registry.next_id += 1;
        let entry = Entry {
            state: Arc::clone(&state),
            is_evicted: false,
        };
        registry.open.insert(id, entry);
        drop(registry);
        Some(OpenConnection {
            id,
            state,
            connections: self.clone(),
        })
    }

    fn lock(&self) -> MutexGuard<'_, Registry> {
        self.registry.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Registry {
    /// Evicts the connection that is to be evicted first. Returns false if all of them are protected.
    fn evict_next(&mut self, now: Instant) -> bool {
        let is_current = |at: Instant| now.saturating_duration_since(at) < CHOICE_MAX_AGE;
        if self.choice.chosen.is_empty() || !self.choice.at.is_some_and(is_current) {
            self.choose(now);
        }
        while let Some((rank, since, id)) = self.choice.chosen.pop() {
            // It may have closed, or gone on, since it was chosen.
            let is_unchanged = self.open.get(&id).is_some_and(|entry| {
                let current = entry.state.eviction_rank(now);
                current.is_some_and(|current| current.0 <= rank && current.1 == since)
            });
            if is_unchanged {
                self.evict(id, rank.close_reason());
                return true;
            }
        }
        false
    }

    /// Chooses those to be evicted next: of the lowest rank, and among these the longest.
    fn choose(&mut self, now: Instant) {
        let ranked = self.open.iter().filter_map(|(&id, entry)| {
            let (rank, since) = entry.state.eviction_rank(now)?;
            Some((rank, since, id))
        });
        self.choice.chosen.clear();
        self.choice.chosen.extend(ranked);
        self.choice.at = Some(now);
        let chosen = &mut self.choice.chosen;
        let count = (chosen.len() / 8 + 1).min(CHOSEN_MAX);
        if count < chosen.len() {
            chosen.select_nth_unstable(count);
            chosen.truncate(count);
        }
        chosen.sort_unstable_by(|one, other| other.cmp(one));
    }

    /// Evicts the connection whose client has been awaited longest, whatever is lost by that, and returns its id.
    fn evict_waiting(&mut self, now: Instant) -> Option<u64> {
        let longest = self
            .open
            .iter()
            .filter_map(|(&id, entry)| Some((entry.state.awaited_since(now)?, id)))
            .min();
        let (_, id) = longest?;
        self.evict(id, CloseReason::Eviction);
        Some(id)
    }

    fn evict(&mut self, id: u64, reason: CloseReason) {
        let entry = self.open.get_mut(&id).expect("it was found just now");
        if !entry.is_evicted {
            entry.is_evicted = true;
            self.evicted += 1;
        }
        entry.state.request_close(reason);
    }
}

impl Drop for OpenConnection {
    fn drop(&mut self) {
        let mut registry = self.connections.lock();
        if let Some(entry) = registry.open.remove(&self.id)
            && entry.is_evicted
        {
            registry.evicted -= 1;
        }
        drop(registry);
        self.connections.closed.notify_one();
    }
}
