//! Warnings about requests that are refused or fail again and again: by a caller without a valid access token, at
//! overload, or while the database cannot be used; and about connections that cannot be accepted.

use std::io::{self, ErrorKind};
use std::net::IpAddr;
use std::time::Instant;

use crate::error::Failure;
use crate::logging::repeated::{Repeated, Summary, Taken};
use crate::request_id::RequestId;
use crate::throttle::network::Network;

/// How many refusals of a network within a minute are a warning. One or two are a mistake, and have their own lines.
const REFUSALS_LOGGED_FROM: u64 = 3;

/// For how many networks refusals are counted.
const NETWORKS_MAX: usize = 256;

/// For how many causes failures are counted.
const CAUSES_MAX: usize = 64;

/// For how many applications deletes are counted that can delete nothing.
const APPLICATIONS_MAX: usize = 64;
/// For how many causes connections that cannot be accepted are counted.
const ACCEPT_CAUSES_MAX: usize = 16;

/// What is counted.
#[derive(Debug)]
pub struct Warnings {
    refusals: Repeated<RefusedCaller>,
    failures: Repeated<Failure>,
    /// By application.
    malformed_deletes: Repeated<String>,
    /// By the code and the kind of the operating system's error, with its text.
    accepts: Repeated<(Option<i32>, ErrorKind), String>,
}

impl Default for Warnings {
    fn default() -> Self {
        Self {
            refusals: Repeated::new(REFUSALS_LOGGED_FROM, NETWORKS_MAX),
            failures: Repeated::new(1, CAUSES_MAX),
            malformed_deletes: Repeated::new(1, APPLICATIONS_MAX),
            accepts: Repeated::new(1, ACCEPT_CAUSES_MAX),
        }
    }
}

impl Warnings {
    /// Counts that a caller at `peer` was refused at `now` with this code of the wire contract, and logs a warning if
    /// that happens repeatedly.
    pub fn caller_refused(
        &self,
        peer: IpAddr,
        code: &'static str,
        request_id: RequestId,
        now: Instant,
    ) {
        let peer = Network::of(peer);
        let caller = RefusedCaller { peer, code };
        if let Some(count) = self.refusals.count(&caller, now, || ()) {
            tracing::warn!(%request_id, %peer, code, count, "a caller is refused repeatedly");
        }
    }

    /// Counts that a request failed at `now`. Returns whether that is logged; if not, it will be in a summary.
    pub fn request_failed(&self, failure: &Failure, now: Instant) -> bool {
        self.failures.count(failure, now, || ()).is_some()
    }

    /// Counts that an application asked at `now` for a delete with an id that can be none, and logs the first one. What
    /// was given may be anything, also a secret, and is not logged.
    pub fn malformed_delete(&self, application: &str, now: Instant) {
        let application = application.to_owned();
        if self
            .malformed_deletes
            .count(&application, now, || ())
            .is_some()
        {
            tracing::warn!(application, "a delete has an id that is no UUID");
        }
    }

    /// Counts that a connection could not be accepted at `now`, and logs a warning at the first time.
    pub fn accept_failed(&self, error: &io::Error, now: Instant) {
        let key = (error.raw_os_error(), error.kind());
        if self
            .accepts
            .count(&key, now, || error.to_string())
            .is_some()
        {
            tracing::warn!(%error, "accepting a connection failed; idle ones are closed for new ones");
        }
    }

    /// Logs what has happened again.
    pub fn log_summaries(&self, taken: Taken, now: Instant) {
        for Summary { key, count, within } in self.refusals.take(taken, now) {
            let caller = key.map(|(caller, ())| caller);
            let (peer, code) = match caller {
                Some(caller) => (caller.peer.to_string(), caller.code),
                None => ("others".to_owned(), "any"),
            };
            let seconds = within.as_secs();
            tracing::warn!(%peer, code, count, seconds, "a caller was refused again");
        }
        for Summary { key, count, within } in self.failures.take(taken, now) {
            let cause =
                key.map_or_else(|| "various".to_owned(), |(failure, ())| failure.to_string());
            let seconds = within.as_secs();
            tracing::error!(cause, count, seconds, "more requests failed");
        }
        for Summary { key, count, within } in self.malformed_deletes.take(taken, now) {
            let application = key.map_or_else(|| "various".to_owned(), |(name, ())| name);
            let seconds = within.as_secs();
            tracing::warn!(
                application,
                count,
                seconds,
                "more deletes have an id that is no UUID"
            );
        }
        for Summary { key, count, within } in self.accepts.take(taken, now) {
            let error = key.map_or_else(|| "various".to_owned(), |(_, error)| error);
            let seconds = within.as_secs();
            tracing::warn!(error, count, seconds, "accepting more connections failed");
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
struct RefusedCaller {
    peer: Network,
    code: &'static str,
}
