//! Responses.

use hyper::StatusCode;
use hyper::body::Bytes;
use hyper::header::{
    CACHE_CONTROL, CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, HeaderName, HeaderValue,
    X_CONTENT_TYPE_OPTIONS,
};
use serde::Serialize;

use crate::error::Failure;
use crate::http::response_body::{Pieces, ResponseBody};
use crate::request_id::RequestId;

/// The response to a request.
pub type Response = hyper::Response<ResponseBody>;

const JSON: HeaderValue = HeaderValue::from_static("application/json;charset=UTF-8");

/// Responses have tokens, or data that is as private.
const NO_STORE: HeaderValue = HeaderValue::from_static("no-store");

/// What quotes text of clients must not be taken for another type than it says.
const NO_SNIFF: HeaderValue = HeaderValue::from_static("nosniff");

/// The header field with the request's id in the log.
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The capacity in bytes that the JSON of one login does not exceed.
const JSON_CAPACITY: usize = 256;

/// 200 with `value` as JSON.
///
/// # Errors
///
/// [`Failure::Internal`] if `value` cannot be serialized.
pub fn json(value: &impl Serialize) -> Result<Response, Failure> {
    let mut body = Vec::with_capacity(JSON_CAPACITY);
    write_json(&mut body, value)?;
    Ok(with_status(StatusCode::OK, body))
}

/// Appends `value` as JSON.
///
/// # Errors
///
/// As [`json`].
pub fn write_json(json: &mut Vec<u8>, value: &impl Serialize) -> Result<(), Failure> {
    serde_json::to_writer(json, value)
        .map_err(|error| Failure::Internal(format!("a response cannot be serialized: {error}")))
}

/// A response with this status and this JSON.
pub fn with_status(status: StatusCode, json: impl Into<Bytes>) -> Response {
    with_body(status, ResponseBody::whole(json))
}

/// 200 with JSON in pieces.
pub fn in_pieces(pieces: impl Pieces + 'static) -> Response {
    with_body(StatusCode::OK, ResponseBody::pieces(pieces))
}

/// 200 with a file of this many bytes in pieces, whose type is still to be set.
pub fn file(length: u64, pieces: impl Pieces + 'static) -> Response {
    let mut response = with_body(StatusCode::OK, ResponseBody::pieces(pieces));
    let headers = response.headers_mut();
    headers.insert(CONTENT_LENGTH, HeaderValue::from(length));
    response
}

fn with_body(status: StatusCode, body: ResponseBody) -> Response {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, JSON);
    response.headers_mut().insert(CACHE_CONTROL, NO_STORE);
    response
}

/// 200 with a text of this type that is the same for everybody, and that may be kept as `Cache-Control` says.
pub fn public(content_type: HeaderValue, cached: &'static str, text: &'static str) -> Response {
    let mut response = Response::new(ResponseBody::whole(text));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, content_type);
    headers.insert(CACHE_CONTROL, HeaderValue::from_static(cached));
    headers.insert(X_CONTENT_TYPE_OPTIONS, NO_SNIFF);
    response
}

/// 200 with a text of this type.
pub fn text(content_type: HeaderValue, text: String) -> Response {
    let mut response = with_status(StatusCode::OK, text);
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, content_type);
    headers.insert(X_CONTENT_TYPE_OPTIONS, NO_SNIFF);
    response
}

/// 200 without a body and without a content type.
pub fn empty() -> Response {
    let mut response = Response::new(ResponseBody::whole(Bytes::new()));
    response
        .headers_mut()
        .insert(CONTENT_LENGTH, HeaderValue::from(0));
    response.headers_mut().insert(CACHE_CONTROL, NO_STORE);
    response
}

/// An error with this status and this JSON.
pub fn error(status: StatusCode, json: impl Into<Bytes>) -> Response {
    let mut response = with_status(status, json);
    response
        .headers_mut()
        .insert(X_CONTENT_TYPE_OPTIONS, NO_SNIFF);
    response
}

/// Adds the id of the request.
pub fn set_request_id(response: &mut Response, id: RequestId) {
    let value = HeaderValue::from_bytes(&id.encode()).expect("digits may be in a header field");
    response.headers_mut().insert(REQUEST_ID, value);
    response.body_mut().set_request_id(id);
}

/// Has the connection closed after the response.
pub fn set_close(response: &mut Response) {
    let close = HeaderValue::from_static("close");
    response.headers_mut().insert(CONNECTION, close);
}
