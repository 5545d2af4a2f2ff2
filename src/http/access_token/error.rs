//! The errors of requests for access tokens that are refused.

use hyper::StatusCode;

use crate::http::error::{Describe, Description};
use crate::http::quote::quote;
use crate::service::access_token::refusal::AccessTokenRefusal;

impl Describe for AccessTokenRefusal {
    fn describe(&self) -> Description {
        let (status, code, message) = match self {
            Self::Access(refusal) => return refusal.describe(),
            Self::NotFound { id } => (
                StatusCode::NOT_FOUND,
                "NO_SUCH_ACCESS_TOKEN_ID",
                format!("No access token found for ID \"{}\"", quote(id)),
            ),
            Self::Exists { id } => (
                StatusCode::CONFLICT,
                "ACCESS_TOKEN_EXISTS",
                format!("Access token \"{}\" already exists", quote(id)),
            ),
        };
        Description {
            status,
            code,
            message: message.into(),
        }
    }
}
