//! Answers: JSON, and the one table from what went wrong to status, code and message.

use std::borrow::Cow;

use http_body_util::Full;
use hyper::body::Bytes;
use hyper::header::{
    ALLOW, CACHE_CONTROL, CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, HeaderValue, RETRY_AFTER,
};
use hyper::{Method, Response, StatusCode};
use serde::Serialize;

use crate::error::Failure;
use crate::http::Answer;
use crate::http::route::Misrouted;
use crate::service::caller::AccessRefusal;
use crate::service::error::Error;
use crate::service::persistent_login::refusal::{PersistentLoginRefusal, Revoked};
use crate::service::profile::ProfileRefusal;

const JSON: HeaderValue = HeaderValue::from_static("application/json;charset=UTF-8");

/// Answers carry tokens, or tell of them.
const NO_STORE: HeaderValue = HeaderValue::from_static("no-store");

/// When to come back after a 503, in seconds.
const RETRY_AFTER_SECS: HeaderValue = HeaderValue::from_static("1");

/// So many bytes the answer with a login does not exceed.
const USUAL_BYTES: usize = 256;

/// Why a request is not answered with what it asked for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Fault {
    /// It has no route.
    Misrouted(Misrouted),
    /// It accepts no JSON.
    NotAcceptable,
    /// Its body is larger than we take.
    BodyTooLarge,
    /// Its body did not come in time.
    BodyTooSlow,
    /// Its body broke off or is not what its type says.
    BodyBroken,
    /// A required parameter is not there.
    ParameterMissing(&'static str),
    /// A parameter's value is not what it must be.
    ParameterInvalid {
        /// The parameter's name.
        name: &'static str,
        /// What is wrong, as the end of a sentence that begins with the name.
        what: String,
    },
    /// A service refused it.
    Refused(PersistentLoginRefusal),
    /// It could not be carried out.
    Failed(Failure),
}

impl Fault {
    /// What the log is told and the client is not; `None` if the fault is the client's own.
    pub fn internal_cause(&self) -> Option<String> {
        match self {
            Self::Failed(failure) => Some(failure.to_string()),
            Self::Misrouted(_)
            | Self::NotAcceptable
            | Self::BodyTooLarge
            | Self::BodyTooSlow
            | Self::BodyBroken
            | Self::ParameterMissing(_)
            | Self::ParameterInvalid { .. }
            | Self::Refused(_) => None,
        }
    }
}

impl From<Misrouted> for Fault {
    fn from(misrouted: Misrouted) -> Self {
        Self::Misrouted(misrouted)
    }
}

impl From<Failure> for Fault {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

impl From<Error<AccessRefusal>> for Fault {
    fn from(error: Error<AccessRefusal>) -> Self {
        Error::<PersistentLoginRefusal>::from(error).into()
    }
}

impl From<Error<PersistentLoginRefusal>> for Fault {
    fn from(error: Error<PersistentLoginRefusal>) -> Self {
        match error {
            Error::Refused(refusal) => Self::Refused(refusal),
            Error::Failed(failure) => Self::Failed(failure),
        }
    }
}

/// 200 with `value` as JSON.
///
/// # Errors
///
/// [`Failure::Internal`] if `value` has no JSON.
pub fn json(value: &impl Serialize) -> Result<Answer, Fault> {
    let mut body = Vec::with_capacity(USUAL_BYTES);
    serde_json::to_writer(&mut body, value)
        .map_err(|error| Failure::Internal(format!("an answer has no JSON: {error}")))?;
    Ok(with_status(StatusCode::OK, body))
}

/// An answer with this status and JSON.
pub fn with_status(status: StatusCode, json: impl Into<Bytes>) -> Answer {
    let mut answer = Response::new(Full::new(json.into()));
    *answer.status_mut() = status;
    answer.headers_mut().insert(CONTENT_TYPE, JSON);
    answer.headers_mut().insert(CACHE_CONTROL, NO_STORE);
    answer
}

/// 200 without a body and without a type.
pub fn empty() -> Answer {
    let mut answer = Response::new(Full::new(Bytes::new()));
    answer
        .headers_mut()
        .insert(CONTENT_LENGTH, HeaderValue::from(0));
    answer.headers_mut().insert(CACHE_CONTROL, NO_STORE);
    answer
}

/// The answer to a request with this method that met `fault`.
pub fn fault(fault: &Fault, method: &Method) -> Answer {
    let (status, code, message) = describe(fault, method);
    let body = ErrorBody {
        error_code: code,
        message: &message,
    };
    let json = serde_json::to_vec(&body).expect("two texts have JSON");
    let mut answer = with_status(status, json);
    let headers = answer.headers_mut();
    match fault {
        Fault::Misrouted(Misrouted::NoSuchMethod { allow }) => {
            headers.insert(ALLOW, HeaderValue::from_static(allow));
        }
        // What is left of the body would be taken for the next request.
        Fault::BodyTooLarge | Fault::BodyTooSlow | Fault::BodyBroken => {
            headers.insert(CONNECTION, HeaderValue::from_static("close"));
        }
        Fault::Failed(_) if status == StatusCode::SERVICE_UNAVAILABLE => {
            headers.insert(RETRY_AFTER, RETRY_AFTER_SECS);
        }
        Fault::Misrouted(Misrouted::NoSuchPath | Misrouted::EncodedSlash)
        | Fault::NotAcceptable
        | Fault::ParameterMissing(_)
        | Fault::ParameterInvalid { .. }
        | Fault::Refused(_)
        | Fault::Failed(_) => {}
    }
    answer
}

/// The wire contract's form of an error: both fields, in this order.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ErrorBody<'a> {
    error_code: &'a str,
    message: &'a str,
}

