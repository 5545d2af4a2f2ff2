//! Limits of attachments.

use std::num::NonZeroUsize;
use std::time::Duration;

use clap::Args;

use crate::config::heading::TUNING;
use crate::config::value::{count_to, duration, size_within};

/// A count above it is a typing error: all of them are in one list.
const ATTACHMENTS_MAX: usize = 10_000;

/// A count above it is a typing error: each of them takes memory.
const UPLOADS_MAX: usize = 1_024;

/// Limits of attachments.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = TUNING)]
pub struct AttachmentConfig {
    /// Largest attachment of a profile; a larger one is refused with 413
    #[arg(long, env = "REMEMBERD_ATTACHMENT_SIZE_MAX", value_name = "SIZE",
          default_value = "5MiB", value_parser = size_within::<1, { 1 << 30 }>, hide_short_help = true)]
    pub attachment_size_max: usize,

    /// Most attachments of a profile
    #[arg(long, env = "REMEMBERD_ATTACHMENT_COUNT_MAX", value_name = "COUNT",
          default_value = "1000", value_parser = count_to::<ATTACHMENTS_MAX>, hide_short_help = true)]
    pub attachment_count_max: NonZeroUsize,

    /// Time to receive the body of an upload
    #[arg(long, env = "REMEMBERD_UPLOAD_TIMEOUT", value_name = "DURATION",
          default_value = "60s", value_parser = duration, hide_short_help = true)]
    pub upload_timeout: Duration,

    /// Most uploads at the same time
    ///
    /// Another one waits for a second, and is then refused with 503. A quarter of them may be of callers that are
    /// unknown, because their access token follows the file. Each takes about 200KiB of memory, however large it is.
    #[arg(long, env = "REMEMBERD_UPLOADS_MAX", value_name = "COUNT",
          default_value = "16", value_parser = count_to::<UPLOADS_MAX>, hide_short_help = true)]
    pub uploads_max: NonZeroUsize,
}
