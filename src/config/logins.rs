//! The rules of persistent logins.

use std::num::NonZeroUsize;
use std::time::Duration;

use clap::{Args, ValueEnum};

use crate::config::value::{count_to, duration, duration_or_none, short_duration};

/// The highest cap of a profile's logins: reading so many takes a moment, which each creation at the cap does.
const LOGINS_PER_PROFILE_MAX: usize = 10_000;

/// The rules of persistent logins.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Persistent logins")]
pub struct LoginConfig {
    /// Time from creation to expiry
    ///
    /// A login expires this long after its creation, however often it was refreshed.
    #[arg(long, env = "REMEMBERD_PERSISTENT_LOGIN_MAX_AGE", value_name = "DURATION",
          default_value = "15d", value_parser = duration)]
    pub persistent_login_max_age: Duration,

    /// Time without use to expiry; unlimited by default
    ///
    /// A login also expires if it was not refreshed for this long.
    #[arg(long, env = "REMEMBERD_PERSISTENT_LOGIN_IDLE_MAX", value_name = "DURATION",
          value_parser = duration)]
    pub persistent_login_idle_max: Option<Duration>,

    /// Most logins of a profile
    ///
    /// At most 10000. At the limit, a new login ends the one that was unused longest. Where there are more, after an
    /// import or a change of the limit, each new login ends up to 16 of them, and the cleaner the others.
    #[arg(long, env = "REMEMBERD_LOGINS_PER_PROFILE_MAX", value_name = "COUNT",
          default_value = "1000", value_parser = count_to::<LOGINS_PER_PROFILE_MAX>)]
    pub logins_per_profile_max: NonZeroUsize,

    /// Time a replaced token is accepted
    ///
    /// The response to a replaced token is its successor, so that neither a lost response nor two requests at
    /// once end a login. 0s disables it, and it is at most 10m.
    #[arg(long, env = "REMEMBERD_REUSE_GRACE", value_name = "DURATION",
          default_value = "60s", value_parser = short_duration)]
    pub reuse_grace: Duration,

    /// Time to retry after a lost response
    ///
    /// A token that was replaced no longer ago than this, and whose successor nobody has presented, replaces that
    /// successor: the response with it was lost. 0s is strict: such a token counts as reused.
    #[arg(long, env = "REMEMBERD_LOST_ANSWER_GRACE", value_name = "DURATION",
          default_value = "1d", value_parser = duration_or_none)]
    pub lost_answer_grace: Duration,

    /// What the reuse of a token revokes
    ///
    /// A replaced token that is presented after the grace period is a sign of theft. The request is refused;
    /// besides, `login` revokes the login of the token, `profile` every login of its profile, and `none` nothing.
    #[arg(
        long,
        env = "REMEMBERD_REUSE_REVOKES",
        value_name = "login|profile|none",
        default_value = "login",
        hide_possible_values = true
    )]
    pub reuse_revokes: ReuseRevokes,

    /// Time in which refreshes rotate once
    ///
    /// A refresh without a token, up to this time after a rotation, gets the result of that rotation. If no token was
    /// presented there either, a GET of the login returns the replaced token as long, so that a client that compares
    /// it with a cookie by itself is served in two tabs at once. 0s disables it, and it is at most 10m.
    #[arg(long, env = "REMEMBERD_COALESCE_REFRESHES", value_name = "DURATION",
          default_value = "0s", value_parser = short_duration)]
    pub coalesce_refreshes: Duration,
}

/// What the reuse of a token revokes.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub enum ReuseRevokes {
    /// The login whose token it was.
    Login,
    /// Every login of its profile.
    Profile,
    /// Nothing; the caller is refused.
    None,
}
