//! Profiles: each use case.

mod attributes;
mod by_attribute_value;
mod by_existing_attribute;
mod by_ids;
mod by_role;
mod by_username;
mod get;
mod long_list;
mod range;
mod seed;

/// The path of the endpoints.
const PROFILES: &str = "/crafter-profile/api/1/profile";
