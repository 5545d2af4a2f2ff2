//! The login that has a fingerprint in the audit log.

use std::ops::ControlFlow;
use std::sync::Arc;

use crate::app::App;
use crate::clock::Timestamp;
use crate::domain::login_state::LoginState;
use crate::domain::object_id::ObjectId;
use crate::domain::persistent_login::PersistentLoginId;
use crate::domain::tenant::TenantName;
use crate::error::Failure;
use crate::service::admin::each_login::each_login;
use crate::service::context::OpContext;
use crate::tables::persistent_login::ended;
use crate::tables::profile;

/// A login, as far as it says whose it is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FoundLogin {
    /// Its id.
    pub id: PersistentLoginId,
    /// The name of its tenant.
    pub tenant: TenantName,
    /// Its profile.
    pub profile_id: ObjectId,
    /// The username of that; `None` if the profile is gone or cannot be read.
    pub username: Option<String>,
    /// When it was created.
    pub created: Timestamp,
    /// When it was used last.
    pub last_used: Timestamp,
    /// Whether it has neither expired nor ended.
    pub is_valid: bool,
}

/// The login with this fingerprint; `None` if there is none any more. All logins are looked at, in steps.
///
/// # Errors
///
/// Failures of the storage.
pub async fn find_login(app: &App, fingerprint: &str) -> Result<Option<FoundLogin>, Failure> {
    let context = OpContext::as_system(app);
    let keys = Arc::clone(app.keys.get()?);
    let mut found: Option<LoginState> = None;
    each_login(app, |login| {
        if app.audit.fingerprint(login.id) != fingerprint {
            return ControlFlow::Continue(());
        }
        found = Some(login);
        ControlFlow::Break(())
    })
    .await?;
    let Some(login) = found else {
        return Ok(None);
    };
    let (has_ended, username) = app.store.read(|txn| {
        let username = Failure::unless_corrupt(profile::username(txn, login.profile_id))?;
        Ok((ended::has_ended(txn, &login)?, username))
    })?;
    let is_expired = login.is_expired(&context.now, context.lifetime);
    let time = |moment| context.now.timeline.time(moment);
    Ok(Some(FoundLogin {
        id: login.id,
        created: time(login.created),
        last_used: time(login.last_used()),
        is_valid: !has_ended && !is_expired && login.has_key(&keys),
        profile_id: login.profile_id,
        username,
        tenant: login.tenant,
    }))
}
