//! rememberd keeps persistent logins ("remember me") and rotates their tokens, durably.

pub mod clock;
pub mod domain;
pub mod entropy;
pub mod error;
pub mod store;
