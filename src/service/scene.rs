//! When something is done to logins and by whom: what every use case of theirs takes into its
//! transaction, and tells the trail.

use std::sync::Arc;

use crate::app::App;
use crate::clock::Timestamp;
use crate::config::Config;
use crate::domain::access_token::AccessToken;
use crate::domain::object_id::ObjectId;
use crate::domain::persistent_login::{Lifetime, PersistentLogin};
use crate::error::Failure;
use crate::store::engine::Read;
use crate::store::engine::write_txn::WriteTxn;
use crate::store::persistent_login;
use crate::trail::{Event, Trail};

/// When something is asked for, and what holds then.
#[derive(Clone)]
pub(super) struct Scene {
    pub(super) now: Timestamp,
    pub(super) lifetime: Lifetime,
    trail: Arc<Trail>,
}

impl Scene {
    pub(super) fn new(app: &App) -> Self {
        Self {
            now: app.clock.now(),
            lifetime: lifetime(&app.config),
            trail: Arc::clone(&app.trail),
        }
    }

    /// What the application that `caller` was issued to does.
    pub(super) fn by(&self, caller: Arc<AccessToken>) -> Told {
        Told {
            now: self.now,
            lifetime: self.lifetime,
            trail: Arc::clone(&self.trail),
            caller: Some(caller),
        }
    }

    /// What the server does by itself.
    pub(super) fn by_itself(&self) -> Told {
        Told {
            now: self.now,
            lifetime: self.lifetime,
            trail: Arc::clone(&self.trail),
            caller: None,
        }
    }
}

fn lifetime(config: &Config) -> Lifetime {
    Lifetime {
        max_age: config.persistent_login_max_age,
        idle_max: config.persistent_login_idle_max,
    }
}

/// Who did something, and when: what the trail is told with every event.
pub(super) struct Told {
    pub(super) now: Timestamp,
    lifetime: Lifetime,
    trail: Arc<Trail>,
    caller: Option<Arc<AccessToken>>,
}

impl Told {
    /// Tells the trail of `event` once `txn` is committed.
    pub(super) fn tell(&self, txn: &WriteTxn, event: Event, login: &PersistentLogin) {
        let (trail, now, login) = (Arc::clone(&self.trail), self.now, login.clone());
        let caller = self.caller.clone();
        txn.afterwards(move || {
            let application = caller.as_deref().map(|caller| caller.application.as_str());
            trail.record(event, &login, application, now);
        });
    }

    /// Deletes `login`. Tells the trail of `event`, or of its expiry if its time was over already, and
    /// the caller whether it was valid until now.
    pub(super) fn end(
        &self,
        txn: &WriteTxn,
        event: Event,
        login: &PersistentLogin,
    ) -> Result<bool, Failure> {
        persistent_login::delete(txn, login)?;
        let was_valid = !login.is_expired(self.now, self.lifetime);
        self.tell(txn, if was_valid { event } else { Event::Expiry }, login);
        Ok(was_valid)
    }

    /// The logins of a profile that have to go for `kept` of them to stay: first those that are expired
    /// and were not removed yet, then those unused longest.
    pub(super) fn surplus(
        &self,
        txn: &impl Read,
        profile_id: ObjectId,
        kept: usize,
    ) -> Result<Vec<PersistentLogin>, Failure> {
        let mut logins = persistent_login::of_profile(txn, profile_id)?;
        logins.sort_by_key(|login| {
            let is_valid = !login.is_expired(self.now, self.lifetime);
            (is_valid, login.last_used(), login.id)
        });
        logins.truncate(logins.len().saturating_sub(kept));
        Ok(logins)
    }
}
