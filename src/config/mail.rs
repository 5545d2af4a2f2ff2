//! Mails to the owners of profiles.

use std::num::NonZeroUsize;

use clap::Args;

use crate::config::heading::TUNING;
use crate::config::value::count;

/// Mails to the owners of profiles.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = TUNING)]
pub struct MailConfig {
    /// Most mails that are waiting to be sent; after it a request that would send one is answered 503
    #[arg(long, env = "REMEMBERD_MAIL_OUTBOX_MAX", value_name = "COUNT",
          default_value = "10000", value_parser = count, hide_short_help = true)]
    pub mail_outbox_max: NonZeroUsize,
}
