//! What a connection is doing, and since when: its timeouts and its eviction depend on it.

use std::net::SocketAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use tokio::sync::Notify;

use crate::config::Config;
use crate::http::connection::Connection;

/// The state of one connection: written by its socket and its handler, read by its timer and by the accept
/// loop. The lock is held for a few instructions, and all but never contended.
#[derive(Debug)]
pub struct ConnectionState {
    peer: SocketAddr,
    current: Mutex<Current>,
    close_requested: Notify,
}

/// Why a connection is requested to close.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum CloseReason {
    /// The server stops: close after the response to the current request.
    Stop,
    /// Another connection needs the permit: close at once, unless a request is being handled.
    Eviction,
}

#[derive(Debug)]
struct Current {
    phase: Phase,
    since: Instant,
    /// Whether the phase has exceeded its timeout.
    is_overdue: bool,
    /// Whether the last requested close is an eviction.
    is_evicted: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Phase {
    /// No byte of a next request has been received.
    Idle,
    /// A part of a request's head has been received.
    ReceivingHead,
    /// A request's head has been received, and its body perhaps not.
    ReceivingBody,
    /// A request is being handled.
    Handling,
}

impl ConnectionState {
    /// The state of a connection from `peer` that is idle.
    pub fn new(peer: SocketAddr) -> Self {
        Self {
            peer,
            current: Mutex::new(Current {
                phase: Phase::Idle,
                since: Instant::now(),
                is_overdue: false,
                is_evicted: false,
            }),
            close_requested: Notify::new(),
        }
    }

    /// Is called when bytes have been received.
    pub fn on_bytes_received(&self) {
        let mut current = self.lock();
        if current.phase == Phase::Idle {
            current.enter(Phase::ReceivingHead, Instant::now());
        }
    }

    /// When the current phase exceeds its timeout.
    pub fn deadline(&self, config: &Config) -> Instant {
        let current = self.lock();
        let timeout = match current.phase {
            Phase::Idle => config.connections.idle_timeout,
            Phase::ReceivingHead => config.requests.header_timeout,
            Phase::ReceivingBody => config.requests.body_timeout,
            Phase::Handling => config.requests.write_timeout,
        };
        current.since + timeout
    }

    /// Marks the current phase as overdue, so that the request's handler responds with an error. Returns
    /// false if there is no handler.
    pub fn time_out(&self) -> bool {
        let mut current = self.lock();
        current.is_overdue = match current.phase {
            Phase::Idle | Phase::ReceivingHead => false,
            Phase::ReceivingBody | Phase::Handling => true,
        };
        current.is_overdue
    }

    /// Since when bytes of the client are awaited; `None` while a request is being handled.
    pub fn waiting_since(&self) -> Option<Instant> {
        let current = self.lock();
        match current.phase {
            Phase::Idle | Phase::ReceivingHead | Phase::ReceivingBody => Some(current.since),
            Phase::Handling => None,
        }
    }

    /// Whether a part of a request has been received.
    pub fn is_receiving(&self) -> bool {
        match self.lock().phase {
            Phase::ReceivingHead | Phase::ReceivingBody => true,
            Phase::Idle | Phase::Handling => false,
        }
    }

    /// Requests that the connection closes. An eviction takes precedence over a stop that is requested
    /// before the connection has noticed.
    pub fn request_close(&self, reason: CloseReason) {
        if reason == CloseReason::Eviction {
            self.lock().is_evicted = true;
        }
        self.close_requested.notify_one();
    }

    /// Returns when a close is requested.
    pub async fn close_requested(&self) -> CloseReason {
        self.close_requested.notified().await;
        if std::mem::take(&mut self.lock().is_evicted) {
            CloseReason::Eviction
        } else {
            CloseReason::Stop
        }
    }

    fn lock(&self) -> MutexGuard<'_, Current> {
        self.current.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Current {
    fn enter(&mut self, phase: Phase, since: Instant) {
        self.phase = phase;
        self.since = since;
        self.is_overdue = false;
    }
}

impl Connection for ConnectionState {
    fn peer(&self) -> SocketAddr {
        self.peer
    }

    fn on_head_received(&self, at: Instant) {
        self.lock().enter(Phase::ReceivingBody, at);
    }

    fn on_request_received(&self, at: Instant) {
        self.lock().enter(Phase::Handling, at);
    }

    fn on_response_ready(&self, at: Instant) {
        self.lock().enter(Phase::Idle, at);
    }

    fn is_overdue(&self) -> bool {
        self.lock().is_overdue
    }
}

#[cfg(test)]
mod tests {
    use std::net::{IpAddr, Ipv4Addr};

    use super::*;

    const PEER: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 1);

    #[test]
    fn each_phase_has_its_own_timeout_and_a_new_phase_is_not_overdue() {
        let config = Config::from_flags(&[
            "--idle-timeout=1s",
            "--header-timeout=2s",
            "--body-timeout=3s",
            "--write-timeout=4s",
        ])
        .expect("valid settings");
        let state = ConnectionState::new(PEER);
        let timeout = || (state.deadline(&config) - state.lock().since).as_secs();
        let wait = || (state.waiting_since().is_some(), state.is_receiving());
        assert_eq!((timeout(), wait()), (1, (true, false)));
        state.on_bytes_received();
        assert_eq!((timeout(), wait()), (2, (true, true)));
        assert!(!state.time_out() && !state.is_overdue());
        state.on_head_received(Instant::now());
        state.on_bytes_received();
        assert_eq!((timeout(), wait()), (3, (true, true)));
        assert!(state.time_out() && state.is_overdue());
        state.on_request_received(Instant::now());
        assert_eq!((timeout(), wait()), (4, (false, false)));
        assert!(!state.is_overdue());
        assert!(state.time_out() && state.is_overdue());
        state.on_response_ready(Instant::now());
        assert_eq!((timeout(), wait()), (1, (true, false)));
        assert!(!state.is_overdue() && !state.time_out());
    }

    #[tokio::test]
    async fn an_eviction_takes_precedence_over_a_stop() {
        let state = ConnectionState::new(PEER);
        state.request_close(CloseReason::Eviction);
        state.request_close(CloseReason::Stop);
        assert_eq!(state.close_requested().await, CloseReason::Eviction);
        state.request_close(CloseReason::Stop);
        assert_eq!(state.close_requested().await, CloseReason::Stop);
    }
}
