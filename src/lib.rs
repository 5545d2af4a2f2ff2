//! rememberd keeps *persistent logins* ("remember me") and rotates their tokens, durably.
//!
//! This page is the map. Data goes down the floors once and the answer comes up once; imports only
//! ever point down, and `tests/tidy.rs` holds the house to it:
//!
//! ```text
//! main → cli → server → http → service → store → domain
//!              sockets  hyper  use cases  redb    pure rules
//! ```
//!
//! | floor | knows | does not know |
//! |---|---|---|
//! | [`cli`] | commands, signals, the order of starting and stopping | requests |
//! | [`server`] | sockets, connection limits, timeouts, draining | routes, resources |
//! | [`http`] | hyper, JSON, parameters, status codes | redb, rules |
//! | [`service`] | the use cases: check the caller, decide, write, in one transaction | hyper, bytes of a record |
//! | [`storage`] | redb, keys, record encoding, the writer thread | who may do what |
//! | [`domain`] | what a persistent login is and how it rotates: pure functions and types | I/O, clock, randomness |
//!
//! [`app`] is what the use cases stand on, [`audit`] is where they record what happened. [`config`], [`clock`], [`entropy`], [`error`] and
//! [`logging`] lie on the ground: they import nothing above them.
//!
//! A resource has the same name on every floor: `http/persistent_login/`,
//! `service/persistent_login.rs`, `store/persistent_login.rs`, `domain/persistent_login.rs`.
//!
//! # One request
//!
//! ```text
//! connection → http::handle → router → http::persistent_login
//!   → service::persistent_login::refresh
//!       the time and a fresh token are taken here, before queueing
//!       store.read:  the checks, so that a refused caller never reaches the writer
//!       store.write: the same checks, the rotation, the record       ← one ACID transaction
//!   → JSON, after the commit is on disk
//! ```
//!
//! # The writer
//!
//! One thread owns writing ([`storage`]). It runs every job that waits in one redb transaction, commits
//! it with an fsync, and answers afterwards. While one commit is under way the next batch gathers by
//! itself, so there is no timer. A refusal is a value ([`error::Refusal`]) and lets the batch commit;
//! only a storage failure undoes it.
//!
//! Connections are served by threads of their own (`server/workers.rs`), one less than there are
//! processors, and the answers of a commit come to each of them together ([`storage::writer::completions`]).
//!
//! What makes a durable rotation cheap is the rotation journal: [`storage::journal`] explains it, and
//! nobody above the store knows of it.

mod clock;
mod config;
mod entropy;
mod error;
mod logging;
#[cfg(test)]
mod property;

mod domain;
mod storage;
mod tables;

mod app;
mod audit;
mod service;

mod http;
mod server;

pub mod cli;

#[doc(hidden)]
pub mod testing;
