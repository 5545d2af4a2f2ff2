//! rememberd keeps persistent logins ("remember me") and rotates their tokens, durably.

pub mod app;
pub mod clock;
pub mod config;
pub mod domain;
pub mod entropy;
pub mod error;
pub mod http;
pub mod service;
pub mod store;
