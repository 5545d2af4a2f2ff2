//! Clients that guess: after too many failures they are answered 429, and the guide ("Throttling") has the rules.
//!
//! A request with a valid access token, and one with a valid id and token of a login, is never refused for the failures
//! of others: what is replaced is the answer to another failure. A sign-in alone is refused before it is tried.

use std::sync::atomic::Ordering;
use std::time::Instant;

use hyper::StatusCode;

use crate::app::App;
use crate::http::caller::ACCESS_DENIED;
use crate::http::client::Client;
use crate::http::connection::Peer;
use crate::http::error::{ApiError, Describe, Description, OTHER};
use crate::service::persistent_login::refusal::PersistentLoginRefusal;
use crate::throttle::network::Network;
use crate::throttle::{Throttle, TooMany};

/// The codes of ids that do not exist, which applications have from their users.
const UNKNOWN: [&str; 3] = [
    "NO_SUCH_PERSISTENT_LOGIN",
    "NO_SUCH_TICKET",
    "NO_SUCH_VERIFICATION_TOKEN",
];

/// Counts the failure of a request of `client`, if it may have been a guess. Returns what is to be answered instead of
/// `error`, if the client has failed too often.
pub fn limit(app: &App, error: &ApiError, client: &Client, peer: Peer) -> Option<ApiError> {
    let ApiError::Refused(description) = error else {
        return None;
    };
    let metrics = &app.metrics.throttled;
    let (throttle, network, count) = if description.code == ACCESS_DENIED {
        let network = client.network(peer)?;
        (
            &app.throttles.access_tokens,
            network,
            &metrics.access_tokens,
        )
    } else if is_unknown(description) {
        (&app.throttles.logins, client.user?, &metrics.logins)
    } else {
        return None;
    };
    let too_many = throttle.take(network, Instant::now()).err()?;
    count.fetch_add(1, Ordering::Relaxed);
    Some(refusal(too_many))
}

/// Whether an id or a token was presented that does not exist. One that was used before does.
fn is_unknown(description: &Description) -> bool {
    UNKNOWN.contains(&description.code)
        || *description == PersistentLoginRefusal::TokenUnknown.describe()
}

/// A sign-in that goes on, which counts as failed until it is given back.
#[must_use]
pub struct SignInAttempt<'a>(Option<(&'a Throttle, Network)>);

/// Begins a sign-in of a user of `client`. Where none is named, the client is the application, whose users must not be
/// held up by each other.
///
/// # Errors
///
/// [`ApiError::RefusedForNow`] if too many have failed.
pub fn begin_sign_in<'a>(app: &'a App, client: &Client) -> Result<SignInAttempt<'a>, ApiError> {
    let Some(user) = client.user else {
        return Ok(SignInAttempt(None));
    };
    let throttle = &app.throttles.sign_ins;
    throttle.take(user, Instant::now()).map_err(|too_many| {
        let count = &app.metrics.throttled.sign_ins;
        count.fetch_add(1, Ordering::Relaxed);
        refusal(too_many)
    })?;
    Ok(SignInAttempt(Some((throttle, user))))
}

impl SignInAttempt<'_> {
    /// Ends one that did not fail.
    pub fn give_back(self) {
        if let Some((throttle, user)) = self.0 {
            throttle.give_back(user);
        }
    }
}

fn refusal(TooMany { retry_after }: TooMany) -> ApiError {
    let seconds = retry_after.as_millis().div_ceil(1_000).max(1);
    let unit = if seconds == 1 { "second" } else { "seconds" };
    let message =
        format!("Too many requests of this client have failed; try again in {seconds} {unit}");
    ApiError::RefusedForNow {
        description: Description {
            status: StatusCode::TOO_MANY_REQUESTS,
            code: OTHER,
            message: message.into(),
        },
        retry_after_secs: u64::try_from(seconds).unwrap_or(u64::MAX),
    }
}
