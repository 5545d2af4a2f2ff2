//! How long, how much, and which points in which order.

use std::env;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// The mode that measures what many logins of one profile cost, and nothing else.
pub const BULK_ONLY: &str = "bulk";

/// The mode that measures how many users sign in, and nothing else.
pub const SIGN_IN_ONLY: &str = "sign_in";

/// The mode that measures how many tickets are read, and nothing else.
pub const TICKETS_ONLY: &str = "tickets";

/// The mode that measures what honest clients get under attack, and nothing else.
pub const ATTACKS_ONLY: &str = "attacks";

/// The mode that measures what reading and creating profiles costs, and nothing else.
pub const PROFILES_ONLY: &str = "profiles";

/// The mode that measures what queries for profiles cost, and nothing else.
pub const QUERIES_ONLY: &str = "queries";

/// The mode that measures what uploads and downloads of attachments cost, and nothing else.
pub const ATTACHMENTS_ONLY: &str = "attachments";

/// The mode that measures what an SMTP server that hangs costs, and nothing else.
pub const MAIL_ONLY: &str = "mail";

/// The mode that measures what reading the metrics costs, and nothing else.
pub const METRICS_ONLY: &str = "metrics";

/// The mode that measures backups, and nothing else.
pub const BACKUP_ONLY: &str = "backup";

/// The mode that measures what an import and the load of a seed file cost, and nothing else.
pub const IMPORT_ONLY: &str = "import";

/// The mode that measures what the two clients of the wire contract do, and nothing else.
pub const FLOWS_ONLY: &str = "flows";

pub struct Plan {
    pub mode: &'static str,
    /// The points of one round, in order.
    pub points: &'static [Point],
    /// Every random choice of the run follows from it.
    pub seed: u64,
    pub rounds: u64,
    pub warm_up: Duration,
    pub measure: Duration,
    pub small_logins: u64,
    pub large_logins: u64,
    /// How often each way of opening the database is timed.
    pub opens: usize,
    /// How many logins one profile has where that is measured, how often, and for how long each time.
    pub bulk_logins: u64,
    pub bulk_rounds: usize,
    pub bulk_measure: Duration,
    /// How long each attack is.
    pub attack_measure: Duration,
    /// How often each flow of a client is measured, and for how long each time.
    pub flow_rounds: u64,
    pub flow_measure: Duration,
    /// How many bursts go over each slow link.
    pub bursts: usize,
}

/// What a point measures. Together with the connections it names the point.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Subject {
    RefreshSmall,
    RefreshLarge,
    CompareAndRotate,
    GetSmall,
    BaselineRefresh,
    BaselineGet,
    Redis,
    /// Redis behind an HTTP server.
    RedisProxy,
    Postgres,
    Disk,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Point {
    pub subject: Subject,
    pub connections: usize,
}

/// What is compared with each other stands next to each other.
const ALL_POINTS: [Point; 18] = [
    point(Subject::Disk, 1),
    point(Subject::RefreshSmall, 1),
    point(Subject::RefreshLarge, 1),
    point(Subject::RefreshLarge, 64),
    point(Subject::RefreshSmall, 64),
    point(Subject::CompareAndRotate, 64),
    point(Subject::BaselineRefresh, 64),
    point(Subject::Postgres, 64),
    point(Subject::Redis, 64),
    point(Subject::RedisProxy, 64),
    point(Subject::GetSmall, 64),
    point(Subject::BaselineGet, 64),
    point(Subject::BaselineRefresh, 256),
    point(Subject::RefreshSmall, 256),
    point(Subject::RefreshLarge, 256),
    point(Subject::Postgres, 256),
    point(Subject::Redis, 256),
    point(Subject::RedisProxy, 256),
];

/// Where the journal, the file and the memory show whether they keep their size.
const STEADY_POINTS: [Point; 4] = [
    point(Subject::RefreshSmall, 64),
    point(Subject::RefreshLarge, 64),
    point(Subject::RefreshSmall, 256),
    point(Subject::RefreshLarge, 256),
];