type Description = (StatusCode, &'static str, Cow<'static, str>);

/// The table. Codes and messages are the wire contract's ("Errors"), or OTHER with words of our own.
fn describe(fault: &Fault, method: &Method) -> Description {
    let (status, message): (StatusCode, Cow<'static, str>) = match fault {
        Fault::Refused(refusal) => return describe_refusal(refusal),
        Fault::Failed(failure) => return describe_failure(failure),
        Fault::Misrouted(Misrouted::NoSuchPath) => (
            StatusCode::NOT_FOUND,
            "Nothing is served at this path".into(),
        ),
        Fault::Misrouted(Misrouted::NoSuchMethod { .. }) => (
            StatusCode::METHOD_NOT_ALLOWED,
            format!("Request method '{method}' not supported").into(),
        ),
        Fault::Misrouted(Misrouted::EncodedSlash) => (
            StatusCode::BAD_REQUEST,
            "The path holds an encoded slash".into(),
        ),
        Fault::NotAcceptable => (
            StatusCode::NOT_ACCEPTABLE,
            "Answers are application/json, which the Accept header excludes".into(),
        ),
        Fault::BodyTooLarge => (
            StatusCode::PAYLOAD_TOO_LARGE,
            "The request body is too large".into(),
        ),
        Fault::BodyTooSlow => (
            StatusCode::REQUEST_TIMEOUT,
            "The request body did not arrive in time".into(),
        ),
        Fault::BodyBroken => (
            StatusCode::BAD_REQUEST,
            "The request body is incomplete or malformed".into(),
        ),
        Fault::ParameterMissing(name) => (
            StatusCode::BAD_REQUEST,
            format!("Required String parameter '{name}' is not present").into(),
        ),
        Fault::ParameterInvalid { name, what } => (
            StatusCode::BAD_REQUEST,
            format!("Parameter '{name}' {what}").into(),
        ),
    };
    (status, "OTHER", message)
}

fn describe_refusal(refusal: &PersistentLoginRefusal) -> Description {
    let (status, code, message) = match refusal {
        PersistentLoginRefusal::Access(AccessRefusal::TokenMissing) => (
            StatusCode::FORBIDDEN,
            "ACCESS_DENIED",
            "Access token ID param missing from request".to_owned(),
        ),
        PersistentLoginRefusal::Access(AccessRefusal::TokenUnknown { id }) => (
            StatusCode::FORBIDDEN,
            "ACCESS_DENIED",
            format!("No access token found for ID \"{id}\""),
        ),
        PersistentLoginRefusal::Access(AccessRefusal::TokenExpired {
            id,
            application,
            expired_on,
        }) => (
            StatusCode::FORBIDDEN,
            "ACCESS_DENIED",
            format!(
                "Access token \"{id}\" for application \"{application}\" expired on {expired_on}"
            ),
        ),
        PersistentLoginRefusal::Access(AccessRefusal::ActionDenied { action, tenant }) => (
            StatusCode::FORBIDDEN,
            "ACTION_DENIED",
            format!(
                "Current subject does not have permission to execute action \"{action}\" \
                 on tenant \"{tenant}\""
            ),
        ),
        PersistentLoginRefusal::Profile(ProfileRefusal::NotFound { id }) => (
            StatusCode::NOT_FOUND,
            "NO_SUCH_PROFILE",
            format!("No profile with ID \"{id}\" found"),
        ),
        PersistentLoginRefusal::Profile(ProfileRefusal::Disabled { id, tenant }) => (
            StatusCode::FORBIDDEN,
            "DISABLED_PROFILE",
            format!("Profile \"{id}\" of tenant \"{tenant}\" is disabled"),
        ),
        PersistentLoginRefusal::TokenReused { revoked } => (
            StatusCode::UNAUTHORIZED,
            "BAD_CREDENTIALS",
            format!(
                "The token was used already, so a copy of it is in other hands; {}",
                match revoked {
                    Revoked::Login => "the persistent login was revoked",
                    Revoked::Profile => "all persistent logins of the profile were revoked",
                    Revoked::Nothing => "nothing was revoked",
                }
            ),
        ),
        PersistentLoginRefusal::NotFound { id } => (
            StatusCode::NOT_FOUND,
            "NO_SUCH_PERSISTENT_LOGIN",
            format!("No persistent login with ID \"{id}\" found"),
        ),
    };
    (status, code, message.into())
}

fn describe_failure(failure: &Failure) -> Description {
    let (status, message) = match failure {
        Failure::Unavailable | Failure::Unusable(_) => (
            StatusCode::SERVICE_UNAVAILABLE,
            "The server is not ready; nothing was changed",
        ),
        Failure::Overloaded => (
            StatusCode::SERVICE_UNAVAILABLE,
            "The server is overloaded; nothing was changed",
        ),
        Failure::Storage(_) => (
            StatusCode::SERVICE_UNAVAILABLE,
            "The storage failed; the outcome is unknown",
        ),
        Failure::Corrupt(_) => (
            StatusCode::SERVICE_UNAVAILABLE,
            "A stored record cannot be read; nothing was changed",
        ),
        Failure::Internal(_) => (StatusCode::INTERNAL_SERVER_ERROR, "Internal server error"),
    };
    (status, "OTHER", message.into())
}
