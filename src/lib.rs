//! rememberd keeps *persistent logins* ("remember me") and rotates their tokens, durably.
//!
//! This page is the map. Data goes down the floors once and the answer comes up once; imports only ever point
//! down, and `tests/tidy/` checks it:
//!
//! ```text
//! main → cli → server → http → service → tables → storage → domain
//!              sockets  hyper  use cases  records   redb     pure rules
//! ```
//!
//! | floor | knows | does not know |
//! |---|---|---|
//! | [`cli`] | commands, signals, the order of starting and stopping | requests |
//! | [`server`] | sockets, connection limits, timeouts, draining | routes, resources |
//! | [`http`] | hyper, JSON, parameters, status codes | redb, rules |
//! | [`service`] | use cases: check the caller, decide, write, in one transaction | hyper, bytes of a record |
//! | [`tables`] | keys, records, indexes, the schema version and its upgrades | who may do what; redb |
//! | [`storage`] | redb, transactions, the writer thread, the rotation journal, caches | any resource |
//! | [`domain`] | what a persistent login is and how it rotates: pure functions and types | I/O, clock, randomness |
//!
//! [`app`] is what the use cases share, [`jobs`] is what goes on in the background, [`audit`] records what happened,
//! [`password_pool`] hashes passwords, [`smtp`] sends mails. [`config`], [`clock`], [`entropy`], [`error`],
//! [`json_problem`], [`logging`], [`metrics`], [`request_id`], [`similar`] and [`throttle`] import nothing above them.
//! [`testing`] is the one path by which the tests reach the inside.
//!
//! A resource has the same name on every floor: `http/persistent_login/`, `service/persistent_login/`,
//! `tables/persistent_login/`, `domain/persistent_login.rs`.
//!
//! # One request
//!
//! ```text
//! connection → http::handle → router → http::persistent_login
//!   → service::persistent_login::refresh
//!       the time is taken here, before queueing
//!       store.read:  the checks, so that a refused caller never reaches the writer, and the generation of the token
//!       store.write: the same checks, the rotation of numbers        ← one ACID transaction
//!   → the fresh token is derived, JSON, after the commit is on disk
//! ```
//!
//! # The writer
//!
//! One thread owns writing ([`storage::writer`]). It runs every job that is waiting in one redb transaction,
//! commits it with an fsync, and answers afterwards. While one commit is on its way the next batch gathers, so
//! there is no timer. A refusal is a verdict ([`service::error::Error`]) and lets the batch commit; only a
//! failure undoes it.
//!
//! Connections are served by worker threads, one less than there are processors, and the answers of a commit
//! come to each of them together ([`storage::writer::completions`]).
//!
//! What makes a durable rotation cheap is the rotation journal: [`storage::journal`] explains it, and nothing
//! above the storage depends on it.
//!
//! # Where to read on
//!
//! [`guide`] has the documents that are longer than a comment: what clients and operators may rely on, the
//! settings, the benchmarks, the terms, and how to change the code.

mod clock;
mod config;
mod entropy;
mod error;
mod json_problem;
mod logging;
mod metrics;
mod password_pool;
#[cfg(test)]
mod property;
mod request_id;
mod similar;
mod throttle;

mod domain;
mod storage;
mod tables;

mod app;
mod audit;
mod jobs;
mod service;
mod smtp;

mod http;
mod server;

pub mod cli;

#[doc(hidden)]
pub mod testing;

/// The documents that are longer than a comment, one module each.
#[cfg(doc)]
mod guide {
    /// Includes the pages with these names. Links between them resolve here to the modules, and in the files,
    /// where they are defined once more at the end, to the files.
    macro_rules! pages {
        ($($page:ident)*) => {
            $(
                #[doc = "[adding_a_resource.md]: crate::guide::adding_a_resource"]
                #[doc = "[benchmarks.md]: crate::guide::benchmarks"]
                #[doc = "[contributing.md]: crate::guide::contributing"]
                #[doc = "[file_format.md]: crate::guide::file_format"]
                #[doc = "[glossary.md]: crate::guide::glossary"]
                #[doc = "[journal.md]: crate::guide::journal"]
                #[doc = "[operating.md]: crate::guide::operating"]
                #[doc = "[operating.md#mail]: crate::guide::operating#mail"]
                #[doc = "[settings.md]: crate::guide::settings"]
                #[doc = "[wire_contract.md]: crate::guide::wire_contract"]
                #[doc = "[wire_contract.md#monitoring]: crate::guide::wire_contract#monitoring"]
                #[doc = "[wire_contract.md#queries]: crate::guide::wire_contract#queries"]
                #[doc = "[wire_contract.md#verification]: crate::guide::wire_contract#verification"]
                #[doc = ""]
                #[doc = include_str!(concat!("guide/", stringify!($page), ".md"))]
                mod $page {}
            )*
        };
    }

    pages! { wire_contract operating settings journal file_format benchmarks glossary contributing adding_a_resource }
}
