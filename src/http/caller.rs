//! The caller of a request, and the errors of callers that are refused.

use hyper::StatusCode;

use crate::http::error::{Describe, Description};
use crate::http::params::Params;
use crate::http::quote::quote;
use crate::service::caller::{AccessRefusal, Caller};

/// The caller that a request's parameters name; it has not been checked.
pub fn caller(params: &Params) -> Caller {
    Caller::new(params.optional("accessTokenId").map(str::to_owned))
}

/// No access token, or one that is not valid.
const ACCESS_DENIED: &str = "ACCESS_DENIED";

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
                format!(
                    "Current subject does not have permission to execute action \"{action}\" \
                     on tenant \"{}\"",
                    quote(tenant)
                )
                .into(),
            ),
        };
        Description {
            status: StatusCode::FORBIDDEN,
            code,
            message,
        }
    }
}
