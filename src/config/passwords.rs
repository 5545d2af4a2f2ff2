//! How passwords are hashed, and what a wrong one costs.

use std::num::NonZeroUsize;
use std::time::Duration;

use clap::{Args, ValueEnum};

use crate::config::heading::TUNING;
use crate::config::value::{count, count_to, duration_or_none, size_from, size_within};

/// The least memory of one hash. With less it would not be worth its name.
const HASH_MEMORY_MIN: u64 = 64 << 10;

/// The most memory of one hash.
const HASH_MEMORY_MAX: u64 = 256 << 20;

/// The most passes of one hash.
const HASH_PASSES_MAX: usize = 100;

/// The most failed sign-ins that can be set for anything.
const FAILURES_MAX: usize = 1_000_000;

/// The longest delay of a response: a connection is given up not much later.
const DELAY_MAX: Duration = Duration::from_secs(10);

/// How passwords are hashed, and what a wrong one costs.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = TUNING)]
pub struct PasswordConfig {
    /// Format of new password hashes
    ///
    /// `contract` is that of Crafter Profile, which is weak: for who wants to be able to move back. A stored hash in
    /// the other format, or of another cost, is replaced at the next successful sign-in.
    #[arg(
        long,
        env = "REMEMBERD_PASSWORD_HASH",
        value_name = "argon2id|contract",
        default_value = "argon2id",
        hide_possible_values = true,
        hide_short_help = true
    )]
    pub password_hash: PasswordFormat,

    /// Memory of one password hash
    ///
    /// The parameter m of argon2id.
    #[arg(long, env = "REMEMBERD_PASSWORD_HASH_MEMORY", value_name = "SIZE", default_value = "7MiB",
          value_parser = size_within::<HASH_MEMORY_MIN, HASH_MEMORY_MAX>, hide_short_help = true)]
    pub password_hash_memory: usize,

    /// Passes of one password hash over its memory
    ///
    /// The parameter t of argon2id, at most 100.
    #[arg(long, env = "REMEMBERD_PASSWORD_HASH_PASSES", value_name = "COUNT",
          default_value = "5", value_parser = count_to::<HASH_PASSES_MAX>, hide_short_help = true)]
    pub password_hash_passes: NonZeroUsize,

    /// Memory of all password hashes together
    ///
    /// As many are computed at once as fit in it and as there are processors, and at least one.
    #[arg(long, env = "REMEMBERD_PASSWORD_MEMORY_MAX", value_name = "SIZE",
          default_value = "32MiB", value_parser = size_from::<HASH_MEMORY_MIN>, hide_short_help = true)]
    pub password_memory_max: usize,

    /// Most passwords that are waiting to be hashed; after it the response is 503
    #[arg(long, env = "REMEMBERD_PASSWORD_QUEUE_MAX", value_name = "COUNT",
          default_value = "64", value_parser = count, hide_short_help = true)]
    pub password_queue_max: NonZeroUsize,

    /// Failed sign-ins of a profile in a row that are answered at once
    #[arg(long, env = "REMEMBERD_SIGN_IN_FAILURES_AT_ONCE", value_name = "COUNT",
          default_value = "2", value_parser = failures, hide_short_help = true)]
    pub sign_in_failures_at_once: u32,

    /// Delay of the response to each further one; at most 10s
    #[arg(long, env = "REMEMBERD_SIGN_IN_DELAY", value_name = "DURATION",
          default_value = "1s", value_parser = delay, hide_short_help = true)]
    pub sign_in_delay: Duration,

    /// Failed sign-ins in a row that lock a profile
    ///
    /// After the lock, one more locks it again, until a sign-in succeeds. A lock concerns signing in with a password
    /// alone.
    #[arg(long, env = "REMEMBERD_SIGN_IN_LOCK_AFTER", value_name = "COUNT",
          default_value = "10", value_parser = failures_from_one, hide_short_help = true)]
    pub sign_in_lock_after: u32,

    /// Time that a profile is locked; 0s disables locking
    #[arg(long, env = "REMEMBERD_SIGN_IN_LOCK_TIME", value_name = "DURATION",
          default_value = "10m", value_parser = duration_or_none, hide_short_help = true)]
    pub sign_in_lock_time: Duration,

    /// Most sign-ins at once, with those whose response is delayed; after it the response is 503
    #[arg(long, env = "REMEMBERD_SIGN_INS_MAX", value_name = "COUNT",
          default_value = "1024", value_parser = count, hide_short_help = true)]
    pub sign_ins_max: NonZeroUsize,
}

/// The format of new password hashes.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub enum PasswordFormat {
    /// argon2id.
    Argon2id,
    /// The wire contract's.
    Contract,
}

fn failures(text: &str) -> Result<u32, String> {
    let count = text.parse().ok();
    count
        .filter(|count| *count <= FAILURES_MAX as u32)
        .ok_or_else(|| format!("it must be a whole number from 0 to {FAILURES_MAX}"))
}

fn failures_from_one(text: &str) -> Result<u32, String> {
    let count = count_to::<FAILURES_MAX>(text)?;
    u32::try_from(count.get()).map_err(|error| error.to_string())
}

fn delay(text: &str) -> Result<Duration, String> {
    let delay = duration_or_none(text)?;
    if delay > DELAY_MAX {
        return Err("it must be at most 10s".to_owned());
    }
    Ok(delay)
}
