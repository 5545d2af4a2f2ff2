//! The caller of a request, and the errors of callers that are refused.

use std::borrow::Cow;

use hyper::StatusCode;
use hyper::header::{AUTHORIZATION, HeaderMap, HeaderValue};

use crate::config::requests::RequestConfig;
use crate::http::error::{ApiError, Describe, Description};
use crate::http::params::Params;
use crate::http::quote::quote;
use crate::service::caller::{AccessRefusal, Caller};

/// The parameter with the caller's access token.
const ACCESS_TOKEN_ID: &str = "accessTokenId";

/// The scheme of the `Authorization` header whose credentials are an access token.
const BEARER: &[u8] = b"bearer";

/// The caller that a request names, in a parameter or in the `Authorization` header; it has not been checked. Over the
/// local socket, one that names none is of the local operator.
///
/// # Errors
///
/// [`ApiError::ParameterInvalid`] if it names two, or if a secret is in the URL where that is refused.
pub fn caller(config: &RequestConfig, params: &Params) -> Result<Caller, ApiError> {
    if config.refuse_url_secrets {
        refuse_url_secrets(params)?;
    }
    let parameter = params.first(ACCESS_TOKEN_ID);
    let id = match (parameter, params.bearer()) {
        (None | Some(""), Some(bearer)) => Some(bearer),
        (Some(parameter), Some(bearer)) if parameter != bearer => {
            let problem = "differs from the access token of the Authorization header field";
            return Err(ApiError::invalid(ACCESS_TOKEN_ID, problem));
        }
        (parameter, _) => parameter,
    };
    let caller = Caller::new(id.map(str::to_owned));
    if params.is_local() && !caller.is_given() {
        return Ok(Caller::LocalOperator);
    }
    Ok(caller)
}

fn refuse_url_secrets(params: &Params) -> Result<(), ApiError> {
    const IN_BODY: &str = "must not be in the URL: send it in the body";
    for (name, problem) in [
        (
            ACCESS_TOKEN_ID,
            "must not be in the URL: send the header field 'Authorization: Bearer ID', or the parameter in the body \
             of a POST",
        ),
        ("token", IN_BODY),
        ("password", IN_BODY),
        ("newPassword", IN_BODY),
    ] {
        if params.is_in_query(name) {
            return Err(ApiError::invalid(name, problem));
        }
    }
    Ok(())
}

/// The access token in the `Authorization` header, if there is one. Other schemes, which a proxy on the way may want,
/// are ignored.
///
/// # Errors
///
/// [`ApiError::ParameterInvalid`] if there are two that differ.
pub fn bearer(headers: &HeaderMap) -> Result<Option<Box<str>>, ApiError> {
    let mut values = headers
        .get_all(AUTHORIZATION)
        .iter()
        .filter_map(credentials);
    let Some(bearer) = values.next() else {
        return Ok(None);
    };
    if values.any(|other| other != bearer) {
        let problem = "is given twice, in Authorization header fields that differ";
        return Err(ApiError::invalid(ACCESS_TOKEN_ID, problem));
    }
    Ok(Some(String::from_utf8_lossy(bearer).into()))
}

/// What follows the scheme in a header field; `None` if that is nothing, or the scheme is another one.
fn credentials(value: &HeaderValue) -> Option<&[u8]> {
    let (scheme, rest) = value.as_bytes().split_at_checked(BEARER.len())?;
    let credentials = rest.trim_ascii();
    let is_bearer = scheme.eq_ignore_ascii_case(BEARER) && rest.starts_with(b" ");
    (is_bearer && !credentials.is_empty()).then_some(credentials)
}

/// No access token, or one that is not valid.
pub const ACCESS_DENIED: &str = "ACCESS_DENIED";

/// An access token that does not allow what was asked for.
const ACTION_DENIED: &str = "ACTION_DENIED";

/// Whether this describes a refusal of the caller, whatever it asked for.
pub fn is_caller_refused(description: &Description) -> bool {
    [ACCESS_DENIED, ACTION_DENIED].contains(&description.code)
}

impl Describe for AccessRefusal {
    fn describe(&self) -> Description {
        let (code, message) = match self {
            Self::TokenMissing => (
                ACCESS_DENIED,
                "Access token ID param missing from request".into(),
            ),
            Self::TokenUnknown { id } => (
                ACCESS_DENIED,
                format!("No access token found for ID \"{}\"", quote(id)).into(),
            ),
            Self::TokenExpired {
                id,
                application,
                expired_on,
            } => (
                ACCESS_DENIED,
                format!(
                    "Access token \"{}\" for application \"{application}\" expired on {expired_on}",
                    quote(id)
                )
                .into(),
            ),
            Self::ActionDenied { action, tenant } => (
                ACTION_DENIED,
                denied(&format!(
                    "action \"{action}\" on tenant \"{}\"",
                    quote(tenant)
                )),
            ),
            Self::GlobalActionDenied { action } => (
                ACTION_DENIED,
                denied(&format!("global action \"{action}\"")),
            ),
            Self::AttributeActionDenied { action, attribute } => (
                ACTION_DENIED,
                denied(&format!(
                    "action \"{action}\" on attribute \"{}\"",
                    quote(attribute)
                )),
            ),
            Self::TokenActionDenied { action, id } => (
                ACTION_DENIED,
                denied(&format!("action \"{action}\" on {}", quote(id))),
            ),
        };
        Description {
            status: StatusCode::FORBIDDEN,
            code,
            message,
        }
    }
}

fn denied(what: &str) -> Cow<'static, str> {
    format!("Current subject does not have permission to execute {what}").into()
}