impl Plan {
    pub fn from_env() -> Self {
        let seed = match env::var("REMEMBERD_BENCH_SEED") {
            Ok(text) => text
                .parse()
                .expect("REMEMBERD_BENCH_SEED is a whole number"),
            Err(_) => SystemTime::now()
                .duration_since(UNIX_EPOCH)
                .map_or(0, |since| since.as_secs()),
        };
        match env::var("REMEMBERD_BENCH").as_deref() {
            Ok("quick") => Self::quick(seed),
            Ok("long") => Self::long(seed),
            Ok("bulk") => Self {
                mode: BULK_ONLY,
                ..Self::default(seed)
            },
            Ok("sign_in") => Self {
                mode: SIGN_IN_ONLY,
                ..Self::default(seed)
            },
            Ok("tickets") => Self {
                mode: TICKETS_ONLY,
                ..Self::default(seed)
            },
            Ok("attacks") => Self {
                mode: ATTACKS_ONLY,
                ..Self::default(seed)
            },
            Ok("profiles") => Self {
                mode: PROFILES_ONLY,
                ..Self::default(seed)
            },
            Ok("queries") => Self {
                mode: QUERIES_ONLY,
                ..Self::default(seed)
            },
            Ok("attachments") => Self {
                mode: ATTACHMENTS_ONLY,
                ..Self::default(seed)
            },
            Ok("mail") => Self {
                mode: MAIL_ONLY,
                ..Self::default(seed)
            },
            Ok("metrics") => Self {
                mode: METRICS_ONLY,
                ..Self::default(seed)
            },
            Ok("backup") => Self {
                mode: BACKUP_ONLY,
                ..Self::default(seed)
            },
            Ok("import") => Self {
                mode: IMPORT_ONLY,
                ..Self::default(seed)
            },
            Ok("flows") => Self {
                mode: FLOWS_ONLY,
                ..Self::default(seed)
            },
            Ok("links") => Self::links(seed),
            Ok("") | Err(_) => Self::default(seed),
            Ok(other) => {
                panic!(
                    "REMEMBERD_BENCH is quick, attachments, attacks, backup, bulk, flows, import, links, mail, metrics, \
                     profiles, queries, sign_in, tickets, long or absent, not {other:?}"
                )
            }
        }
    }

    /// What the table calls a subject.
    pub fn name(&self, subject: Subject) -> String {
        let (small, large) = (grouped(self.small_logins), grouped(self.large_logins));
        match subject {
            Subject::RefreshSmall => format!("refresh, {small} logins"),
            Subject::RefreshLarge => format!("refresh, {large} logins"),
            Subject::CompareAndRotate => format!("compare-and-rotate, {small} logins"),
            Subject::GetSmall => format!("GET, {small} logins"),
            Subject::BaselineRefresh => "bare hyper, as refresh".to_owned(),
            Subject::BaselineGet => "bare hyper, as GET".to_owned(),
            Subject::Redis => format!("Redis, {small} logins"),
            Subject::RedisProxy => format!("Redis behind hyper, {small} logins"),
            Subject::Postgres => format!("PostgreSQL, {small} logins"),
            Subject::Disk => "4 KiB write and fdatasync".to_owned(),
        }
    }

    fn default(seed: u64) -> Self {
        Self {
            mode: "default",
            points: &ALL_POINTS,
            seed,
            rounds: 5,
            warm_up: Duration::from_millis(500),
            measure: Duration::from_secs(3),
            small_logins: 100_000,
            large_logins: 1_000_000,
            opens: 3,
            bulk_logins: 200_000,
            bulk_rounds: 3,
            bulk_measure: Duration::from_secs(8),
            attack_measure: Duration::from_secs(5),
            flow_rounds: 3,
            flow_measure: Duration::from_secs(5),
            bursts: 200,
        }
    }

    fn quick(seed: u64) -> Self {
        Self {
            mode: "quick",
            rounds: 1,
            warm_up: Duration::from_millis(100),
            measure: Duration::from_secs(1),
            small_logins: 10_000,
            large_logins: 20_000,
            opens: 1,
            bulk_logins: 20_000,
            bulk_rounds: 1,
            bulk_measure: Duration::from_secs(1),
            attack_measure: Duration::from_secs(1),
            flow_rounds: 1,
            flow_measure: Duration::from_secs(1),
            bursts: 10,
            ..Self::default(seed)
        }
    }

    fn long(seed: u64) -> Self {
        Self {
            mode: "long",
            points: &STEADY_POINTS,
            rounds: 3,
            warm_up: Duration::from_secs(2),
            measure: Duration::from_secs(60),
            bursts: 0,
            ..Self::default(seed)
        }
    }

    /// Slow links alone, with so many bursts that the slowest of a hundred means something.
    fn links(seed: u64) -> Self {
        Self {
            mode: "links",
            points: &[],
            bursts: 1_000,
            ..Self::default(seed)
        }
    }
}

pub const fn point(subject: Subject, connections: usize) -> Point {
    Point {
        subject,
        connections,
    }
}

/// A whole number with its thousands apart.
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (at, digit) in digits.char_indices() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}
