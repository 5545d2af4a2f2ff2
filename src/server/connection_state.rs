//! What a connection is doing, and since when: its timeouts and its eviction depend on it.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::Notify;

use crate::config::Config;
use crate::http::connection::{Connection, Peer};

/// How long a connection is left open at least, and how long a client can take to receive some bytes of a response.
const PROTECTED_FOR: Duration = Duration::from_millis(20);

/// How long a client can take to send its first request after it has connected, or the rest of a request: a client
/// that is starved of processor time is as slow, and a body that is sent after its head can be delayed by 40 ms if
/// both sides wait to put more into a packet.
const PAUSE_MAX: Duration = Duration::from_millis(250);

/// How long a client that sends nothing is no worse than others. An idle connection is closed after its next response
/// rather than at once until then: its client may be busy, and not check whether the server has closed it.
const STALLED_AFTER: Duration = Duration::from_secs(1);

/// How long a body may take to arrive over the local socket: a command of the operator reads it from a file meanwhile,
/// and can be stopped and continued. Nobody else can connect.
const LOCAL_BODY_TIMEOUT: Duration = Duration::from_secs(60 * 60);

/// The state of one connection: written by its socket and its handler, read by its timer and by the accept
/// loop. The lock is held for a few instructions, and all but never contended.
#[derive(Debug)]
pub struct ConnectionState {
    peer: Peer,
    opened: Instant,
    current: Mutex<Current>,
    /// Whether a close is requested. It is read for each request, without the lock.
    is_closing: AtomicBool,
    /// Whether a request has begun since the connection's task was polled last.
    has_had_turn: AtomicBool,
    close_requested: Notify,
}

/// Why a connection is requested to close. A later reason replaces those before it in this order.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum CloseReason {
    /// Others wait for a place: close after the next response, or once it was idle for a while.
    Rotation,
    /// The server stops, or the connection was idle for too long: close after the response to the current request.
    Stop,
    /// Another connection takes its place: close at once, unless a request is being handled.
    Eviction,
}

/// Which connections are evicted first.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum EvictionRank {
    /// The client has long sent nothing, or only a part of a request, or does not read a response.
    Stalled,
    /// The client has read its response and has been idle for a while.
    Idle,
    /// Requests are handled: if it is closed after a response, nothing is lost.
    Busy,
    /// The client has sent nothing, but not for long: closing it may lose the request that it is about to send.
    New,
}

impl EvictionRank {
    /// How a connection of this rank is closed.
    pub fn close_reason(self) -> CloseReason {
        match self {
            Self::Busy => CloseReason::Rotation,
            Self::Stalled | Self::Idle | Self::New => CloseReason::Eviction,
        }
    }
}

#[derive(Debug)]
struct Current {
    phase: Phase,
    since: Instant,
    /// Whether the phase has exceeded its timeout.
    is_overdue: bool,
    /// How many bytes the chunks of the request announce, if these are more than most bodies may have.
    announced_bytes: u64,
    /// Since when the client has not received any byte of a response, although some are to be sent.
    write_blocked_since: Option<Instant>,
    /// Whether the socket is known to hold no byte that was not received yet.
    is_socket_empty: bool,
    closing: Option<Closing>,
}

#[derive(Clone, Copy, Debug)]
struct Closing {
    reason: CloseReason,
    since: Instant,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Phase {
    /// No byte has been received on this connection.
    New,
    /// No byte of a next request has been received.
    Idle,
    /// A part of a request's head has been received.
    ReceivingHead,
    /// A request's head has been received, and its body perhaps not.
    ReceivingBody,
    /// An upload's head has been received, and its body perhaps not. There are few at the same time.
    ReceivingUpload,
    /// A request is being handled.
    Handling,
}

impl ConnectionState {
    /// The state of a connection from `peer` that was just accepted.
    pub fn new(peer: Peer) -> Self {
        let now = Instant::now();
        Self {
            peer,
            opened: now,
            current: Mutex::new(Current {
                phase: Phase::New,
                since: now,
                is_overdue: false,
                announced_bytes: 0,
                write_blocked_since: None,
                is_socket_empty: false,
                closing: None,
            }),
            is_closing: AtomicBool::new(false),
            has_had_turn: AtomicBool::new(false),
            close_requested: Notify::new(),
        }
    }

    /// Is called before the connection's task is polled.
    pub fn on_turn(&self) {
        self.has_had_turn.store(false, Ordering::Relaxed);
    }

    /// Is called when bytes have been received. Returns whether they are of a request's head, and perhaps of what
    /// follows it.
    pub fn on_bytes_received(&self) -> bool {
        let mut current = self.lock();
        current.is_socket_empty = false;
        if matches!(current.phase, Phase::New | Phase::Idle) {
            current.enter(Phase::ReceivingHead, Instant::now());
        }
        current.phase == Phase::ReceivingHead
    }

