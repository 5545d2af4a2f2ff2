//! What is counted for monitoring: requests, failures and connections.
//!
//! Counting takes a few instructions and no lock. What every request counts is counted by each thread for itself, so
//! that no two processors write to the same piece of memory. What the storage counts is in
//! [`storage::writer::metrics`](crate::storage::writer::metrics), what happened to logins in the
//! [audit log](crate::audit).

pub mod histogram;
pub mod routes;

mod connections;
mod failures;
mod requests;

use std::sync::atomic::AtomicU64;

use crate::metrics::connections::ConnectionMetrics;
use crate::metrics::failures::FailureMetrics;
use crate::metrics::requests::RequestMetrics;

/// What one server counts outside of its storage.
#[derive(Default, Debug)]
pub struct Metrics {
    /// Requests, by their route.
    pub requests: RequestMetrics,
    /// Requests that were valid and failed.
    pub failures: FailureMetrics,
    /// Requests without a valid access token.
    pub access_denied: AtomicU64,
    /// Requests whose access token does not allow what they ask for.
    pub action_denied: AtomicU64,
    /// Requests that were answered 429.
    pub throttled: ThrottledMetrics,
    /// Connections.
    pub connections: ConnectionMetrics,
    /// How many bytes of the database's file were in use when that was measured last; 0 before.
    pub database_used_bytes: AtomicU64,
}

/// Requests of clients that had failed too often, by what they failed with.
#[derive(Default, Debug)]
pub struct ThrottledMetrics {
    /// Invalid access tokens.
    pub access_tokens: AtomicU64,
    /// Ids and tokens that do not exist.
    pub logins: AtomicU64,
    /// Sign-ins.
    pub sign_ins: AtomicU64,
}
