//! The audit log: what happened to logins, profiles, tenants and access tokens, who signed in, and what was imported,
//! exported and backed up, counted; one log event for each, and one for all logins that an operation on many ended
//! together.
//!
//! An event says what, when, whose and by which application, and never the id of a login or of an access token, a
//! token, a password or a username: a login and an access token are identified by a keyed fingerprint, which groups
//! their events and cannot be computed from an id without the database's key.
//!
//! What anybody can repeat who has the id of a login or guesses passwords, a wrong token above all, is logged once for
//! a login or a profile, and then counted in one line a minute: no number of such lines hides a line about a theft.

pub mod event;
mod fingerprint;
mod line;
mod repeating;
pub mod subject;

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use crate::audit::event::Event;
use crate::audit::fingerprint::Fingerprints;
use crate::audit::line::Line;
use crate::audit::repeating::Repeating;
use crate::audit::subject::{AuditedLogin, Origin, Subject};
use crate::clock::Timestamp;
use crate::domain::object_id::ObjectId;
use crate::domain::persistent_login::PersistentLoginId;
use crate::domain::tenant::TenantName;
use crate::logging::repeated::Taken;

/// Where events go.
#[derive(Debug)]
pub struct AuditLog {
    fingerprints: Fingerprints,
    counts: [AtomicU64; Event::ALL.len()],
    repeating: Repeating,
}

impl Default for AuditLog {
    fn default() -> Self {
        Self {
            fingerprints: Fingerprints::default(),
            counts: [const { AtomicU64::new(0) }; Event::ALL.len()],
            repeating: Repeating::default(),
        }
    }
}

impl AuditLog {
    /// Gives the audit log the database's key; the first one stays.
    pub fn set_key(&self, key: &[u8; 32]) {
        self.fingerprints.set_key(key);
    }

    /// Logs that `event` happened to `login` at `now`, and counts it. To be called once it is certain.
    pub fn record(&self, event: Event, login: &AuditedLogin, origin: Origin<'_>, now: Timestamp) {
        self.add(event, 1);
        if self.repeating.count_login(event, login, origin.application) {
            self.log_login(event, login, Line::at(now, origin));
        }
    }

    /// As [`AuditLog::record`], for what is no login.
    pub fn record_subject(
        &self,
        event: Event,
        subject: &Subject,
        origin: Origin<'_>,
        now: Timestamp,
    ) {
        self.add(event, 1);
        if self
            .repeating
            .count_subject(event, subject, origin.application)
        {
            self.log_subject(event, subject, Line::at(now, origin));
        }
    }

    /// Logs once that `event` happened to `count` logins at `now`, and counts it as often. `owner` is the tenant and
    /// the profile of all of them, if they have one.
    pub fn record_many(
        &self,
        event: Event,
        count: u64,
        owner: Option<(&TenantName, ObjectId)>,
        origin: Origin<'_>,
        now: Timestamp,
    ) {
        self.add(event, count);
        let profile = owner.map(|(_, profile_id)| profile_id.to_string());
        let line = Line {
            tenant: owner.map(|(tenant, _)| tenant.as_str()),
            profile: profile.as_deref(),
            count: Some(count),
            ..Line::at(now, origin)
        };
        line.log(event);
    }

    /// Logs how often what was logged has happened again.
    pub fn log_summaries(&self, taken: Taken, now: Instant) {
        for event in Event::ALL {
            for summary in self.repeating.take_logins(event, taken, now) {
                let counted = Line::counted(summary.count, summary.within);
                match &summary.key {
                    Some((login, application)) => {
                        self.log_login(event, login, counted.of(application.as_deref()));
                    }
                    // Of several logins.
                    None => counted.log(event),
                }
            }
            for summary in self.repeating.take_subjects(event, taken, now) {
                let counted = Line::counted(summary.count, summary.within);
                match &summary.key {
                    Some((subject, application)) => {
                        self.log_subject(event, subject, counted.of(application.as_deref()));
                    }
                    None => counted.log(event),
                }
            }
        }
    }

    /// How often `event` happened since the start.
    pub fn count(&self, event: Event) -> u64 {
        self.counts[event.index()].load(Ordering::Relaxed)
    }

    /// The fingerprint that the log has of the login with this id.
    pub fn fingerprint(&self, id: PersistentLoginId) -> String {
        self.fingerprints.of(id.uuid().as_bytes())
    }

    fn add(&self, event: Event, count: u64) {
        self.counts[event.index()].fetch_add(count, Ordering::Relaxed);
    }

    fn log_login(&self, event: Event, login: &AuditedLogin, line: Line<'_>) {
        let mut digits = [0; 24];
        let line = Line {
            tenant: Some(login.tenant.as_str()),
            profile: Some(login.profile_id.encode(&mut digits)),
            login: Some(&self.fingerprint(login.id)),
            ..line
        };
        line.log(event);
    }

    fn log_subject(&self, event: Event, subject: &Subject, line: Line<'_>) {
        let mut digits = [0; 24];
        let fingerprint;
        let line = match subject {
            Subject::Profile { tenant, id } => Line {
                tenant: Some(tenant.as_str()),
                profile: Some(id.encode(&mut digits)),
                ..line
            },
            Subject::Database => line,
            Subject::Tenant(tenant) => Line {
                tenant: Some(tenant.as_str()),
                ..line
            },
            Subject::AccessToken { digest, issued_to } => {
                fingerprint = self.fingerprints.of(digest);
                Line {
                    access_token: Some(&fingerprint),
                    issued_to: Some(issued_to),
                    ..line
                }
            }
            Subject::Documents { collection, count } => Line {
                collection: Some(collection),
                count: *count,
                ..line
            },
            Subject::Backup(file) => Line {
                file: Some(file),
                ..line
            },
        };
        line.log(event);
    }
}
