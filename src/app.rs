//! What every use case stands on: settings, store, clock, randomness, and whether the server is ready.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use crate::audit::AuditLog;
use crate::clock::Clock;
use crate::config::Config;
use crate::entropy::Entropy;
use crate::storage::Store;

/// One running server, apart from its sockets.
#[derive(Debug)]
pub struct App {
    /// The settings.
    pub config: Config,
    /// The database.
    pub store: Store,
    /// The time.
    pub clock: Clock,
    /// Randomness.
    pub entropy: Entropy,
    /// What happened to logins; jobs of the writer hold it too.
    pub audit: Arc<AuditLog>,
    phase: AtomicU8,
}

/// Where a server is in its life.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum Phase {
    /// The database is being opened; requests are refused.
    Starting,
    /// Requests are served.
    Serving,
    /// Requests under way are finished; the server is about to stop.
    Draining,
}

impl App {
    /// An app that is starting.
    pub fn new(config: Config, store: Store, clock: Clock, entropy: Entropy) -> Self {
        Self {
            config,
            store,
            clock,
            entropy,
            audit: Arc::default(),
            phase: AtomicU8::new(Phase::Starting as u8),
        }
    }

    /// Where the server is in its life.
    pub fn phase(&self) -> Phase {
        match self.phase.load(Ordering::Acquire) {
            0 => Phase::Starting,
            1 => Phase::Serving,
            _ => Phase::Draining,
        }
    }

    /// Enters the next phase.
    pub fn enter(&self, phase: Phase) {
        self.phase.store(phase as u8, Ordering::Release);
    }

    /// Whether a balancer should send requests here.
    pub fn is_ready(&self) -> bool {
        self.phase() == Phase::Serving && self.store.is_open()
    }
}