    /// Is called when the chunks of the request announce this many bytes, which are more than most bodies may have.
    pub fn on_bytes_announced(&self, bytes: u64) {
        self.lock().announced_bytes = bytes;
    }

    /// Is called when the next bytes of a request are awaited and the socket holds none.
    pub fn on_socket_empty(&self) {
        self.lock().is_socket_empty = true;
    }

    /// Is called when bytes of a response could not be sent.
    pub fn on_write_blocked(&self) {
        let mut current = self.lock();
        current.write_blocked_since = Some(Instant::now());
    }

    /// Is called when bytes of a response were sent after [`on_write_blocked`](Self::on_write_blocked).
    pub fn on_write_resumed(&self) {
        let mut current = self.lock();
        current.write_blocked_since = None;
        // A client that has just received bytes is not idle for as long as it took to send them.
        current.since = Instant::now();
    }

    /// Is called when bytes of a response were sent, if the response may take long: while it goes on, the connection is
    /// not idle.
    pub fn on_bytes_sent(&self) {
        self.lock().since = Instant::now();
    }

    /// When the current phase exceeds its timeout.
    pub fn deadline(&self, config: &Config) -> Instant {
        let current = self.lock();
        if let Some(since) = current.write_blocked_since {
            return since + config.requests.write_timeout;
        }
        let timeout = match current.phase {
            Phase::New | Phase::Idle => config.connections.idle_timeout,
            Phase::ReceivingHead => config.requests.header_timeout,
            Phase::ReceivingBody if self.peer == Peer::Local => LOCAL_BODY_TIMEOUT,
            Phase::ReceivingBody => config.requests.body_timeout,
            Phase::ReceivingUpload => config.attachments.upload_timeout,
            Phase::Handling => config.requests.write_timeout,
        };
        current.since + timeout
    }

    /// Marks the current phase as overdue, so that the request's handler responds with an error, or an idle
    /// connection closes. Returns false if it is to be closed as it is.
    pub fn time_out(&self) -> bool {
        let mut current = self.lock();
        if current.write_blocked_since.is_some() {
            return false;
        }
        match current.phase {
            Phase::New | Phase::Idle => {
                drop(current);
                // The socket may hold a request.
                self.request_close(CloseReason::Stop);
                true
            }
            Phase::ReceivingHead => false,
            Phase::ReceivingBody | Phase::ReceivingUpload | Phase::Handling => {
                current.is_overdue = true;
                true
            }
        }
    }

    /// How soon this connection is to be evicted, and since when what decides it holds; `None` if it is to be left
    /// open, or is closing.
    pub fn eviction_rank(&self, now: Instant) -> Option<(EvictionRank, Instant)> {
        let current = self.lock();
        if current.closing.is_some() {
            return None;
        }
        let since = current.write_blocked_since.unwrap_or(current.since);
        let age = now.saturating_duration_since(since);
        let stalled = |after| (age >= after).then_some((EvictionRank::Stalled, since));
        match current.phase {
            _ if current.write_blocked_since.is_some() => stalled(PROTECTED_FOR),
            Phase::ReceivingHead | Phase::ReceivingBody => stalled(PAUSE_MAX),
            Phase::ReceivingUpload => None,
            Phase::New => stalled(STALLED_AFTER)
                .or_else(|| (age >= PAUSE_MAX).then_some((EvictionRank::New, since))),
            Phase::Idle if age >= STALLED_AFTER => Some((EvictionRank::Idle, since)),
            Phase::Idle | Phase::Handling => {
                let is_protected = now.saturating_duration_since(self.opened) < PROTECTED_FOR;
                (!is_protected).then_some((EvictionRank::Busy, self.opened))
            }
        }
    }

    /// Since when the client has been awaited, if that is longer than it can take; `None` if the connection cannot be
    /// closed at once, or is closing.
    pub fn awaited_since(&self, now: Instant) -> Option<Instant> {
        let current = self.lock();
        if current.closing.is_some() {
            return None;
        }
        let since = match (current.write_blocked_since, current.phase) {
            (Some(since), _) => since,
            (None, Phase::ReceivingUpload | Phase::Handling) => return None,
            (None, _) => current.since,
        };
        (now.saturating_duration_since(since) >= PAUSE_MAX).then_some(since)
    }

    /// Requests that the connection closes.
    pub fn request_close(&self, reason: CloseReason) {
        let mut current = self.lock();
        if current
            .closing
            .is_none_or(|closing| closing.reason < reason)
        {
            let since = Instant::now();
            current.closing = Some(Closing { reason, since });
        }
        drop(current);
        self.is_closing.store(true, Ordering::Relaxed);
        self.close_requested.notify_one();
    }

    /// Returns when a close is requested.
    pub async fn close_requested(&self) {
        self.close_requested.notified().await;
    }

