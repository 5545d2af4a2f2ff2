//! The audit log: what happened to logins, counted; one log event for each login, and one for all that an operation
//! on many ended together.
//!
//! An event says what, when, whose and by which application, and never the login's id or a token: the
//! login is identified by a keyed fingerprint, which groups its events and cannot be computed from an id
//! without the database's key.
//!
//! What anybody can repeat who has the id of a login, a wrong token above all, is logged once for a login, and then
//! counted in one line a minute: no number of such lines hides a line about a theft.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use tracing::field;

use crate::clock::Timestamp;
use crate::domain::login_state::LoginState;
use crate::domain::object_id::ObjectId;
use crate::domain::persistent_login::PersistentLoginId;
use crate::domain::tenant::TenantName;
use crate::logging::AUDIT;
use crate::logging::repeated::{Repeated, Summary, Taken};
use crate::request_id::RequestId;

/// For how many logins an event that can be repeated is counted by login.
const LOGINS_MAX: usize = 1_000;

/// Why a login was revoked.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Reason {
    /// A token was presented that had been used before.
    TokenReuse,
    /// Its profile has as many logins as it may have, and a new one was created.
    Cap,
    /// The key of its tokens is missing, and the server goes on without it.
    KeyMissing,
}

/// What may happen to a login.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Event {
    /// A profile was created for it.
    CreateProfile,
    /// It was created.
    Create,
    /// Its token was replaced.
    Rotation,
    /// The token just replaced was presented, and answered with the current one.
    Grace,
    /// A refresh without a token came soon after a rotation, and was answered with its result.
    Coalesced,
    /// Its token was replaced again, because the response with it was lost.
    LateRetry,
    /// Its token was replaced, after one was presented that is newer than the database.
    NewerToken,
    /// A token was presented that was never one of it.
    UnknownToken,
    /// Tokens were presented again late for many generations in a row: it may be used by two clients.
    Shared,
    /// A token was presented that had been used before.
    Reuse,
    /// It was ended for its protection.
    Revocation(Reason),
    /// It had expired and was removed.
    Expiry,
    /// It was ended by the application.
    Delete,
    /// Its profile was disabled, which ended it.
    DisableProfile,
    /// Its profile was deleted, which ended it.
    DeleteProfile,
    /// The password of its profile was changed, which ended it.
    ChangePassword,
}

impl Event {
    /// Every event, for whoever reads all counters.
    pub const ALL: [Self; 18] = [
        Self::CreateProfile,
        Self::Create,
        Self::Rotation,
        Self::Grace,
        Self::Coalesced,
        Self::LateRetry,
        Self::NewerToken,
        Self::UnknownToken,
        Self::Shared,
        Self::Reuse,
        Self::Revocation(Reason::TokenReuse),
        Self::Revocation(Reason::Cap),
        Self::Revocation(Reason::KeyMissing),
        Self::Expiry,
        Self::Delete,
        Self::DisableProfile,
        Self::DeleteProfile,
        Self::ChangePassword,
    ];

    /// The event's name in the log.
    pub const fn name(self) -> &'static str {
        match self {
            Self::CreateProfile => "create_profile",
            Self::Create => "create",
            Self::Rotation => "rotation",
            Self::Grace => "grace",
            Self::Coalesced => "coalesced",
            Self::LateRetry => "late_retry",
            Self::NewerToken => "newer_token",
            Self::UnknownToken => "unknown_token",
            Self::Shared => "shared",
            Self::Reuse => "reuse",
            Self::Revocation(_) => "revocation",
            Self::Expiry => "expiry",
            Self::Delete => "delete",
            Self::DisableProfile => "disable_profile",
            Self::DeleteProfile => "delete_profile",
            Self::ChangePassword => "change_password",
        }
    }

    fn index(self) -> usize {
        let mut all = Self::ALL.iter();
        all.position(|event| *event == self)
            .expect("every event is in the list")
    }

    /// Whether it deserves attention: it may be an attack, or it ended a login against the will of its owner.
    const fn is_warning(self) -> bool {
        match self {
            Self::LateRetry
            | Self::NewerToken
            | Self::UnknownToken
            | Self::Shared
            | Self::Reuse
            | Self::Revocation(Reason::TokenReuse | Reason::KeyMissing) => true,
            Self::CreateProfile
            | Self::Create
            | Self::Rotation
            | Self::Grace
            | Self::Coalesced
            | Self::Revocation(Reason::Cap)
            | Self::Expiry
            | Self::Delete
            | Self::DisableProfile
            | Self::DeleteProfile
            | Self::ChangePassword => false,
        }
    }

    const fn reason(self) -> Option<&'static str> {
        match self {
            Self::Revocation(Reason::TokenReuse) => Some("token_reuse"),
            Self::Revocation(Reason::Cap) => Some("cap"),
            Self::Revocation(Reason::KeyMissing) => Some("key_missing"),
            Self::CreateProfile
            | Self::Create
            | Self::Rotation
            | Self::Grace
            | Self::Coalesced
            | Self::LateRetry
            | Self::NewerToken
            | Self::UnknownToken
            | Self::Shared
            | Self::Reuse
            | Self::Expiry
            | Self::Delete
            | Self::DisableProfile
            | Self::DeleteProfile
            | Self::ChangePassword => None,
        }
    }
}

