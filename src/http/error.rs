//! Why a request is refused or fails, and the table from that to status, code and message.
//!
//! The table has what every resource shares. A resource's own refusals implement [`Describe`] in the
//! resource's folder.

use std::borrow::Cow;
use std::num::NonZeroUsize;

use hyper::header::{ALLOW, CONNECTION, HeaderValue, RETRY_AFTER};
use hyper::{Method, StatusCode};
use serde::Serialize;

use crate::error::Failure;
use crate::http::allow::Allow;
use crate::http::body::kind::UnsupportedBody;
use crate::http::protocol::error::ProtocolError;
use crate::http::quote::quote;
use crate::http::response::{self, Response};
use crate::service::error::Error;

/// The code of an error for which the wire contract has none.
pub const OTHER: &str = "OTHER";

/// When to retry after a 503, in seconds.
const RETRY_AFTER_SECS: HeaderValue = HeaderValue::from_static("1");

/// Why a request is refused or fails.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ApiError {
    /// It is not what HTTP/1.1 demands.
    Protocol(ProtocolError),
    /// It has no route.
    Route(RouteError),
    /// It does not accept JSON.
    NotAcceptable,
    /// It asks whether a page of another origin may send requests.
    CrossOrigin,
    /// Its body is larger than the limit.
    BodyTooLarge,
    /// Its body was not received in time.
    BodyTooSlow,
    /// Its body is incomplete, or not what its content type says.
    BodyMalformed,
    /// Its body is of a kind in which no parameters are looked for, and not empty.
    BodyUnsupported(UnsupportedBody),
    /// Its body must be a JSON document, and is none or not as it must be.
    DocumentInvalid(String),
    /// It has more parameters than the limit.
    TooManyParameters {
        /// The limit.
        max: NonZeroUsize,
    },
    /// A required parameter is missing.
    ParameterMissing {
        /// The parameter's name.
        name: &'static str,
        /// What it would be, in the words of the wire contract.
        kind: &'static str,
    },
    /// A parameter's value is invalid.
    ParameterInvalid {
        /// The parameter's name.
        name: Cow<'static, str>,
        /// What is wrong, as the end of a sentence that begins with the name.
        problem: Cow<'static, str>,
    },
    /// A service refused it.
    Refused(Description),
    /// A service refused it for now.
    RefusedForNow {
        /// The refusal.
        description: Description,
        /// When to retry.
        retry_after_secs: u64,
    },
    /// It is valid and could not be carried out.
    Failed(Failure),
}

/// Why a request has no route.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum RouteError {
    /// Nothing is served at this path.
    NoSuchPath,
    /// The path is served, with other methods.
    NoSuchMethod {
        /// These.
        allow: Allow,
    },
    /// A segment of the path has this, which no segment may have.
    BadSegment(&'static str),
}

/// An error as the client sees it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Description {
    /// The status.
    pub status: StatusCode,
    /// The wire contract's code.
    pub code: &'static str,
    /// The message, in which nothing is internal.
    pub message: Cow<'static, str>,
}

/// A service's refusal, which has a description.
pub trait Describe {
    /// The refusal as the client sees it.
    fn describe(&self) -> Description;

    /// When to retry, if it is refused for a time alone.
    fn retry_after_secs(&self) -> Option<u64> {
        None
    }
}

impl ApiError {
    /// The error that the parameter `name` is invalid; `problem` is the end of a sentence that begins with the name.
    pub fn invalid(
        name: impl Into<Cow<'static, str>>,
        problem: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self::ParameterInvalid {
            name: name.into(),
            problem: problem.into(),
        }
    }

    /// The error that what is at `path` in a JSON document is invalid.
    pub fn document_invalid(path: &str, problem: &str) -> Self {
        Self::DocumentInvalid(format!("The JSON body is invalid at '{path}': {problem}"))
    }

    /// The status and the body of the response to a request with this method.
    pub fn encode(&self, method: &Method) -> (StatusCode, Vec<u8>) {
        let Description {
            status,
            code,
            message,
        } = self.describe(method);
        let body = ErrorBody {
            error_code: code,
            message: &message,
        };
        let json = serde_json::to_vec(&body).expect("two strings can be serialized");
        (status, json)
    }

    /// The response to a request with this method.
    pub fn to_response(&self, method: &Method) -> Response {
        let (status, json) = self.encode(method);
        let mut response = response::error(status, json);
        let headers = response.headers_mut();
        match self {
            Self::Route(RouteError::NoSuchMethod { allow }) => {
                headers.insert(ALLOW, allow.header());
            }
            // The rest of the body would be parsed as the next request.
            Self::Protocol(_) | Self::BodyTooLarge | Self::BodyTooSlow | Self::BodyMalformed => {
                headers.insert(CONNECTION, HeaderValue::from_static("close"));
            }
            Self::Refused(_) | Self::Failed(_) if status == StatusCode::SERVICE_UNAVAILABLE => {
                headers.insert(RETRY_AFTER, RETRY_AFTER_SECS);
            }
            Self::RefusedForNow {
                retry_after_secs, ..
            } => {
                headers.insert(RETRY_AFTER, HeaderValue::from(*retry_after_secs));
            }
            Self::Route(RouteError::NoSuchPath | RouteError::BadSegment(_))
            | Self::NotAcceptable
            | Self::CrossOrigin
            | Self::BodyUnsupported(_)
            | Self::DocumentInvalid(_)
            | Self::TooManyParameters { .. }
            | Self::ParameterMissing { .. }
            | Self::ParameterInvalid { .. }
            | Self::Refused(_)
            | Self::Failed(_) => {}
        }
        response
    }

