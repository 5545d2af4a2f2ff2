//! The one log line of a request.

use std::net::SocketAddr;
use std::time::Duration;

use hyper::StatusCode;

use crate::request_id::RequestId;

/// What is logged of a request. None of it is text that the client chose.
pub struct RequestLog {
    /// The request's id, which its response has too.
    pub request_id: RequestId,
    /// The name of the method, or `other`.
    pub method: &'static str,
    /// The name of the route, or `none`.
    pub route: &'static str,
    /// The status of the response.
    pub status: StatusCode,
    /// The time from the receipt of the head to the response.
    pub duration: Duration,
}

impl RequestLog {
    /// Logs a request that succeeded or was refused.
    pub fn completed(&self) {
        tracing::info!(
            request_id = %self.request_id,
            method = self.method,
            route = self.route,
            status = self.status.as_u16(),
            duration_us = self.duration_us(),
            "request"
        );
    }

    /// Logs a request from `peer` that failed because of `cause`.
    pub fn failed(&self, peer: SocketAddr, cause: &str) {
        tracing::error!(
            request_id = %self.request_id,
            method = self.method,
            route = self.route,
            status = self.status.as_u16(),
            duration_us = self.duration_us(),
            %peer,
            cause,
            "request failed"
        );
    }

    fn duration_us(&self) -> u64 {
        u64::try_from(self.duration.as_micros()).unwrap_or(u64::MAX)
    }
}
