//! The errors of requests that are not what HTTP/1.1 demands.

use hyper::StatusCode;

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

impl ProtocolError {
    /// The status and the message of the response.
    pub fn describe(self) -> (StatusCode, &'static str) {
        match self {
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
        }
    }
}
