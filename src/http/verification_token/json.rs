//! The JSON of verification tokens.

use serde::Serialize;

use crate::domain::verification_token::IssuedVerificationToken;
use crate::error::Failure;
use crate::http::response::{self, Response};

/// A response with a verification token.
///
/// # Errors
///
/// As [`response::json`].
pub fn verification_token(token: &IssuedVerificationToken) -> Result<Response, Failure> {
    let (mut profile_id, mut id) = ([0; 24], [0; 36]);
    response::json(&VerificationTokenBody {
        tenant: token.tenant.as_str(),
        profile_id: token.profile_id.encode(&mut profile_id),
        timestamp: token.timestamp.as_millis(),
        id: token.id.reveal().hyphenated().encode_lower(&mut id),
    })
}

/// The wire contract's form of a verification token, in its field order.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct VerificationTokenBody<'a> {
    tenant: &'a str,
    profile_id: &'a str,
    timestamp: i64,
    id: &'a str,
}
