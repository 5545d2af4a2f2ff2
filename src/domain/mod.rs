//! The pure rules: what each resource is and how it changes. No I/O, no clock, no randomness.

pub mod access_token;
pub mod attachment;
pub mod attribute_access;
pub mod attributes;
mod cleansing;
pub mod device;
pub mod email;
pub mod given_attributes;
pub mod json_text;
pub mod key_ring;
pub mod login_state;
pub mod mail;
pub mod object_id;
pub mod password;
pub mod persistent_login;
pub mod profile;
pub mod profile_filter;
pub mod profile_order;
pub mod projection;
pub mod query;
pub mod sign_in;
pub mod sort_order;
pub mod sweep;
pub mod tenant;
pub mod ticket;
pub mod token_chain;
pub mod verification_token;
