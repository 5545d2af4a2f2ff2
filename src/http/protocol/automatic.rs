//! Responses that hyper writes by itself, for requests that no handler sees because they cannot be parsed. They have
//! no body, no id and no line in the log; each is replaced by one like every other error.

use std::time::Duration;

use hyper::Method;

use crate::app::App;
use crate::http::error::ApiError;
use crate::http::protocol::error::ProtocolError;
use crate::http::request_log::RequestLog;
use crate::http::response;

/// The end of the header of a response that hyper writes by itself. A header of ours ends otherwise: it has an id
/// before the date.
const LENGTH: &[u8] = b"content-length: 0\r\n";
const CLOSE: &[u8] = b"connection: close\r\n";
const DATE: &[u8] = b"date: ";
const DATE_LENGTH: usize = "Thu, 01 Jan 1970 00:00:00 GMT".len();
const END: &[u8] = b"\r\n\r\n";

/// The length of `HTTP/1.1 `.
const VERSION_LENGTH: usize = 9;

/// The errors for which hyper responds by itself.
const ERRORS: [ProtocolError; 3] = [
    ProtocolError::NotHttp,
    ProtocolError::TargetTooLong,
    ProtocolError::HeaderTooLarge,
];

/// A response that hyper wrote by itself, at the end of some bytes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Automatic<'b> {
    /// Where it begins.
    pub start: usize,
    error: ProtocolError,
    date: &'b [u8],
}

/// The response that hyper wrote by itself at the end of `bytes`, if there is one. It is the last response on its
/// connection, and hyper passes it as a whole.
pub fn find(bytes: &[u8]) -> Option<Automatic<'_>> {
    // All but a few of our own responses end with their body.
    let rest = bytes.strip_suffix(END)?;
    let (rest, date) = rest.split_at_checked(rest.len().checked_sub(DATE_LENGTH)?)?;
    let rest = rest.strip_suffix(DATE)?.strip_suffix(LENGTH)?;
    // Absent after a request with HTTP/1.0.
    let rest = rest
        .strip_suffix(CLOSE)
        .unwrap_or(rest)
        .strip_suffix(b"\r\n")?;
    ERRORS.into_iter().find_map(|error| {
        let (status, _) = error.describe();
        let rest = rest
            .strip_suffix(status.canonical_reason()?.as_bytes())?
            .strip_suffix(b" ")?
            .strip_suffix(status.as_str().as_bytes())?;
        let start = rest.len().checked_sub(VERSION_LENGTH)?;
        rest[start..]
            .starts_with(b"HTTP/1.")
            .then_some(Automatic { start, error, date })
    })
}

impl Automatic<'_> {
    /// Logs a line, and returns what is sent instead.
    pub fn replacement(&self, app: &App) -> Vec<u8> {
        let error = ApiError::Protocol(self.error);
        let (status, json) = error.encode(&Method::default());
        let log = RequestLog {
            request_id: app.request_ids.next(),
            method: "none",
            route: "none",
            status,
            application: None,
            duration: Duration::ZERO,
        };
        log.completed();
        let mut response = response::error(status, json.clone());
        response::set_request_id(&mut response, log.request_id);
        let mut bytes = format!("HTTP/1.1 {status}\r\n").into_bytes();
        for (name, value) in response.headers() {
            bytes.extend([name.as_str().as_bytes(), b": ", value.as_bytes(), b"\r\n"].concat());
        }
        let length = format!("content-length: {}\r\n", json.len());
        bytes.extend([CLOSE, length.as_bytes(), DATE, self.date, END, &json].concat());
        bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DATE_FIELD: &str = "date: Sat, 28 Nov 2026 15:49:53 GMT\r\n\r\n";

    #[test]
    fn responses_of_the_library_are_found_at_the_end() {
        for (begin, error) in [
            (
                "HTTP/1.1 400 Bad Request\r\nconnection: close\r\n",
                ProtocolError::NotHttp,
            ),
            ("HTTP/1.0 400 Bad Request\r\n", ProtocolError::NotHttp),
            (
                "HTTP/1.1 414 URI Too Long\r\nconnection: close\r\n",
                ProtocolError::TargetTooLong,
            ),
            (
                "HTTP/1.1 431 Request Header Fields Too Large\r\nconnection: close\r\n",
                ProtocolError::HeaderTooLarge,
            ),
        ] {
            for before in ["", "{\"rest\":\"of a response\"}"] {
                let bytes = format!("{before}{begin}content-length: 0\r\n{DATE_FIELD}");
                let found = find(bytes.as_bytes()).expect("it is found");
                assert_eq!((found.start, found.error), (before.len(), error));
                assert_eq!(found.date, &DATE_FIELD.as_bytes()[6..35]);
            }
        }
    }

    #[test]
    fn responses_of_handlers_are_not() {
        for bytes in [
            String::new(),
            "\r\n\r\n".to_owned(),
            format!("content-length: 0\r\n{DATE_FIELD}"),
            format!(" 400 Bad Request\r\ncontent-length: 0\r\n{DATE_FIELD}"),
            format!("HTTP/1.1 200 OK\r\ncontent-length: 0\r\nx-request-id: 0\r\n{DATE_FIELD}"),
            format!(
                "HTTP/1.1 400 Bad Request\r\nx-request-id: 0\r\ncontent-length: 72\r\n{DATE_FIELD}"
            ),
            "HTTP/1.1 100 Continue\r\n\r\n".to_owned(),
        ] {
            assert_eq!(find(bytes.as_bytes()), None, "{bytes}");
        }
    }
}
