//! Persistent logins: each use case, and several requests at the same time.

mod audit_log;
mod by_profile;
mod coalesce;
mod compare_and_rotate;
mod concurrency;
pub mod create;
mod delete;
mod delete_by_profile;
mod devices;
mod expected_owner;
mod expire;
mod expire_idle;
mod extended;
mod id_case;
mod list;
mod login_limit;
mod long_list;
mod read;
mod recheck;
mod refresh;
mod shared_token;
mod tabs;
mod username;
