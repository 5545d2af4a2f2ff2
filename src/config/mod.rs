//! Every setting and every limit, with its flag, its variable, its default and its unit.
//!
//! The doc comment of a field is its text in `--help`. Values are checked where they are read, so that
//! a senseless one is refused by the name of its flag; the rest of the house trusts them.

use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use bytesize::ByteSize;
use clap::builder::BoolishValueParser;
use clap::{Args, Parser, ValueEnum};

/// The longest duration that a setting may have: a century is a slip of the keyboard.
const DURATION_MAX: Duration = Duration::from_secs(100 * 365 * 24 * 3_600);

/// The largest count of things that wait or are taken together: memory is set aside for them.
const COUNT_MAX: usize = 1 << 20;

/// More threads than the largest host has processors are an error in the flag.
const THREADS_MAX: usize = 1_024;

/// The longest that a replaced token may go on being answered.
const SHORT_DURATION_MAX: Duration = Duration::from_secs(600);

/// Settings of `rememberd serve`.
#[derive(Args, Clone, Debug)]
pub struct Config {
    /// Directory of the database file, made if missing
    #[arg(
        long,
        env = "REMEMBERD_DATA_DIR",
        value_name = "DIR",
        default_value = "data"
    )]
    pub data_dir: PathBuf,

    /// Address and port to listen on; port 0 takes a free one
    #[arg(
        long,
        env = "REMEMBERD_LISTEN",
        value_name = "ADDRESS:PORT",
        default_value = "127.0.0.1:8080"
    )]
    pub listen: SocketAddr,

    /// Path under which everything is served, beside the bare paths; `/` for the bare ones alone
    #[arg(
        long,
        env = "REMEMBERD_CONTEXT_PATH",
        value_name = "PATH",
        default_value = "/crafter-profile"
    )]
    pub context_path: ContextPath,

    /// JSON file to load if the database is empty
    #[arg(long, env = "REMEMBERD_SEED", value_name = "FILE")]
    pub seed: Option<PathBuf>,

    /// Serve the well-known access token of the demo data on an address that others can reach
    #[arg(long, env = "REMEMBERD_ALLOW_DEMO_SECRETS", value_parser = BoolishValueParser::new())]
    pub allow_demo_secrets: bool,

    /// How long a persistent login lives after its creation
    #[arg(long, env = "REMEMBERD_PERSISTENT_LOGIN_MAX_AGE", value_name = "DURATION",
          default_value = "15d", value_parser = duration)]
    pub persistent_login_max_age: Duration,

    /// How long a persistent login may stay unused; without it only its age counts
    #[arg(long, env = "REMEMBERD_PERSISTENT_LOGIN_IDLE_MAX", value_name = "DURATION",
          value_parser = duration)]
    pub persistent_login_idle_max: Option<Duration>,

    /// How many logins a profile may have; at the cap a new one ends the one unused longest
    #[arg(long, env = "REMEMBERD_LOGINS_PER_PROFILE_MAX", value_name = "COUNT")]
    pub logins_per_profile_max: Option<NonZeroUsize>,

    /// How long after a rotation the replaced token is answered with its successor; 0s for not at all
    #[arg(long, env = "REMEMBERD_REUSE_GRACE", value_name = "DURATION",
          default_value = "60s", value_parser = short_duration)]
    pub reuse_grace: Duration,

    /// What is revoked when a token is presented that had been used before
    #[arg(
        long,
        env = "REMEMBERD_REUSE_REVOKES",
        value_name = "WHAT",
        default_value = "login"
    )]
    pub reuse_revokes: ReuseRevokes,

    /// How long after a rotation a refresh without a token gets the same answer; 0s for not at all
    #[arg(long, env = "REMEMBERD_COALESCE_REFRESHES", value_name = "DURATION",
          default_value = "0s", value_parser = short_duration)]
    pub coalesce_refreshes: Duration,

    /// How often expired logins are removed from the database
    #[arg(long, env = "REMEMBERD_CLEANER_INTERVAL", value_name = "DURATION",
          default_value = "30s", value_parser = duration)]
    pub cleaner_interval: Duration,

    /// How many logins are looked at each time for having been unused too long
    #[arg(
        long,
        env = "REMEMBERD_CLEANER_WALK_MAX",
        value_name = "COUNT",
        default_value = "4096",
        value_parser = count
    )]
    pub cleaner_walk_max: NonZeroUsize,

    /// How many expired logins one transaction removes
    #[arg(
        long,
        env = "REMEMBERD_CLEANER_BATCH_MAX",
        value_name = "COUNT",
        default_value = "256",
        value_parser = count
    )]
    pub cleaner_batch_max: NonZeroUsize,

    /// How often the newest known time is saved, against a host that boots with a wrong clock
    #[arg(long, env = "REMEMBERD_CLOCK_SAVE_INTERVAL", value_name = "DURATION",
          default_value = "60s", value_parser = duration)]
    pub clock_save_interval: Duration,

    /// Memory for cached pages of the database
    #[arg(long, env = "REMEMBERD_CACHE_SIZE", value_name = "SIZE",
          default_value = "64MiB", value_parser = size_from::<{ 1 << 20 }>)]
    pub cache_size: ByteSize,

    /// Memory for logins that were used last, so that their records need not be read; 0 for none
    #[arg(long, env = "REMEMBERD_LOGIN_CACHE_SIZE", value_name = "SIZE",
          default_value = "128MiB", value_parser = size_from::<0>)]
    pub login_cache_size: ByteSize,

    /// Write and sync each commit twice, trusting no checksum after a crash; costs a second sync
    #[arg(long, env = "REMEMBERD_TWO_PHASE_COMMIT", value_parser = BoolishValueParser::new())]
    pub two_phase_commit: bool,

    /// How many rotations wait in memory and in the journal to be written into their logins' records,
    /// about; by default 256 times the square root of the number of logins, and at most half of it
    #[arg(long, env = "REMEMBERD_JOURNAL_TARGET", value_name = "COUNT", value_parser = count)]
    pub journal_target: Option<NonZeroUsize>,

    /// How many of them are written together at least
    #[arg(long, env = "REMEMBERD_JOURNAL_SETTLE_MIN", value_name = "COUNT",
          default_value = "64", value_parser = count)]
    pub journal_settle_min: NonZeroUsize,

    /// How long nobody writes before the rest of them are written
    #[arg(long, env = "REMEMBERD_JOURNAL_IDLE_AFTER", value_name = "DURATION",
          default_value = "1s", value_parser = duration)]
    pub journal_idle_after: Duration,

    /// How many writes may wait for the disk; more are answered 503
    #[arg(long, env = "REMEMBERD_QUEUE_JOBS_MAX", value_name = "COUNT",
          default_value = "1024", value_parser = count)]
    pub queue_jobs_max: NonZeroUsize,

    /// How many writes share one commit
    #[arg(
        long,
        env = "REMEMBERD_BATCH_JOBS_MAX",
        value_name = "COUNT",
        default_value = "256",
        value_parser = count
    )]
    pub batch_jobs_max: NonZeroUsize,

    /// How long a request waits for its write; then it is answered 503, its outcome unknown
    #[arg(long, env = "REMEMBERD_WRITE_TIMEOUT", value_name = "DURATION",
          default_value = "30s", value_parser = duration)]
    pub write_timeout: Duration,

    /// How many threads serve connections; by default one less than there are processors, and at least one
    #[arg(long, env = "REMEMBERD_WORKER_THREADS", value_name = "COUNT", value_parser = count_to::<THREADS_MAX>)]
    pub worker_threads: Option<NonZeroUsize>,

    /// How many connections are open at a time; at the limit the one idle longest is closed for a new one
    #[arg(long, env = "REMEMBERD_CONNECTIONS_MAX", value_name = "COUNT",
          default_value = "512", value_parser = count)]
    pub connections_max: NonZeroUsize,

    /// How long a connection may stay open without a request
    #[arg(long, env = "REMEMBERD_IDLE_TIMEOUT", value_name = "DURATION",
          default_value = "75s", value_parser = duration)]
    pub idle_timeout: Duration,

    /// How long a client may take to send the head of a request
    #[arg(long, env = "REMEMBERD_HEADER_TIMEOUT", value_name = "DURATION",
          default_value = "10s", value_parser = duration)]
    pub header_timeout: Duration,

    /// How long a client may take to send the body of a request
    #[arg(long, env = "REMEMBERD_BODY_TIMEOUT", value_name = "DURATION",
          default_value = "10s", value_parser = duration)]
    pub body_timeout: Duration,

    /// Largest head of a request
    #[arg(long, env = "REMEMBERD_HEADER_SIZE_MAX", value_name = "SIZE",
          default_value = "16KiB", value_parser = size_from::<{ 8 << 10 }>)]
    pub header_size_max: ByteSize,

    /// How many header fields a request may have
    #[arg(
        long,
        env = "REMEMBERD_HEADER_COUNT_MAX",
        value_name = "COUNT",
        default_value = "64",
        value_parser = count
    )]
    pub header_count_max: NonZeroUsize,

    /// Largest body of a request
    #[arg(long, env = "REMEMBERD_BODY_SIZE_MAX", value_name = "SIZE",
          default_value = "64KiB", value_parser = size_from::<1>)]
    pub body_size_max: ByteSize,

    /// How long open requests may take to finish when the server stops
    #[arg(long, env = "REMEMBERD_DRAIN_TIMEOUT", value_name = "DURATION",
          default_value = "10s", value_parser = duration)]
    pub drain_timeout: Duration,

    /// Form of the log, which goes to standard error
    #[arg(
        long,
        env = "REMEMBERD_LOG_FORMAT",
        value_name = "FORMAT",
        default_value = "text"
    )]
    pub log_format: LogFormat,

    /// What is logged: every request at `info`
    #[arg(
        long,
        env = "REMEMBERD_LOG_LEVEL",
        value_name = "LEVEL",
        default_value = "info"
    )]
    pub log_level: LogLevel,
}