    /// Whether the requested close can be carried out now: no request is lost by it that the client has begun and
    /// for which others should wait.
    pub fn can_close(&self, now: Instant) -> bool {
        let current = self.lock();
        let Some(closing) = current.closing else {
            return false;
        };
        let since = current.write_blocked_since.unwrap_or(current.since);
        let age = now.saturating_duration_since(since);
        // What this connection is evicted for; anything else began afterwards.
        let is_evicted = closing.reason == CloseReason::Eviction && since <= closing.since;
        if current.write_blocked_since.is_some() {
            // A stop gives the client the same time to receive something, however long it has not done so.
            let is_abandoned = match closing.reason {
                CloseReason::Stop => {
                    now.saturating_duration_since(since.max(closing.since)) >= STALLED_AFTER
                }
                CloseReason::Rotation | CloseReason::Eviction => age >= STALLED_AFTER,
            };
            return is_evicted || is_abandoned;
        }
        match (current.phase, closing.reason) {
            (Phase::Handling, _) => false,
            (Phase::ReceivingUpload, CloseReason::Rotation | CloseReason::Eviction) => false,
            // Some bytes wait to be received. They get a moment, in which the phase changes if they are a request.
            _ if !current.is_socket_empty => {
                let is_over = now.saturating_duration_since(closing.since) >= PAUSE_MAX;
                let is_receiving =
                    matches!(current.phase, Phase::ReceivingHead | Phase::ReceivingBody);
                is_receiving && is_evicted && is_over
            }
            (_, CloseReason::Rotation) => age >= STALLED_AFTER,
            (Phase::New | Phase::Idle, CloseReason::Stop | CloseReason::Eviction) => true,
            (Phase::ReceivingHead | Phase::ReceivingBody, CloseReason::Eviction) => {
                is_evicted || age >= STALLED_AFTER
            }
            // A stop gives each request the same time to arrive, however long it took until then.
            (
                Phase::ReceivingHead | Phase::ReceivingBody | Phase::ReceivingUpload,
                CloseReason::Stop,
            ) => {
                let since = since.max(closing.since);
                now.saturating_duration_since(since) >= STALLED_AFTER
            }
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
        // The chunks are read while the head is, before the handler takes it.
        if phase == Phase::Idle {
            self.announced_bytes = 0;
        }
    }
}

impl Connection for ConnectionState {
    fn peer(&self) -> Peer {
        self.peer
    }

    fn is_turn_over(&self) -> bool {
        self.has_had_turn.swap(true, Ordering::Relaxed)
    }

