//! What HTTP/1.1 demands of every request beyond what hyper checks: one valid `Host`, and a body whose length is
//! beyond doubt. What two programs on the way could read differently is refused, and the connection closed.

use hyper::header::{HOST, HeaderMap, TRANSFER_ENCODING};
use hyper::{StatusCode, Version};

use crate::app::App;
use crate::http::error::{Describe, Description, OTHER};
use crate::http::host;

/// Why a request is refused before its route is looked for. The connection is closed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ProtocolError {
    /// It cannot be parsed.
    NotHttp,
    /// Its target is longer than a target may be.
    TargetTooLong,
    /// Its header has too many bytes or fields.
    HeaderTooLarge,
    /// It has no `Host`.
    HostMissing,
    /// It has more than one `Host`.
    HostRepeated,
    /// Its `Host` is no host and port.
    HostInvalid,
    /// Its `Host` is not this computer, to which the demo data's access token is restricted.
    HostForeign,
    /// Its transfer coding is another than chunked.
    TransferEncoding,
}

/// Checks the head of a request. Returns whether its body is chunked.
///
/// # Errors
///
/// Why the request is refused.
pub fn check(app: &App, version: Version, headers: &HeaderMap) -> Result<bool, ProtocolError> {
    let mut hosts = headers.get_all(HOST).iter();
    match (hosts.next(), hosts.next()) {
        // A browser always sends one, so that this is no way around the restriction to this computer.
        (None, _) if version < Version::HTTP_11 => {}
        (None, _) => return Err(ProtocolError::HostMissing),
        (Some(_), Some(_)) => return Err(ProtocolError::HostRepeated),
        (Some(host), None) => {
            let host = host::parse(host.as_bytes()).ok_or(ProtocolError::HostInvalid)?;
            if app.is_restricted_to_loopback() && !host::is_loopback(host) {
                return Err(ProtocolError::HostForeign);
            }
        }
    }
    let mut codings = headers.get_all(TRANSFER_ENCODING).iter();
    match (codings.next(), codings.next()) {
        (None, _) => Ok(false),
        (Some(coding), None) if coding.as_bytes().eq_ignore_ascii_case(b"chunked") => Ok(true),
        (Some(_), _) => Err(ProtocolError::TransferEncoding),
    }
}

impl Describe for ProtocolError {
    fn describe(&self) -> Description {
        let (status, message) = match self {
            Self::NotHttp => (StatusCode::BAD_REQUEST, "The request is not valid HTTP/1.1"),
            Self::TargetTooLong => (
                StatusCode::URI_TOO_LONG,
                "The target of the request is too long",
            ),
            Self::HeaderTooLarge => (
                StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
                "The header of the request is too large",
            ),
            Self::HostMissing => (
                StatusCode::BAD_REQUEST,
                "The request has no Host header field",
            ),
            Self::HostRepeated => (
                StatusCode::BAD_REQUEST,
                "The request has more than one Host header field",
            ),
            Self::HostInvalid => (
                StatusCode::BAD_REQUEST,
                "The Host header field is not a host and a port",
            ),
            Self::HostForeign => (
                StatusCode::FORBIDDEN,
                "The access token of the example data is public, so requests must be for localhost or a loopback \
                 address; --allow-demo-secrets removes this restriction",
            ),
            Self::TransferEncoding => (
                StatusCode::BAD_REQUEST,
                "The Transfer-Encoding of the request is not chunked",
            ),
        };
        Description {
            status,
            code: OTHER,
            message: message.into(),
        }
    }
}
