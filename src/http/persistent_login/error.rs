//! The errors of requests for persistent logins that are refused.

use hyper::StatusCode;

use crate::http::error::{Describe, Description};
use crate::http::quote::quote;
use crate::service::persistent_login::refusal::{PersistentLoginRefusal, Revoked};

impl Describe for PersistentLoginRefusal {
    fn describe(&self) -> Description {
        let (status, code, message) = match self {
            Self::Access(refusal) => return refusal.describe(),
            Self::Profile(refusal) => return refusal.describe(),
            Self::NotFound { id } => (
                StatusCode::NOT_FOUND,
                "NO_SUCH_PERSISTENT_LOGIN",
                format!("No persistent login with ID \"{}\" found", quote(id)),
            ),
            Self::TokenUnknown => (
                StatusCode::UNAUTHORIZED,
                "BAD_CREDENTIALS",
                "The token is not one of this persistent login; nothing was revoked".to_owned(),
            ),
            Self::TokenReused { revoked } => (
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
        };
        Description {
            status,
            code,
            message: message.into(),
        }
    }
}