    /// The table. Codes and messages are the wire contract's ("Errors"), or `OTHER` and a message of our own.
    fn describe(&self, method: &Method) -> Description {
        let (status, message): (StatusCode, Cow<'static, str>) = match self {
            Self::Refused(description) | Self::RefusedForNow { description, .. } => {
                return description.clone();
            }
            Self::Protocol(error) => {
                let (status, message) = error.describe();
                (status, message.into())
            }
            Self::Failed(failure) => return describe_failure(failure),
            Self::Route(RouteError::NoSuchPath) => (
                StatusCode::NOT_FOUND,
                "Nothing is served at this path".into(),
            ),
            Self::Route(RouteError::NoSuchMethod { .. }) => (
                StatusCode::METHOD_NOT_ALLOWED,
                format!("Request method '{}' not supported", quote(method.as_str())).into(),
            ),
            Self::Route(RouteError::BadSegment(what)) => (
                StatusCode::BAD_REQUEST,
                format!("The path holds {what}").into(),
            ),
            Self::NotAcceptable => (
                StatusCode::NOT_ACCEPTABLE,
                "Answers are application/json, which the Accept header excludes".into(),
            ),
            Self::CrossOrigin => (
                StatusCode::FORBIDDEN,
                "Pages of other origins may not send requests".into(),
            ),
            Self::BodyTooLarge => (
                StatusCode::PAYLOAD_TOO_LARGE,
                "The request body is too large".into(),
            ),
            Self::BodyTooSlow => (
                StatusCode::REQUEST_TIMEOUT,
                "The request body did not arrive in time".into(),
            ),
            Self::BodyMalformed => (
                StatusCode::BAD_REQUEST,
                "The request body is incomplete or malformed".into(),
            ),
            Self::BodyUnsupported(why) => {
                (StatusCode::UNSUPPORTED_MEDIA_TYPE, why.to_string().into())
            }
            Self::DocumentInvalid(message) => (StatusCode::BAD_REQUEST, message.clone().into()),
            Self::TooManyParameters { max } => (
                StatusCode::BAD_REQUEST,
                format!("The request has more than {max} parameters").into(),
            ),
            Self::ParameterMissing { name, kind } => (
                StatusCode::BAD_REQUEST,
                format!(
                    "Required request parameter '{name}' for method parameter type {kind} is not present"
                )
                .into(),
            ),
            Self::ParameterInvalid { name, problem } => (
                StatusCode::BAD_REQUEST,
                format!("Parameter '{}' {problem}", quote(name)).into(),
            ),
        };
        Description {
            status,
            code: OTHER,
            message,
        }
    }
}

fn describe_failure(failure: &Failure) -> Description {
    let (status, message) = match failure {
        Failure::Unavailable | Failure::Damaged(_) | Failure::Unusable(_) => (
            StatusCode::SERVICE_UNAVAILABLE,
            "The server is not ready; nothing was changed",
        ),
        Failure::Overloaded
        | Failure::ListsFull
        | Failure::OutboxFull
        | Failure::UploadsFull
        | Failure::VerificationTokensFull => (
            StatusCode::SERVICE_UNAVAILABLE,
            "The server is overloaded; nothing was changed",
        ),
        Failure::Storage(_) => (
            StatusCode::SERVICE_UNAVAILABLE,
            "The storage failed; the outcome is unknown",
        ),
        Failure::TimedOut => (
            StatusCode::SERVICE_UNAVAILABLE,
            "The write did not finish in time; the outcome is unknown",
        ),
        Failure::Corrupt(_) => (
            StatusCode::SERVICE_UNAVAILABLE,
            "A stored record cannot be read; nothing was changed",
        ),
        Failure::Unreadable(_) => (
            StatusCode::SERVICE_UNAVAILABLE,
            "A part of the database cannot be read; nothing was changed",
        ),
        Failure::Internal(_) => (StatusCode::INTERNAL_SERVER_ERROR, "Internal server error"),
    };
    Description {
        status,
        code: OTHER,
        message: message.into(),
    }
}

impl From<ProtocolError> for ApiError {
    fn from(error: ProtocolError) -> Self {
        Self::Protocol(error)
    }
}

impl From<RouteError> for ApiError {
    fn from(error: RouteError) -> Self {
        Self::Route(error)
    }
}

impl From<Failure> for ApiError {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

impl<R: Describe> From<Error<R>> for ApiError {
    fn from(error: Error<R>) -> Self {
        match error {
            Error::Refused(refusal) => {
                let description = refusal.describe();
                match refusal.retry_after_secs() {
                    None => Self::Refused(description),
                    Some(retry_after_secs) => Self::RefusedForNow {
                        description,
                        retry_after_secs,
                    },
                }
            }
            Error::Failed(failure) => Self::Failed(failure),
        }
    }
}

/// The wire contract's form of an error: both fields, in this order.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ErrorBody<'a> {
    error_code: &'a str,
    message: &'a str,
}