    fn is_closing(&self) -> bool {
        self.is_closing.load(Ordering::Relaxed)
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

    fn announced_bytes(&self) -> u64 {
        self.lock().announced_bytes
    }

    fn on_upload_admitted(&self, at: Instant) {
        self.lock().enter(Phase::ReceivingUpload, at);
    }

    fn close_after_response(&self) {
        self.request_close(CloseReason::Rotation);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PEER: Peer = Peer::Local;

    #[test]
    fn each_phase_has_its_own_timeout_and_a_new_phase_is_not_overdue() {
        let config = Config::from_flags(&[
            "--idle-timeout=1s",
            "--header-timeout=2s",
            "--body-timeout=3s",
            "--write-timeout=4s",
        ])
        .expect("valid settings");
        let state = ConnectionState::new(Peer::Remote(([127, 0, 0, 1], 80).into()));
        let timeout = || (state.deadline(&config) - state.lock().since).as_secs();
        assert_eq!(timeout(), 1);
        state.on_bytes_received();
        assert_eq!(timeout(), 2);
        assert!(!state.time_out() && !state.is_overdue());
        state.on_head_received(Instant::now());
        state.on_bytes_received();
        assert_eq!(timeout(), 3);
        assert!(state.time_out() && state.is_overdue());
        state.on_request_received(Instant::now());
        assert_eq!(timeout(), 4);
        assert!(!state.is_overdue());
        assert!(state.time_out() && state.is_overdue());
        state.on_response_ready(Instant::now());
        assert_eq!(timeout(), 1);
        assert!(!state.is_overdue() && !state.is_closing());
        // The socket may hold a request, so the connection is closed only after a look at it.
        assert!(state.time_out() && state.is_closing());
        assert!(!state.can_close(Instant::now()));
        state.on_socket_empty();
        assert!(state.can_close(Instant::now()));
    }

    #[test]
    fn a_body_over_the_local_socket_may_take_long() {
        let config = Config::from_flags(&["--body-timeout=3s"]).expect("valid settings");
        let state = ConnectionState::new(Peer::Local);
        state.on_bytes_received();
        state.on_head_received(Instant::now());
        let timeout = state.deadline(&config) - state.lock().since;
        assert_eq!(timeout, LOCAL_BODY_TIMEOUT);
    }

    /// The rank `age` after the present.
    fn rank(state: &ConnectionState, age: Duration) -> Option<EvictionRank> {
        let rank = state.eviction_rank(Instant::now() + age);
        rank.map(|(rank, _)| rank)
    }

    #[test]
    fn a_client_that_keeps_the_server_waiting_is_evicted_before_others_and_none_at_once() {
        let state = ConnectionState::new(PEER);
        assert_eq!(rank(&state, Duration::ZERO), None);
        assert_eq!(rank(&state, PROTECTED_FOR), None);
        assert_eq!(rank(&state, PAUSE_MAX), Some(EvictionRank::New));
        assert_eq!(rank(&state, STALLED_AFTER), Some(EvictionRank::Stalled));
        state.on_bytes_received();
        assert_eq!(rank(&state, PROTECTED_FOR), None);
        assert_eq!(rank(&state, PAUSE_MAX), Some(EvictionRank::Stalled));
        state.on_head_received(Instant::now());
        state.on_request_received(Instant::now());
        assert_eq!(rank(&state, STALLED_AFTER), Some(EvictionRank::Busy));
        state.on_response_ready(Instant::now());
        assert_eq!(rank(&state, PROTECTED_FOR), Some(EvictionRank::Busy));
        assert_eq!(rank(&state, STALLED_AFTER), Some(EvictionRank::Idle));
        state.on_write_blocked();
        assert_eq!(rank(&state, PROTECTED_FOR), Some(EvictionRank::Stalled));
        state.on_write_resumed();
        assert_eq!(rank(&state, PROTECTED_FOR), Some(EvictionRank::Busy));
        state.request_close(CloseReason::Rotation);
        assert_eq!(rank(&state, STALLED_AFTER), None);
    }

    #[test]
    fn a_connection_is_not_closed_while_its_socket_may_hold_a_request() {
        for reason in [CloseReason::Stop, CloseReason::Eviction] {
            let state = ConnectionState::new(PEER);
            assert!(!state.can_close(Instant::now()));
            state.request_close(reason);
            assert!(!state.can_close(Instant::now() + STALLED_AFTER));
            state.on_bytes_received();
            state.on_head_received(Instant::now());
            state.on_request_received(Instant::now());
            assert!(!state.can_close(Instant::now() + STALLED_AFTER));
            state.on_response_ready(Instant::now());
            state.on_socket_empty();
            assert!(state.can_close(Instant::now()));
        }
    }

    #[test]
    fn half_a_request_from_before_an_eviction_is_dropped_and_one_that_begins_after_it_has_some_time()
     {
        let state = ConnectionState::new(PEER);
        state.on_bytes_received();
        state.request_close(CloseReason::Eviction);
        let now = Instant::now();
        assert!(!state.can_close(now), "the rest may be in the socket");
        assert!(state.can_close(now + PAUSE_MAX));
        state.on_socket_empty();
        assert!(state.can_close(now));
        let state = ConnectionState::new(PEER);
        state.request_close(CloseReason::Eviction);
        let now = Instant::now() + Duration::from_millis(1);
        state.on_head_received(now);
        state.on_socket_empty();
        assert!(!state.can_close(now));
        assert!(state.can_close(now + STALLED_AFTER));
    }

    #[test]
    fn half_a_request_has_some_time_after_a_stop() {
        let state = ConnectionState::new(PEER);
        let long_ago = Instant::now().checked_sub(STALLED_AFTER);
        state.on_head_received(long_ago.expect("the host has run for a second"));
        state.request_close(CloseReason::Stop);
        state.on_socket_empty();
        let now = Instant::now();
        assert!(!state.can_close(now));
        assert!(state.can_close(now + STALLED_AFTER));
    }

    #[test]
    fn a_response_that_is_not_received_has_some_time_after_a_stop_and_one_that_is_has_more() {
        let state = ConnectionState::new(PEER);
        state.on_write_blocked();
        state.request_close(CloseReason::Stop);
        let now = Instant::now();
        assert!(!state.can_close(now));
        assert!(state.can_close(now + STALLED_AFTER));
        state.on_write_resumed();
        assert!(!state.can_close(now + STALLED_AFTER));
    }

    #[test]
    fn an_eviction_takes_precedence_over_a_stop_and_both_over_a_rotation() {
        let state = ConnectionState::new(PEER);
        for (requested, expected) in [
            (CloseReason::Rotation, CloseReason::Rotation),
            (CloseReason::Stop, CloseReason::Stop),
            (CloseReason::Rotation, CloseReason::Stop),
            (CloseReason::Eviction, CloseReason::Eviction),
            (CloseReason::Stop, CloseReason::Eviction),
        ] {
            state.request_close(requested);
            let closing = state.lock().closing.expect("a close is requested");
            assert_eq!(closing.reason, expected);
        }
    }
}