/// What an event says of a login.
#[derive(Clone, Debug)]
pub struct AuditedLogin {
    /// The login.
    pub id: PersistentLoginId,
    /// The name of its tenant.
    pub tenant: TenantName,
    /// Its profile.
    pub profile_id: ObjectId,
}

impl From<&LoginState> for AuditedLogin {
    fn from(login: &LoginState) -> Self {
        Self {
            id: login.id,
            tenant: login.tenant.clone(),
            profile_id: login.profile_id,
        }
    }
}

/// Who asked for what happened, and in which request; both are `None` if the server acted by itself.
#[derive(Clone, Copy, Debug)]
pub struct Origin<'a> {
    /// The application that the caller's access token was issued to.
    pub application: Option<&'a str>,
    /// The id that the request's line in the log has too.
    pub request_id: Option<RequestId>,
}

/// Logs an event at its level. The macros of `tracing` take no level that is known only later.
macro_rules! log {
    ($event:expr, $($field:tt)*) => {
        if $event.is_warning() {
            tracing::warn!(target: AUDIT, $($field)*, "audit");
        } else {
            tracing::info!(target: AUDIT, $($field)*, "audit");
        }
    };
}

/// Where events go.
#[derive(Debug)]
pub struct AuditLog {
    /// The key of the fingerprints: random bytes that the database keeps.
    key: OnceLock<Hmac<Sha256>>,
    counts: [AtomicU64; Event::ALL.len()],
    unknown_tokens: Repeated<PersistentLoginId, Repeating>,
    /// They repeat if a reuse revokes nothing.
    reuses: Repeated<PersistentLoginId, Repeating>,
    late_retries: Repeated<PersistentLoginId, Repeating>,
}

/// The login of an event that repeats, and which application asked first.
#[derive(Clone, Debug)]
struct Repeating {
    login: AuditedLogin,
    application: Option<String>,
}

impl Default for AuditLog {
    fn default() -> Self {
        Self {
            key: OnceLock::new(),
            counts: [const { AtomicU64::new(0) }; Event::ALL.len()],
            unknown_tokens: Repeated::new(1, LOGINS_MAX),
            reuses: Repeated::new(1, LOGINS_MAX),
            late_retries: Repeated::new(1, LOGINS_MAX),
        }
    }
}

impl AuditLog {
    /// Gives the audit log the database's key; the first one stays.
    pub fn set_key(&self, key: &[u8; 32]) {
        let keyed = || Hmac::new_from_slice(key).expect("HMAC takes a key of any length");
        self.key.get_or_init(keyed);
    }

