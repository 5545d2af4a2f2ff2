//! What HTTP/1.1 demands of every request beyond what hyper checks: one valid `Host`, and a body whose length is
//! beyond doubt. What two programs on the way could read differently is refused, and the connection closed.

pub mod automatic;
pub mod chunks;
pub mod error;

mod host;

use hyper::header::{HOST, TRANSFER_ENCODING};
use hyper::{Request, Version};

use crate::app::App;
use crate::http::protocol::error::ProtocolError;

/// Checks the head of a request. Returns whether its body is chunked.
///
/// # Errors
///
/// Why the request is refused.
pub fn check<B>(app: &App, request: &Request<B>) -> Result<bool, ProtocolError> {
    let (version, headers) = (request.version(), request.headers());
    // A target in absolute form has the host that counts (RFC 9112, section 3.2.2).
    if let Some(authority) = request.uri().authority() {
        check_host(app, authority.as_str().as_bytes())?;
    }
    let mut hosts = headers.get_all(HOST).iter();
    match (hosts.next(), hosts.next()) {
        // A browser always sends one, so that this is no way around the restriction to this computer.
        (None, _) if version < Version::HTTP_11 => {}
        (None, _) => return Err(ProtocolError::HostMissing),
        (Some(_), Some(_)) => return Err(ProtocolError::HostRepeated),
        (Some(host), None) => check_host(app, host.as_bytes())?,
    }
    let mut codings = headers.get_all(TRANSFER_ENCODING).iter();
    match (codings.next(), codings.next()) {
        (None, _) => Ok(false),
        (Some(coding), None) if coding.as_bytes().eq_ignore_ascii_case(b"chunked") => Ok(true),
        (Some(_), _) => Err(ProtocolError::TransferEncoding),
    }
}

fn check_host(app: &App, host: &[u8]) -> Result<(), ProtocolError> {
    let host = host::parse(host).ok_or(ProtocolError::HostInvalid)?;
    if app.is_restricted_to_loopback() && !host::is_loopback(host) {
        return Err(ProtocolError::HostForeign);
    }
    Ok(())
}
