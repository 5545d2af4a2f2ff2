//! Persistent logins: each use case, and several at once.

mod audit_log;
mod coalesce;
mod compare_and_rotate;
mod concurrency;
mod contract;
mod devices;
mod expire;
mod expire_idle;
mod list;
mod login_limit;
mod recheck;
mod shared_token;
