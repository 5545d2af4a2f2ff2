//! Profiles: each use case.

mod attributes;
mod get;
mod seed;

/// The path of the endpoints.
const PROFILES: &str = "/crafter-profile/api/1/profile";
