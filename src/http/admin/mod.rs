//! The routes of the local socket alone, under `/admin/1`: a request for one of them has the authority of the local
//! operator. They are no part of the wire contract, and are for the commands of this program, of the same version.

pub mod backup;
pub mod clock;
pub mod export;
pub mod import;
pub mod key;
pub mod login;
pub mod profile;
pub mod stats;
