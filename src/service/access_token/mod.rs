//! The use cases of access tokens, which only a master may call.

pub mod create;
pub mod delete;
pub mod list;
pub mod read;
pub mod refusal;

mod master;

use std::sync::Arc;

use crate::domain::access_token::{AccessToken, AccessTokenId};

/// An access token with its id, as a master may see it.
#[derive(Clone, Debug)]
pub struct IssuedToken {
    /// The id; `None` if the key that sealed it is missing.
    pub id: Option<AccessTokenId>,
    /// What it allows.
    pub token: Arc<AccessToken>,
}
