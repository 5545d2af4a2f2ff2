//! Load as a child process: what to send, and the outcome.
//!
//! The child is this executable again, so that the load generator is built like the benchmark and shares its code.

use std::env;
use std::net::SocketAddr;
use std::process::{Command, Stdio};
use std::time::Duration;

use rustix::process::Signal;
use serde_json::{Value, json};

use crate::dataset::Dataset;
use crate::flow::Flow;
use crate::process::Process;
use crate::sample::Round;

pub const SUBCOMMAND: &str = "load";

/// How long answers may stay out after the last request, before they count as errors.
pub const STRAGGLER_TIMEOUT_SECS: u64 = 10;

pub struct Load {
    pub address: SocketAddr,
    pub operation: Operation,
    pub connections: usize,
    pub warm_up: Duration,
    pub measure: Duration,
    pub dataset: Dataset,
    /// Distinguishes the random choices of this load from those of the others with the same seed.
    pub stream: u64,
}

pub enum Operation {
    Refresh,
    /// A refresh that presents the login's token.
    CompareAndRotate,
    Get,
    /// GET of a profile by its id.
    GetProfile,
    GetProfileByUsername,
    /// A query for one profile by its username.
    QueryOneUsername,
    /// A query for a list by a username.
    QueryListUsername,
    /// Each one has a username of its own.
    CreateProfile,
    BaselineRefresh,
    BaselineGet,
    /// Visits of people who are remembered, as one of the clients makes them.
    Visits(Flow),
    /// `script` is the SHA-1 that Redis knows the rotation by.
    Redis {
        script: String,
    },
}

/// What the child counted; times in microseconds.
pub struct Outcome {
    pub count: u64,
    /// How many of them came in the first third of the time, and in the last.
    pub early: u64,
    pub late: u64,
    pub errors: u64,
    pub p50_us: u64,
    pub p99_us: u64,
    pub max_us: u64,
}

pub struct RunningLoad(Process);

impl Load {
    pub fn run(&self) -> Round {
        let outcome = self.spawn().outcome();
        Round {
            per_second: outcome.count as f64 / self.measure.as_secs_f64(),
            p50_us: Some(outcome.p50_us as f64),
            p99_us: Some(outcome.p99_us as f64),
            max_us: Some(outcome.max_us as f64),
            late_by_early: Some(outcome.late as f64 / outcome.early as f64),
            errors: outcome.errors,
        }
    }

    pub fn spawn(&self) -> RunningLoad {
        let executable = env::current_exe().expect("an executable knows its own path");
        let mut command = Command::new(executable);
        command
            .arg(SUBCOMMAND)
            .args(self.to_args())
            .stdout(Stdio::piped());
        RunningLoad(Process::spawn(&mut command, Signal::KILL).expect("the load starts"))
    }

    pub fn from_args(args: &[String]) -> Self {
        let [
            address,
            connections,
            warm_up,
            measure,
            operation,
            logins,
            seed,
            stream,
        ] = args
        else {
            panic!("the load takes 8 arguments, not {}", args.len());
        };
        let number = |text: &String| text.parse::<u64>().expect("the argument is a whole number");
        Self {
            address: address
                .parse()
                .expect("the first argument is a socket address"),
            operation: Operation::parse(operation),
            connections: number(connections) as usize,
            warm_up: Duration::from_millis(number(warm_up)),
            measure: Duration::from_millis(number(measure)),
            dataset: Dataset {
                seed: number(seed),
                logins: number(logins),
            },
            stream: number(stream),
        }
    }

    fn to_args(&self) -> [String; 8] {
        [
            self.address.to_string(),
            self.connections.to_string(),
            self.warm_up.as_millis().to_string(),
            self.measure.as_millis().to_string(),
            self.operation.to_arg(),
            self.dataset.logins.to_string(),
            self.dataset.seed.to_string(),
            self.stream.to_string(),
        ]
    }
}

impl RunningLoad {
    /// Waits for the end of the load.
    pub fn outcome(mut self) -> Outcome {
        let line = self.0.first_line().expect("the load prints its outcome");
        let value: Value = serde_json::from_str(&line).expect("the load's outcome is JSON");
        let number = |name: &str| {
            value[name]
                .as_u64()
                .expect("the outcome has all its numbers")
        };
        Outcome {
            count: number("count"),
            early: number("early"),
            late: number("late"),
            errors: number("errors"),
            p50_us: number("p50_us"),
            p99_us: number("p99_us"),
            max_us: number("max_us"),
        }
    }
}

impl Operation {
    fn to_arg(&self) -> String {
        match self {
            Self::Refresh => "refresh".to_owned(),
            Self::CompareAndRotate => "compare-and-rotate".to_owned(),
            Self::Get => "get".to_owned(),
            Self::GetProfile => "get-profile".to_owned(),
            Self::GetProfileByUsername => "get-profile-by-username".to_owned(),
            Self::QueryOneUsername => "query-one-username".to_owned(),
            Self::QueryListUsername => "query-list-username".to_owned(),
            Self::CreateProfile => "create-profile".to_owned(),
            Self::BaselineRefresh => "baseline-refresh".to_owned(),
            Self::BaselineGet => "baseline-get".to_owned(),
            Self::Visits(flow) => flow.name().to_owned(),
            Self::Redis { script } => format!("redis:{script}"),
        }
    }

    fn parse(arg: &str) -> Self {
        match arg {
            "refresh" => Self::Refresh,
            "compare-and-rotate" => Self::CompareAndRotate,
            "get" => Self::Get,
            "get-profile" => Self::GetProfile,
            "get-profile-by-username" => Self::GetProfileByUsername,
            "query-one-username" => Self::QueryOneUsername,
            "query-list-username" => Self::QueryListUsername,
            "create-profile" => Self::CreateProfile,
            "baseline-refresh" => Self::BaselineRefresh,
            "baseline-get" => Self::BaselineGet,
            other => match Flow::parse(other) {
                Some(flow) => Self::Visits(flow),
                None => Self::Redis {
                    script: other
                        .strip_prefix("redis:")
                        .expect("the operation is one of these")
                        .to_owned(),
                },
            },
        }
    }
}

impl Outcome {
    pub fn to_json(&self) -> Value {
        json!({
            "count": self.count,
            "early": self.early,
            "late": self.late,
            "errors": self.errors,
            "p50_us": self.p50_us,
            "p99_us": self.p99_us,
            "max_us": self.max_us,
        })
    }
}