impl Config {
    /// The settings that these flags give, with the variables and defaults for the rest.
    ///
    /// # Errors
    ///
    /// For a flag that is unknown or whose value is senseless.
    pub fn from_flags(flags: &[&str]) -> Result<Self, clap::Error> {
        #[derive(Parser)]
        struct Flags {
            #[command(flatten)]
            config: Config,
        }
        let program = ["rememberd"];
        Flags::try_parse_from(program.iter().chain(flags)).map(|flags| flags.config)
    }
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

/// The form of the log.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

/// From which level on events are logged.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub enum LogLevel {
    /// Failures.
    Error,
    /// And what deserves attention.
    Warn,
    /// And every request.
    Info,
}

/// A path that everything is served under: empty, or segments that each begin with a slash.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ContextPath(String);

impl ContextPath {
    /// The path: empty, or with a leading slash and without a trailing one.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for ContextPath {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let path = text.trim_end_matches('/');
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte);
        if !path.is_empty() && !path.starts_with('/') {
            return Err("it must begin with a slash".to_owned());
        }
        if path.contains("//") || !path.bytes().all(plain) {
            return Err(
                "only letters, digits, `-._~` and single slashes may stand in it".to_owned(),
            );
        }
        Ok(Self(path.to_owned()))
    }
}

