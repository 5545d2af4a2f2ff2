//! A visitor comes back: the login's token is replaced, or turns out to have been used before.

use std::time::Duration;

use crate::app::App;
use crate::audit::{Event, Reason};
use crate::config::logins::ReuseRevokes;
use crate::domain::persistent_login::{PersistentLogin, Presented, Token};
use crate::error::Failure;
use crate::service::access::LoginRequest;
use crate::service::caller::Caller;
use crate::service::context::OpContext;
use crate::service::error::Error;
use crate::service::persistent_login::refusal::{PersistentLoginRefusal, Revoked};
use crate::service::transaction;
use crate::storage::transaction::write_txn::WriteTxn;
use crate::tables::persistent_login;

/// Replaces the login's token by a fresh one.
///
/// With `presented`, the token that came in the user's cookie, the login is compared and rotated in
/// one: its current token rotates it; the token that was just replaced gets the current one, so that
/// two tabs or a lost answer end with the same successor; any other was used before, by somebody who
/// has a copy, and revokes what the settings say.
///
/// # Errors
///
/// Refuses an invalid caller, an unknown or expired login or one whose profile is gone, a caller without
/// MANAGE_TICKETS on the login's tenant, a disabled profile, and a token that was used before, in this
/// order.
pub async fn refresh(
    app: &App,
    caller: Caller,
    id: String,
    presented: Option<Token>,
) -> Result<PersistentLogin, Error<PersistentLoginRefusal>> {
    let request = LoginRequest::new(app, caller, id);
    transaction::read(app, |txn| request.authorize_rotate(txn).map(drop))?;
    let refresh = Refresh::new(app, presented);
    transaction::write(app, move |txn| {
        let (caller, login) = request.authorize_rotate(txn)?;
        refresh.apply(txn, login, &request.context.as_caller(caller))
    })
    .await
}

/// What a refresh is to do, decided before it is queued.
struct Refresh {
    presented: Option<Token>,
    fresh: Token,
    grace: Duration,
    coalesce: Duration,
    revokes: ReuseRevokes,
}

impl Refresh {
    fn new(app: &App, presented: Option<Token>) -> Self {
        Self {
            presented,
            fresh: Token::new(app.entropy.uuid()),
            grace: app.config.logins.reuse_grace,
            coalesce: app.config.logins.coalesce_refreshes,
            revokes: app.config.logins.reuse_revokes,
        }
    }

    fn apply(
        &self,
        txn: &WriteTxn,
        login: PersistentLogin,
        context: &OpContext,
    ) -> Result<PersistentLogin, Error<PersistentLoginRefusal>> {
        let Some(presented) = self.presented else {
            if login.was_rotated_within(self.coalesce, context.now) {
                context.record(txn, Event::Coalesced, &login);
                return Ok(login);
            }
            return self.rotate(txn, login, context);
        };
        match login.judge(presented, context.now, self.grace) {
            Presented::Current => self.rotate(txn, login, context),
            Presented::JustReplaced => {
                context.record(txn, Event::Grace, &login);
                Ok(login)
            }
            Presented::Reused => {
                context.record(txn, Event::Reuse, &login);
                let revoked = self.revoke(txn, &login, context)?;
                Err(PersistentLoginRefusal::TokenReused { revoked }.into())
            }
        }
    }

    fn rotate(
        &self,
        txn: &WriteTxn,
        login: PersistentLogin,
        context: &OpContext,
    ) -> Result<PersistentLogin, Error<PersistentLoginRefusal>> {
        let rotated = login.rotated(self.fresh, context.now);
        persistent_login::rotate(txn, &rotated)?;
        context.record(txn, Event::Rotation, &rotated);
        Ok(rotated)
    }

    fn revoke(
        &self,
        txn: &WriteTxn,
        login: &PersistentLogin,
        context: &OpContext,
    ) -> Result<Revoked, Failure> {
        let (revoked, logins) = match self.revokes {
            ReuseRevokes::None => (Revoked::Nothing, Vec::new()),
            ReuseRevokes::Login => (Revoked::Login, vec![login.clone()]),
            ReuseRevokes::Profile => {
                let logins = persistent_login::of_profile(txn, login.profile_id)?;
                (Revoked::Profile, logins)
            }
        };
        for login in &logins {
            context.delete_and_record(txn, Event::Revocation(Reason::TokenReuse), login)?;
        }
        Ok(revoked)
    }
}
