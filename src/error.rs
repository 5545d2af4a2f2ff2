//! What can go wrong, without a word of HTTP.
//!
//! A [`Refusal`] is a decision: the caller asked for something that it does not get, and is told why.
//! A [`Failure`] is ours: the request was fine and could not be carried out. [`Error`] is either, so
//! that a use case reads as a row of `?`. Inside a transaction the difference counts: a refusal is a
//! verdict like any other and lets the batch commit, a storage failure undoes it.

use std::fmt;

/// Why a use case did not come to its value.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Error {
    /// The caller is told no.
    Refused(Refusal),
    /// It could not be carried out.
    Failed(Failure),
}

impl From<Refusal> for Error {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl From<Failure> for Error {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

/// Why a caller does not get what it asked for. The texts in it are the caller's own or public.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Refusal {
    /// The request carries no access token id, or an empty one.
    AccessTokenMissing,
    /// No access token has this id.
    AccessTokenUnknown {
        /// The id as the caller gave it.
        id: String,
    },
    /// The access token's time is over.
    AccessTokenExpired {
        /// The id as the caller gave it.
        id: String,
        /// The application that the token was issued to.
        application: String,
        /// The day of expiry (UTC) as `MM/dd/yyyy`.
        expired_on: String,
    },
    /// The access token does not allow the action on the tenant.
    ActionDenied {
        /// The name of the action.
        action: &'static str,
        /// The tenant's name.
        tenant: String,
    },
    /// No profile has this id.
    NoSuchProfile {
        /// The id as the caller gave it.
        id: String,
    },
    /// The profile exists and is disabled.
    DisabledProfile {
        /// The profile's id.
        id: String,
        /// The name of the profile's tenant.
        tenant: String,
    },
    /// The token that was presented had been used before.
    TokenReused {
        /// What was revoked for it.
        revoked: Revoked,
    },
    /// No persistent login that is still valid has this id.
    NoSuchPersistentLogin {
        /// The id as the caller gave it.
        id: String,
    },
}

/// What is revoked when a token turns out to have been used before.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Revoked {
    /// The login.
    Login,
    /// Every login of its profile.
    Profile,
    /// Nothing.
    Nothing,
}

/// Why a fine request could not be carried out.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Failure {
    /// The store is opening or closing: nothing was applied.
    Unavailable,
    /// The writer's queue is full: nothing was applied.
    Overloaded,
    /// The storage failed, or did not answer in time: a write may have been applied or not.
    Storage(String),
    /// A stored record does not decode: nothing was applied.
    Corrupt(String),
    /// A fault of this program: nothing was applied.
    Internal(String),
}

impl fmt::Display for Failure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unavailable => formatter.write_str("the store is not open"),
            Self::Overloaded => formatter.write_str("the writer's queue is full"),
            Self::Storage(cause) => write!(formatter, "the storage failed: {cause}"),
            Self::Corrupt(cause) => write!(formatter, "a record is corrupt: {cause}"),
            Self::Internal(cause) => write!(formatter, "internal fault: {cause}"),
        }
    }
}

impl std::error::Error for Failure {}
