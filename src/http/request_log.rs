//! The one log line of a request.

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use hyper::StatusCode;

use crate::app::App;
use crate::http::caller::{ACCESS_DENIED, is_caller_refused};
use crate::http::connection::Peer;
use crate::http::error::ApiError;
use crate::request_id::RequestId;

/// What is logged of a request. None of it is text that the client chose.
pub struct RequestLog<'a> {
    /// The request's id, which its response has too.
    pub request_id: RequestId,
    /// The name of the method, or `other`.
    pub method: &'static str,
    /// The name of the route, or `none`.
    pub route: &'static str,
    /// The status of the response.
    pub status: StatusCode,
    /// The application that asked, if its access token was valid.
    pub application: Option<&'a str>,
    /// The time from the receipt of the head to the response.
    pub duration: Duration,
}

impl RequestLog<'_> {
    /// Logs a request from `peer` that came to `error` at `now`. Of failures with the same cause, the first one is
    /// logged and the others are counted: at overload, or while the disk fails, every request is one.
    pub fn refused(&self, error: &ApiError, app: &App, peer: Peer, now: Instant) {
        let App {
            warnings, metrics, ..
        } = app;
        match error {
            ApiError::Failed(failure) => {
                metrics.failures.record(failure);
                if warnings.request_failed(failure, now) {
                    self.failed(peer, &failure.to_string());
                }
            }
            ApiError::Refused(description) if is_caller_refused(description) => {
                self.completed();
                let count = if description.code == ACCESS_DENIED {
                    &metrics.access_denied
                } else {
                    &metrics.action_denied
                };
                count.fetch_add(1, Ordering::Relaxed);
                if let Peer::Remote(address) = peer {
                    warnings.caller_refused(address.ip(), description.code, self.request_id, now);
                }
            }
            ApiError::Protocol(_)
            | ApiError::Route(_)
            | ApiError::NotAcceptable
            | ApiError::CrossOrigin
            | ApiError::BodyTooLarge
            | ApiError::BodyTooSlow
            | ApiError::BodyMalformed
            | ApiError::BodyUnsupported(_)
            | ApiError::DocumentInvalid(_)
            | ApiError::TooManyParameters { .. }
            | ApiError::ParameterMissing { .. }
            | ApiError::ParameterInvalid { .. }
            | ApiError::Refused(_)
            | ApiError::RefusedForNow { .. } => self.completed(),
        }
    }

    /// Logs a request that succeeded or was refused for a reason of its own.
    pub fn completed(&self) {
        tracing::info!(
            request_id = %self.request_id,
            method = self.method,
            route = self.route,
            status = self.status.as_u16(),
            duration_us = self.duration_us(),
            application = self.application,
            "request"
        );
    }

    /// Logs a request from `peer` that failed because of `cause`.
    fn failed(&self, peer: Peer, cause: &str) {
        tracing::error!(
            request_id = %self.request_id,
            method = self.method,
            route = self.route,
            status = self.status.as_u16(),
            duration_us = self.duration_us(),
            application = self.application,
            %peer,
            cause,
            "request failed"
        );
    }

    fn duration_us(&self) -> u64 {
        u64::try_from(self.duration.as_micros()).unwrap_or(u64::MAX)
    }
}
