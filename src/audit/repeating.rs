//! Events that can be repeated without an end: each is logged once for what it happens to, and then counted in one line
//! a minute.

use std::array;
use std::hash::Hash;
use std::time::Instant;

use crate::audit::event::Event;
use crate::audit::subject::{AuditedLogin, Subject};
use crate::logging::repeated::{Repeated, Summary, Taken};

/// For how many logins such an event is counted by login.
const LOGINS_MAX: usize = 1_000;

/// For how many profiles and tenants such an event is counted by profile or tenant. Beyond it, passwords that are tried
/// on very many usernames make one line a minute.
const SUBJECTS_MAX: usize = 100;

/// The application that asked first.
type Application = Option<String>;

/// The occurrences of each event to what a `K` stands for.
type Occurrences<K> = [Repeated<K, Application>; Event::ALL.len()];

/// The occurrences of the events that repeat.
#[derive(Debug)]
pub(super) struct Repeating {
    logins: Occurrences<AuditedLogin>,
    subjects: Occurrences<Subject>,
}

impl Default for Repeating {
    fn default() -> Self {
        Self {
            logins: array::from_fn(|_| Repeated::new(1, LOGINS_MAX)),
            subjects: array::from_fn(|_| Repeated::new(1, SUBJECTS_MAX)),
        }
    }
}

impl Repeating {
    /// Counts that `event` happened to `login`. Returns whether it is to be logged.
    pub(super) fn count_login(
        &self,
        event: Event,
        login: &AuditedLogin,
        application: Option<&str>,
    ) -> bool {
        count(&self.logins, event, login, application)
    }

    /// Counts that `event` happened to `subject`. Returns whether it is to be logged.
    pub(super) fn count_subject(
        &self,
        event: Event,
        subject: &Subject,
        application: Option<&str>,
    ) -> bool {
        count(&self.subjects, event, subject, application)
    }

    /// How often `event` has happened to logins again.
    pub(super) fn take_logins(
        &self,
        event: Event,
        taken: Taken,
        now: Instant,
    ) -> Vec<Summary<AuditedLogin, Application>> {
        self.logins[event.index()].take(taken, now)
    }

    /// How often `event` has happened to other subjects again.
    pub(super) fn take_subjects(
        &self,
        event: Event,
        taken: Taken,
        now: Instant,
    ) -> Vec<Summary<Subject, Application>> {
        self.subjects[event.index()].take(taken, now)
    }
}

fn count<K: Eq + Hash + Clone>(
    occurrences: &Occurrences<K>,
    event: Event,
    key: &K,
    application: Option<&str>,
) -> bool {
    if !event.description().is_repeatable {
        return true;
    }
    let application = || application.map(str::to_owned);
    let repeated = &occurrences[event.index()];
    repeated.count(key, Instant::now(), application).is_some()
}