    /// Logs that `event` happened to `login` at `now`, and counts it. To be called once it is certain.
    pub fn record(&self, event: Event, login: &AuditedLogin, origin: Origin<'_>, now: Timestamp) {
        self.counts[event.index()].fetch_add(1, Ordering::Relaxed);
        let Origin {
            application,
            request_id,
        } = origin;
        let request_id = request_id.map(field::display);
        if let Some(repeated) = self.repeated(event) {
            let repeating = || Repeating {
                login: login.clone(),
                application: application.map(str::to_owned),
            };
            let logged = repeated.count(&login.id, Instant::now(), repeating);
            if logged.is_none() {
                return;
            }
        }
        let (what, at) = (event.name(), now.as_millis());
        let mut digits = [0; 24];
        let (tenant, profile) = (login.tenant.as_str(), login.profile_id.encode(&mut digits));
        let (login, reason) = (self.fingerprint(login.id), event.reason());
        log!(
            event,
            what,
            at,
            tenant,
            profile,
            application,
            login,
            reason,
            request_id
        );
    }

    /// What counts `event`, if it can be repeated without an end.
    fn repeated(&self, event: Event) -> Option<&Repeated<PersistentLoginId, Repeating>> {
        match event {
            Event::UnknownToken => Some(&self.unknown_tokens),
            Event::Reuse => Some(&self.reuses),
            Event::LateRetry => Some(&self.late_retries),
            Event::CreateProfile
            | Event::Create
            | Event::Rotation
            | Event::Grace
            | Event::Coalesced
            | Event::NewerToken
            | Event::Shared
            | Event::Revocation(_)
            | Event::Expiry
            | Event::Delete
            | Event::DisableProfile
            | Event::DeleteProfile
            | Event::ChangePassword => None,
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
        self.counts[event.index()].fetch_add(count, Ordering::Relaxed);
        let (what, at, reason) = (event.name(), now.as_millis(), event.reason());
        let tenant = owner.map(|(tenant, _)| tenant.as_str());
        let profile = owner.map(|(_, profile_id)| profile_id.to_string());
        let profile = profile.as_deref();
        let Origin {
            application,
            request_id,
        } = origin;
        let request_id = request_id.map(field::display);
        log!(
            event,
            what,
            at,
            tenant,
            profile,
            application,
            count,
            reason,
            request_id
        );
    }

    /// Logs how often what was logged has happened again.
    pub fn log_summaries(&self, taken: Taken, now: Instant) {
        for event in Event::ALL {
            let summaries = self
                .repeated(event)
                .map(|repeated| repeated.take(taken, now));
            for Summary { key, count, within } in summaries.into_iter().flatten() {
                let (what, seconds) = (event.name(), within.as_secs());
                let Some((id, Repeating { login, application })) = key else {
                    // Of several logins.
                    log!(event, what, count, seconds);
                    continue;
                };
                let (tenant, profile) = (login.tenant.as_str(), login.profile_id.to_string());
                let login = self.fingerprint(id);
                log!(
                    event,
                    what,
                    tenant,
                    profile,
                    application,
                    login,
                    count,
                    seconds
                );
            }
        }
    }

    /// How often `event` happened since the start.
    pub fn count(&self, event: Event) -> u64 {
        self.counts[event.index()].load(Ordering::Relaxed)
    }

    /// 16 hexadecimal digits: the first 64 bits of HMAC-SHA-256 of the id's bytes.
    fn fingerprint(&self, id: PersistentLoginId) -> String {
        // An unkeyed digest could be found by trying ids.
        let Some(key) = self.key.get() else {
            return "unknown".to_owned();
        };
        let digest = key
            .clone()
            .chain_update(id.uuid().as_bytes())
            .finalize()
            .into_bytes();
        let (first, _) = digest
            .split_first_chunk::<8>()
            .expect("a SHA-256 digest has 32 bytes");
        format!("{:016x}", u64::from_be_bytes(*first))
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn a_fingerprint_needs_its_key() {
        let id = PersistentLoginId::new(Uuid::from_u128(1));
        let print = |key: u8| {
            let audit = AuditLog::default();
            audit.set_key(&[key; 32]);
            audit.fingerprint(id)
        };
        assert_eq!(print(1), print(1));
        assert_ne!(print(1), print(2));
        assert_eq!(print(1).len(), 16);
        assert!(!id.to_string().replace('-', "").contains(&print(1)));
    }

    #[test]
    fn every_event_is_counted_by_itself() {
        let mut indexes = Event::ALL.map(Event::index);
        indexes.sort_unstable();
        assert!(
            indexes
                .iter()
                .enumerate()
                .all(|(place, index)| place == *index)
        );
    }
}
