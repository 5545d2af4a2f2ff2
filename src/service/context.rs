//! When something is done, by whom and under which limits: what every use case takes into its
//! transaction, and records in the audit log.

use std::sync::Arc;

use crate::app::App;
use crate::audit::AuditLog;
use crate::audit::event::Event;
use crate::audit::subject::{AuditedLogin, Origin, Subject};
use crate::clock::timeline::Now;
use crate::domain::access_token::AccessToken;
use crate::domain::login_state::LoginState;
use crate::domain::object_id::ObjectId;
use crate::domain::persistent_login::Lifetime;
use crate::domain::tenant::TenantName;
use crate::error::Failure;
use crate::request_id::RequestId;
use crate::service::request_scope;
use crate::storage::transaction::write_txn::WriteTxn;
use crate::tables::persistent_login;

/// When something is asked for, who asks, and which limits hold then.
#[derive(Clone)]
pub(super) struct OpContext {
    pub(super) now: Now,
    pub(super) lifetime: Lifetime,
    audit: Arc<AuditLog>,
    /// `None` if the server acts by itself.
    caller: Option<Arc<AccessToken>>,
    request_id: Option<RequestId>,
}

impl OpContext {
    /// The context of what the server does by itself, or for a request whose caller is not known yet.
    pub(super) fn as_system(app: &App) -> Self {
        Self {
            now: app.clock.now(),
            lifetime: Lifetime {
                max_age: app.config.logins.persistent_login_max_age,
                idle_max: app.config.logins.persistent_login_idle_max,
            },
            audit: Arc::clone(&app.audit),
            caller: None,
            request_id: request_scope::request_id(),
        }
    }

    /// The context of what deletes logins for good: as it was a while ago, so that a clock that was wrong for less
    /// deletes nothing. `None` until the time has advanced for so long without a jump.
    pub(super) fn as_cleaner(app: &App) -> Option<Self> {
        let kept_for = app.config.clock.expired_kept_for;
        let context = Self::as_system(app);
        let is_steady = app.clock.steady_for() >= kept_for;
        is_steady.then(|| Self {
            now: context.now.minus(kept_for),
            ..context
        })
    }

    /// The context of what the application does that `caller` was issued to.
    pub(super) fn as_caller(&self, caller: Arc<AccessToken>) -> Self {
        Self {
            caller: Some(caller),
            ..self.clone()
        }
    }

    /// The context of what the local operator does.
    pub(super) fn as_local_operator(app: &App) -> Self {
        Self::as_system(app).as_caller(Arc::new(AccessToken::local_operator()))
    }

    /// Records `event` once `txn` is committed.
    pub(super) fn record(&self, txn: &WriteTxn, event: Event, login: &LoginState) {
        let (audit, now) = (Arc::clone(&self.audit), self.now.time());
        let login = AuditedLogin::from(login);
        let (caller, request_id) = (self.caller.clone(), self.request_id);
        txn.on_commit(move || {
            audit.record(event, &login, origin(caller.as_deref(), request_id), now);
        });
    }

    /// Records `event`, which is not of a login, once `txn` is committed.
    pub(super) fn record_subject(&self, txn: &WriteTxn, event: Event, subject: Subject) {
        let (audit, now) = (Arc::clone(&self.audit), self.now.time());
        let (caller, request_id) = (self.caller.clone(), self.request_id);
        txn.on_commit(move || {
            let origin = origin(caller.as_deref(), request_id);
            audit.record_subject(event, &subject, origin, now);
        });
    }

    /// Records `event`, which is not of a login, and with which nothing is written.
    pub(super) fn record_subject_now(&self, event: Event, subject: &Subject) {
        let origin = origin(self.caller.as_deref(), self.request_id);
        self.audit
            .record_subject(event, subject, origin, self.now.time());
    }

    /// Records `event` for `count` logins together, of one owner if there is one, once `txn` is committed; nothing
    /// if there are none.
    pub(super) fn record_many(
        &self,
        txn: &WriteTxn,
        event: Event,
        count: u64,
        owner: Option<(TenantName, ObjectId)>,
    ) {
        if count == 0 {
            return;
        }
        let (audit, now) = (Arc::clone(&self.audit), self.now.time());
        let (caller, request_id) = (self.caller.clone(), self.request_id);
        txn.on_commit(move || {
            let origin = origin(caller.as_deref(), request_id);
            let owner = owner
                .as_ref()
                .map(|(tenant, profile_id)| (tenant, *profile_id));
            audit.record_many(event, count, owner, origin, now);
        });
    }

    /// Records `event`, with which nothing is written.
    pub(super) fn record_now(&self, event: Event, login: &LoginState) {
        let origin = origin(self.caller.as_deref(), self.request_id);
        self.audit
            .record(event, &login.into(), origin, self.now.time());
    }

    /// Deletes `login` and records `event`.
    ///
    /// # Errors
    ///
    /// Failures of the storage.
    pub(super) fn delete_and_record(
        &self,
        txn: &WriteTxn,
        event: Event,
        login: &LoginState,
    ) -> Result<(), Failure> {
        persistent_login::delete(txn, login)?;
        self.record(txn, event, login);
        Ok(())
    }
}

fn origin(caller: Option<&AccessToken>, request_id: Option<RequestId>) -> Origin<'_> {
    Origin {
        application: caller.map(|caller| caller.application.as_str()),
        request_id,
    }
}
