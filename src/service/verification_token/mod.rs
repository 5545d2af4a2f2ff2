//! The use cases of verification tokens, one file each, and how other use cases look them up.
//!
//! A token is looked up by the digest of its id alone, so that neither the time of a response nor its content shows
//! whether another id is nearly one. It expires with the setting, and is never reachable through its profile: tokens of
//! deleted profiles are kept until then, as the wire contract has it ("Verification, reset, mail").

pub mod create;
pub mod delete;
pub mod expire;
pub(super) mod lookup;
pub(super) mod mailed;
pub mod read;
pub mod refusal;