fn duration(text: &str) -> Result<Duration, String> {
    let duration = humantime::parse_duration(text)
        .map_err(|error| format!("{error}; write it like 15d, 30s or 500ms"))?;
    if duration < Duration::from_millis(1) {
        return Err("it must be at least 1ms".to_owned());
    }
    if duration > DURATION_MAX {
        return Err("it must be at most 100 years".to_owned());
    }
    Ok(duration)
}

/// A duration that may be nothing, and may not be long.
fn short_duration(text: &str) -> Result<Duration, String> {
    let duration = humantime::parse_duration(text)
        .map_err(|error| format!("{error}; write it like 60s or 500ms"))?;
    if duration > SHORT_DURATION_MAX {
        return Err("it must be at most 10m".to_owned());
    }
    Ok(duration)
}

fn size_from<const MIN: u64>(text: &str) -> Result<ByteSize, String> {
    let size: ByteSize = text
        .parse()
        .map_err(|error| format!("{error}; write it like 64KiB or 64MiB"))?;
    if size.as_u64() < MIN {
        let least = ByteSize::b(MIN).to_string_as(true);
        return Err(format!("it must be at least {least}"));
    }
    if usize::try_from(size.as_u64()).is_err() || size.as_u64() > 1 << 40 {
        return Err("it must be at most 1 TiB".to_owned());
    }
    Ok(size)
}

