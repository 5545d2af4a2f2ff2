//! The use cases of signing in.

pub mod authenticate;
pub mod refusal;
