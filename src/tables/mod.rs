//! Keys, records and indexes of each resource, over the tables that the storage offers.

pub mod access_token;
pub mod attachment;
pub mod backup;
pub mod check;
pub mod clock;
mod ended;
pub mod ended_tenants;
mod expiry_index;
pub mod mail_outbox;
pub mod meta;
pub mod persistent_login;
pub mod profile;
#[cfg(test)]
mod properties;
pub mod salvage;
pub mod secret_key;
pub mod sign_in;
pub mod tenant;
pub mod ticket;
pub mod upgrade;
pub mod verification_token;

use crate::storage::journal::journaled::Journaled;

/// The tables whose rows are journaled.
pub static JOURNALED: &[&dyn Journaled] = &[&persistent_login::LOGINS, &ticket::TICKETS];
