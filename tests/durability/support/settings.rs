//! Random values of the settings that apply to logins.

use std::time::Duration;

use rand::RngExt;
use rand::rngs::StdRng;
use rememberd::testing::ReuseRevokes;

use crate::support::generations::GraceSettings;

/// The maximum age of a login: short, so that it is reached often.
pub const MAX_AGE: Duration = Duration::from_secs(3_600);

/// The maximum number of logins that a transaction of the cleaner removes: few, for the same reason.
pub const CLEANER_BATCH_MAX: usize = 7;

/// The number of logins that the cleaner reads in each step.
pub const CLEANER_WALK_MAX: usize = 5;

/// One set of values.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Settings {
    pub idle_max: Option<Duration>,
    pub logins_per_profile_max: Option<usize>,
    pub grace: Duration,
    pub lost_answer_grace: Duration,
    pub coalesce: Duration,
    pub revokes: ReuseRevokes,
}

impl Settings {
    pub fn draw(random: &mut StdRng) -> Self {
        let idle_max_secs = [None, Some(300), Some(1_200)][random.random_range(0..3)];
        Self {
            idle_max: idle_max_secs.map(Duration::from_secs),
            logins_per_profile_max: [None, Some(1), Some(3), Some(6)][random.random_range(0..4)],
            grace: Duration::from_secs([0, 10, 60, 600][random.random_range(0..4)]),
            lost_answer_grace: Duration::from_secs([0, 120, 86_400][random.random_range(0..3)]),
            coalesce: Duration::from_secs([0, 0, 5, 120][random.random_range(0..4)]),
            revokes: [
                ReuseRevokes::Login,
                ReuseRevokes::Profile,
                ReuseRevokes::None,
            ][random.random_range(0..3)],
        }
    }

    pub fn graces(&self) -> GraceSettings {
        GraceSettings {
            grace: self.grace,
            lost_answer_grace: self.lost_answer_grace,
        }
    }

    /// The flags of the program with these values.
    pub fn flags(&self) -> Vec<String> {
        let revokes = match self.revokes {
            ReuseRevokes::Login => "login",
            ReuseRevokes::Profile => "profile",
            ReuseRevokes::None => "none",
        };
        let idle_max = self
            .idle_max
            .map(|idle_max| format!("--persistent-login-idle-max={}s", idle_max.as_secs()));
        let cap = self
            .logins_per_profile_max
            .map(|cap| format!("--logins-per-profile-max={cap}"));
        [
            format!("--persistent-login-max-age={}s", MAX_AGE.as_secs()),
            format!("--cleaner-batch-max={CLEANER_BATCH_MAX}"),
            format!("--cleaner-walk-max={CLEANER_WALK_MAX}"),
            format!("--reuse-grace={}s", self.grace.as_secs()),
            format!("--lost-answer-grace={}s", self.lost_answer_grace.as_secs()),
            format!("--coalesce-refreshes={}s", self.coalesce.as_secs()),
            format!("--reuse-revokes={revokes}"),
        ]
        .into_iter()
        .chain(idle_max)
        .chain(cap)
        .collect()
    }
}
