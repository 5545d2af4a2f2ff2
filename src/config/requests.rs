//! Limits of one request, and the threads that serve them.

use std::num::NonZeroUsize;
use std::time::Duration;

use clap::Args;

use crate::config::heading::TUNING;
use crate::config::value::{count, count_to, duration, size_from, switch};

/// A count above it is a typing error: no host has more processors.
const THREADS_MAX: usize = 1_024;

/// Limits of one request, and the threads that serve them.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = TUNING)]
pub struct RequestConfig {
    /// Threads that serve connections; by default one less than there are processors, and at least one
    #[arg(long, env = "REMEMBERD_WORKER_THREADS", value_name = "COUNT",
          value_parser = count_to::<THREADS_MAX>, hide_short_help = true)]
    pub worker_threads: Option<NonZeroUsize>,

    /// Most connections that the operating system holds until they are accepted; its own limit may be lower
    #[arg(long, env = "REMEMBERD_BACKLOG", value_name = "COUNT",
          default_value = "1024", value_parser = count, hide_short_help = true)]
    pub backlog: NonZeroUsize,

    /// Time to receive the header of a request
    #[arg(long, env = "REMEMBERD_HEADER_TIMEOUT", value_name = "DURATION",
          default_value = "10s", value_parser = duration, hide_short_help = true)]
    pub header_timeout: Duration,

    /// Time to receive the body of a request
    #[arg(long, env = "REMEMBERD_BODY_TIMEOUT", value_name = "DURATION",
          default_value = "10s", value_parser = duration, hide_short_help = true)]
    pub body_timeout: Duration,

    /// Time to commit the write of a request; after it the response is 503, with an unknown outcome
    #[arg(long, env = "REMEMBERD_WRITE_TIMEOUT", value_name = "DURATION",
          default_value = "30s", value_parser = duration, hide_short_help = true)]
    pub write_timeout: Duration,

    /// Largest header of a request
    #[arg(long, env = "REMEMBERD_HEADER_SIZE_MAX", value_name = "SIZE",
          default_value = "16KiB", value_parser = size_from::<{ 8 << 10 }>, hide_short_help = true)]
    pub header_size_max: usize,

    /// Most header fields of a request
    #[arg(long, env = "REMEMBERD_HEADER_COUNT_MAX", value_name = "COUNT",
          default_value = "64", value_parser = count, hide_short_help = true)]
    pub header_count_max: NonZeroUsize,

    /// Largest body of a request
    #[arg(long, env = "REMEMBERD_BODY_SIZE_MAX", value_name = "SIZE",
          default_value = "64KiB", value_parser = size_from::<1>, hide_short_help = true)]
    pub body_size_max: usize,

    /// Most parameters of a request, in its query and its body together
    #[arg(long, env = "REMEMBERD_PARAMETER_COUNT_MAX", value_name = "COUNT",
          default_value = "1000", value_parser = count, hide_short_help = true)]
    pub parameter_count_max: NonZeroUsize,

    /// Refuse refreshes without a token
    ///
    /// Without one, a refresh rotates whatever the token was, and theft is not noticed. For sites without applications
    /// that were written for Crafter Profile, which send none.
    #[arg(long, env = "REMEMBERD_REQUIRE_TOKEN", value_parser = switch, hide_short_help = true)]
    pub require_token: bool,

    /// Refuse access tokens, tokens and passwords in URLs
    ///
    /// URLs end up in the logs of proxies. A request with an access token in its URL is 400; the header field
    /// `Authorization: Bearer ID` takes it instead, or the body of a POST. Clients of Crafter Profile use the URL.
    #[arg(long, env = "REMEMBERD_REFUSE_URL_SECRETS", value_parser = switch, hide_short_help = true)]
    pub refuse_url_secrets: bool,

    /// Memory for lists that are being sent
    ///
    /// A list that finds no room is refused with 503 after a second. One of 1,000 logins takes 48KiB, however slowly
    /// its client reads it.
    #[arg(long, env = "REMEMBERD_LIST_MEMORY_MAX", value_name = "SIZE",
          default_value = "32MiB", value_parser = size_from::<{ 1 << 20 }>, hide_short_help = true)]
    pub list_memory_max: usize,

    /// Largest list of profiles
    ///
    /// A list whose JSON would be longer is refused with 400; its client asks for a part of it instead. It is sent in
    /// pieces, so that it takes no memory here.
    #[arg(long, env = "REMEMBERD_LIST_SIZE_MAX", value_name = "SIZE",
          default_value = "64MiB", value_parser = size_from::<{ 64 << 10 }>, hide_short_help = true)]
    pub list_size_max: usize,

    /// Most profiles that are looked at for a list or a count of them
    ///
    /// A list by role or attribute looks at all profiles of its tenant, for a few seconds if they are a million, while
    /// others are served. A query does so too, unless it says what their usernames or ids are. One that would have to
    /// look at more is refused with 400.
    #[arg(long, env = "REMEMBERD_LIST_EXAMINED_MAX", value_name = "COUNT",
          default_value = "1000000", value_parser = count, hide_short_help = true)]
    pub list_examined_max: NonZeroUsize,
}
