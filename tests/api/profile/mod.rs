//! Profiles: each use case.

mod attributes;
mod attributes_remove;
mod attributes_update;
mod by_attribute_value;
mod by_existing_attribute;
mod by_ids;
mod by_query;
mod by_role;
mod by_ticket;
mod by_username;
mod change_password;
mod changes;
mod count;
mod count_by_query;
mod create;
mod delete;
mod enable;
mod get;
mod long_list;
mod one_by_query;
mod query_rules;
mod range;
mod reset_password;
mod roles;
mod seed;
mod update;
mod verify;

/// The path of the endpoints.
pub const PROFILES: &str = "/crafter-profile/api/1/profile";
