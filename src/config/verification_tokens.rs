//! The rules of verification tokens.

use std::num::NonZeroUsize;
use std::time::Duration;

use clap::Args;

use crate::config::heading::TUNING;
use crate::config::value::{count, duration};

/// The rules of verification tokens.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = TUNING)]
pub struct VerificationTokenConfig {
    /// Time from the creation of a verification token to its expiry
    #[arg(long, env = "REMEMBERD_VERIFICATION_TOKEN_MAX_AGE", value_name = "DURATION",
          default_value = "1d", value_parser = duration, hide_short_help = true)]
    pub verification_token_max_age: Duration,

    /// Most verification tokens of all profiles together; after it a request that would create one is answered 503
    #[arg(long, env = "REMEMBERD_VERIFICATION_TOKENS_MAX", value_name = "COUNT",
          default_value = "1000000", value_parser = count, hide_short_help = true)]
    pub verification_tokens_max: NonZeroUsize,
}
