//! Tenants: each use case.

mod all;
mod attribute_definitions;
mod create;
mod delete;
mod follow;
mod get;
mod killed;
mod roles;
mod support;
mod update;
mod verify_new_profiles;
