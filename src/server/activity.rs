//! What a connection is doing, and since when: what its timeouts and its eviction go by.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use tokio::sync::Notify;

use crate::config::Config;
use crate::http::connection::Connection;

/// The state of one connection, told by its socket and its handler, read by its timer and the
/// acceptor.
#[derive(Debug)]
pub struct Activity {
    opened: Instant,
    /// The state in the two lowest bits, and above them when it began: microseconds after `opened`.
    state: AtomicU64,
    /// Whether the state has lasted too long.
    overdue: AtomicBool,
    evicted: AtomicBool,
    asked: Notify,
}

/// How a connection is asked to end.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Ending {
    /// The server stops: once the request under way is answered.
    Stop,
    /// Its place is needed: at once, if it is in the middle of nothing.
    Eviction,
}

/// What a connection may be doing.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum State {
    /// Nothing: no byte of a next request has come.
    Idle = 0,
    /// The head of a request has begun to come.
    ReceivingHead = 1,
    /// The head of a request is here, its body may still be coming.
    ReceivingBody = 2,
    /// A whole request is with its handler.
    Answering = 3,
}

impl Activity {
    /// An idle connection.
    pub fn new() -> Self {
        Self {
            opened: Instant::now(),
            state: AtomicU64::new(0),
            overdue: AtomicBool::new(false),
            evicted: AtomicBool::new(false),
            asked: Notify::new(),
        }
    }

    /// Bytes have come.
    pub fn received_bytes(&self) {
        if self.state().0 == State::Idle {
            self.enter(State::ReceivingHead);
        }
    }

    /// The head of a request is complete.
    pub fn received_head(&self) {
        self.enter(State::ReceivingBody);
    }

    /// When the connection will have waited too long for its client, or its client for an answer.
    pub fn deadline(&self, config: &Config) -> Instant {
        let (state, since) = self.state();
        since
            + match state {
                State::Idle => config.idle_timeout,
                State::ReceivingHead => config.header_timeout,
                State::ReceivingBody => config.body_timeout,
                State::Answering => config.write_timeout,
            }
    }

    /// Gives up on the body that is coming or on the work for an answer, which the handler of the request
    /// then tells the client; false if there is no request, and so nobody to tell.
    pub fn give_up(&self) -> bool {
        let has_handler = match self.state().0 {
            State::Idle | State::ReceivingHead => false,
            State::ReceivingBody | State::Answering => true,
        };
        self.overdue.store(has_handler, Ordering::Relaxed);
        has_handler
    }

    /// Since when the connection waits for its client; `None` while it does not.
    pub fn waiting_since(&self) -> Option<Instant> {
        match self.state() {
            (State::Idle | State::ReceivingHead | State::ReceivingBody, since) => Some(since),
            (State::Answering, _) => None,
        }
    }

    /// Whether a request has begun to come and is not complete.
    pub fn is_receiving(&self) -> bool {
        match self.state().0 {
            State::ReceivingHead | State::ReceivingBody => true,
            State::Idle | State::Answering => false,
        }
    }

    /// Asks the connection to end.
    pub fn ask(&self, ending: Ending) {
        if ending == Ending::Eviction {
            self.evicted.store(true, Ordering::Relaxed);
        }
        self.asked.notify_one();
    }

    /// Waits until the connection is asked to end.
    pub async fn asked(&self) -> Ending {
        self.asked.notified().await;
        if self.evicted.swap(false, Ordering::Relaxed) {
            Ending::Eviction
        } else {
            Ending::Stop
        }
    }

    fn enter(&self, state: State) {
        let micros = u64::try_from(self.opened.elapsed().as_micros()).unwrap_or(u64::MAX >> 2);
        self.state
            .store((micros << 2) | state as u64, Ordering::Release);
        self.overdue.store(false, Ordering::Relaxed);
    }

    fn state(&self) -> (State, Instant) {
        let packed = self.state.load(Ordering::Acquire);
        let state = match packed & 0b11 {
            0 => State::Idle,
            1 => State::ReceivingHead,
            2 => State::ReceivingBody,
            _ => State::Answering,
        };
        (state, self.opened + Duration::from_micros(packed >> 2))
    }
}

impl Connection for Activity {
    fn on_request_received(&self) {
        self.enter(State::Answering);
    }

    fn on_response_ready(&self) {
        self.enter(State::Idle);
    }

    fn is_overdue(&self) -> bool {
        self.overdue.load(Ordering::Relaxed)
    }
}
