//! The errors of requests for verification tokens that are refused.

use hyper::StatusCode;

use crate::http::error::{Describe, Description};
use crate::http::quote::quote;
use crate::service::verification_token::refusal::VerificationTokenRefusal;

impl Describe for VerificationTokenRefusal {
    fn describe(&self) -> Description {
        match self {
            Self::Access(refusal) => refusal.describe(),
            Self::NotFound { id } => Description {
                status: StatusCode::NOT_FOUND,
                code: "NO_SUCH_VERIFICATION_TOKEN",
                message: format!("No verification token found for ID \"{}\"", quote(id)).into(),
            },
        }
    }
}