fn count(text: &str) -> Result<NonZeroUsize, String> {
    count_to::<COUNT_MAX>(text)
}

fn count_to<const MAX: usize>(text: &str) -> Result<NonZeroUsize, String> {
    let count: NonZeroUsize = text.parse().map_err(|error| format!("{error}"))?;
    if count.get() > MAX {
        return Err(format!("it must be at most {MAX}"));
    }
    Ok(count)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn defaults_are_sensible() {
        let config = Config::from_flags(&[]).expect("defaults pass their own checks");
        assert_eq!(
            config.persistent_login_max_age,
            Duration::from_secs(1_296_000)
        );
        assert_eq!(config.cache_size.as_u64(), 64 << 20);
        assert_eq!(config.login_cache_size.as_u64(), 128 << 20);
        assert_eq!(config.context_path.as_str(), "/crafter-profile");
    }

    #[test]
    fn a_senseless_value_is_refused_by_the_name_of_its_flag() {
        for (flag, value) in [
            ("--listen", "nowhere"),
            ("--context-path", "profile"),
            ("--context-path", "/a b"),
            ("--persistent-login-max-age", "0s"),
            ("--persistent-login-max-age", "200years"),
            ("--cleaner-interval", "soon"),
            ("--cleaner-batch-max", "0"),
            ("--cache-size", "1KiB"),
            ("--cache-size", "-5"),
            ("--queue-jobs-max", "0"),
            ("--journal-target", "0"),
            ("--journal-settle-min", "some"),
            ("--journal-idle-after", "0s"),
            ("--batch-jobs-max", "0"),
            ("--batch-jobs-max", "18446744073709551615"),
            ("--header-count-max", "1048577"),
            ("--queue-jobs-max", "1048577"),
            ("--worker-threads", "0"),
            ("--worker-threads", "1025"),
            ("--connections-max", "0"),
            ("--header-size-max", "100B"),
            ("--header-count-max", "0"),
            ("--body-size-max", "0"),
            ("--reuse-grace", "11m"),
            ("--reuse-grace", "-1s"),
            ("--reuse-revokes", "all"),
            ("--coalesce-refreshes", "1h"),
            ("--persistent-login-idle-max", "0s"),
            ("--logins-per-profile-max", "0"),
            ("--log-format", "xml"),
        ] {
            let error = Config::from_flags(&[&format!("{flag}={value}")])
                .expect_err(&format!("{flag}={value}"));
            assert!(error.to_string().contains(flag), "{error}");
        }
    }

    #[test]
    fn a_context_path_may_be_empty_or_nested() {
        let path = |text: &str| text.parse::<ContextPath>().map(|path| path.0);
        assert_eq!(path("/"), Ok(String::new()));
        assert_eq!(path(""), Ok(String::new()));
        assert_eq!(path("/a/b/"), Ok("/a/b".to_owned()));
    }
}
