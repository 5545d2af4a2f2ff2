//! What a refresh comes to: a rotation, the same token again, or a revocation.

use std::time::Duration;

use crate::app::App;
use crate::config::ReuseRevokes;
use crate::domain::persistent_login::{PersistentLogin, Presented, Token};
use crate::error::{Error, Failure, Refusal, Revoked};
use crate::service::scene::Told;
use crate::store::engine::write_txn::WriteTxn;
use crate::store::persistent_login;
use crate::trail::{Event, Reason};

/// What a refresh is to do, decided before it waits for its turn.
pub(super) struct Refresh {
    presented: Option<Token>,
    fresh: Token,
    grace: Duration,
    coalesce: Duration,
    revokes: ReuseRevokes,
}

impl Refresh {
    pub(super) fn new(app: &App, presented: Option<Token>) -> Self {
        Self {
            presented,
            fresh: Token::new(app.entropy.uuid()),
            grace: app.config.reuse_grace,
            coalesce: app.config.coalesce_refreshes,
            revokes: app.config.reuse_revokes,
        }
    }

    pub(super) fn carry_out(
        &self,
        txn: &WriteTxn,
        login: PersistentLogin,
        told: &Told,
    ) -> Result<PersistentLogin, Error> {
        let Some(presented) = self.presented else {
            if login.was_rotated_within(self.coalesce, told.now) {
                told.tell(txn, Event::Coalesced, &login);
                return Ok(login);
            }
            return Ok(self.rotate(txn, login, told));
        };
        match login.judge(presented, told.now, self.grace) {
            Presented::Current => Ok(self.rotate(txn, login, told)),
            Presented::JustReplaced => {
                told.tell(txn, Event::Grace, &login);
                Ok(login)
            }
            Presented::Reused => {
                told.tell(txn, Event::Reuse, &login);
                let revoked = self.revoke(txn, &login, told)?;
                Err(Refusal::TokenReused { revoked }.into())
            }
        }
    }

    fn rotate(&self, txn: &WriteTxn, login: PersistentLogin, told: &Told) -> PersistentLogin {
        let rotated = login.rotated(self.fresh, told.now);
        persistent_login::rotate(txn, &rotated);
        told.tell(txn, Event::Rotation, &rotated);
        rotated
    }

    fn revoke(
        &self,
        txn: &WriteTxn,
        login: &PersistentLogin,
        told: &Told,
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
            told.end(txn, Event::Revocation(Reason::TokenReuse), login)?;
        }
        Ok(revoked)
    }
}
