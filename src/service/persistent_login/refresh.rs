//! A visitor comes back: the login's token is replaced, or turns out to have been used before.

use std::sync::Arc;
use std::time::Duration;

use tokio::task::yield_now;

use crate::app::App;
use crate::audit::event::{Event, Reason};
use crate::config::logins::ReuseRevokes;
use crate::domain::device::DeviceUpdate;
use crate::domain::key_ring::KeyRing;
use crate::domain::login_state::LoginState;
use crate::domain::persistent_login::{PersistentLogin, Token};
use crate::domain::token_chain::{Generation, GraceRules, Presented, TokenChain};
use crate::error::Failure;
use crate::service::access::{LoginRequest, issue};
use crate::service::caller::Caller;
use crate::service::context::OpContext;
use crate::service::error::Error;
use crate::service::persistent_login::end::{EndOfProfile, count_many};
use crate::service::persistent_login::extension::Extension;
use crate::service::persistent_login::refusal::{PersistentLoginRefusal, Revoked};
use crate::service::persistent_login::seen_device::SeenDevice;
use crate::service::profile::ExpectedOwner;
use crate::service::transaction;
use crate::storage::transaction::write_txn::WriteTxn;
use crate::tables::{persistent_login, profile};

/// For how many generations a token is compared before other requests of the thread are served.
const GENERATIONS_PER_STEP: usize = 256;

/// What a refresh comes to.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Refreshed {
    /// The login with its current token.
    pub login: PersistentLogin,
    /// How it got that token.
    pub outcome: Outcome,
    /// What else was asked for, if anything.
    pub extension: Option<Extension>,
}

/// What comes with a refresh beside the id of the login; nothing of it has to.
#[derive(Clone, Default, Debug)]
pub struct RefreshOptions {
    /// The token that came in the user's cookie.
    pub presented: Option<Token>,
    /// Whose login it must be.
    pub expected: Option<Box<ExpectedOwner>>,
    /// What it shows of the device, which a rotation stores.
    pub device: Option<Box<DeviceUpdate>>,
    /// Whether the response is to be extended.
    pub is_extended: bool,
}

/// How a login got the token that a refresh returns.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Outcome {
    /// The refresh replaced the token.
    Rotated,
    /// A refresh a moment ago replaced it, and the token was presented that it replaced.
    JustReplaced,
    /// A refresh a moment ago replaced it, and no token was presented.
    Coalesced,
    /// The refresh replaced it, because the response with the last one was lost.
    LateRetry,
    /// The refresh replaced it, after a token was presented that is newer than the database.
    NewerToken,
}

impl Outcome {
    /// The name in an extended response.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Rotated => "rotated",
            Self::JustReplaced => "just_replaced",
            Self::Coalesced => "coalesced",
            Self::LateRetry => "late_retry",
            Self::NewerToken => "newer_token",
        }
    }
}

/// Replaces the login's token by a fresh one.
///
/// The device that it comes from is stored by the transaction of the rotation. A refresh that rotates nothing writes
/// nothing, and stores no device either.
///
/// With a token, the one that came in the user's cookie, the login is compared and rotated in one: see
/// [`Presented`] for what each token means. One that was used before revokes what the settings say; one that was
/// never the login's is refused and revokes nothing.
///
/// # Errors
///
/// Refuses an invalid caller, an unknown or expired login or one whose profile is gone or is not the expected one, a
/// caller without MANAGE_TICKETS on the login's tenant, a disabled profile, and a token that is unknown or was used
/// before, in this order.
pub async fn refresh(
    app: &App,
    caller: Caller,
    id: String,
    options: RefreshOptions,
) -> Result<Refreshed, Error<PersistentLoginRefusal>> {
    let RefreshOptions {
        presented,
        expected,
        device,
        is_extended,
    } = options;
    let request = LoginRequest::new(app, caller, id)?.expecting(expected);
    let (caller, seen, username, device) = transaction::read(app, |txn| {
        let (caller, login) = request.authorize_rotate(txn)?;
        let device = match device {
            Some(update) => Some(Box::new(SeenDevice::of(txn, &login, *update)?)),
            None => None,
        };
        // Before the rotation: a profile that cannot be read then fails what nothing has come of yet.
        let username = if is_extended {
            profile::username(txn, login.profile_id)?
        } else {
            None
        };
        Ok((caller, login, username, device))
    })?;
    let presented = match presented {
        None => None,
        Some(token) => match generation_of(&request.keys, &seen, token).await {
            Some(generation) => Some(generation),
            None => {
                let context = request.context.as_caller(caller);
                context.record_now(Event::UnknownToken, &seen);
                return Err(PersistentLoginRefusal::TokenUnknown.into());
            }
        },
    };
    let keys = Arc::clone(&request.keys);
    let timeline = request.context.now.timeline.clone();
    let lifetime = request.context.lifetime;
    let mut refresh = Refresh::new(app, presented, device, Arc::clone(&keys));
    refresh.count_revoked(app, &seen, &request.context).await?;
    let (login, outcome) = transaction::write(app, move |txn| {
        let (caller, login) = request.authorize_rotate(txn)?;
        refresh.apply(txn, login, &request.context.as_caller(caller))
    })
    .await?;
    let extension = is_extended.then(|| Extension::of(&login, username, lifetime, &timeline));
    Ok(Refreshed {
        login: issue(&login, &keys, &timeline)?,
        outcome,
        extension,
    })
}

/// The generation of the login whose token this is. The writer then compares numbers only.
async fn generation_of(keys: &KeyRing, login: &LoginState, token: Token) -> Option<Generation> {
    for (step, generation) in login.possible_generations().enumerate() {
        if step > 0 && step % GENERATIONS_PER_STEP == 0 {
            yield_now().await;
        }
        if login.is_token_of(keys, generation, token) {
            return Some(generation);
        }
    }
    None
}

/// What a refresh is to do, decided before it is queued.
struct Refresh {
    presented: Option<Generation>,
    device: Option<Box<SeenDevice>>,
    keys: Arc<KeyRing>,
    rules: GraceRules,
    coalesce: Duration,
    revokes: ReuseRevokes,
    /// The number of valid logins that a reuse revokes, where they are many.
    counted: Option<usize>,
}

impl Refresh {
    fn new(
        app: &App,
        presented: Option<Generation>,
        device: Option<Box<SeenDevice>>,
        keys: Arc<KeyRing>,
    ) -> Self {
        Self {
            presented,
            device,
            keys,
            rules: GraceRules {
                grace: app.config.logins.reuse_grace,
                lost_answer_grace: app.config.logins.lost_answer_grace,
            },
            coalesce: app.config.logins.coalesce_refreshes,
            revokes: app.config.logins.reuse_revokes,
            counted: None,
        }
    }

    /// Counts what is to be revoked, if the refresh of `login` will turn out to be a reuse.
    async fn count_revoked(
        &mut self,
        app: &App,
        login: &LoginState,
        context: &OpContext,
    ) -> Result<(), Failure> {
        if self.revokes == ReuseRevokes::Profile
            && let Some(presented) = self.presented
            && login.chain.judge(presented, &context.now, self.rules) == Presented::Reused
        {
            self.counted = count_many(app, context, &self.keys, login.profile_id, None).await?;
        }
        Ok(())
    }

    fn apply(
        &self,
        txn: &WriteTxn,
        login: LoginState,
        context: &OpContext,
    ) -> Result<(LoginState, Outcome), Error<PersistentLoginRefusal>> {
        let now = &context.now;
        let chain = login.chain;
        let Some(presented) = self.presented else {
            if chain.was_rotated_within(self.coalesce, now) {
                context.record(txn, Event::Coalesced, &login);
                return Ok((login, Outcome::Coalesced));
            }
            let rotated = chain.rotated(now, self.rules.grace).without_token();
            return self.rotate(txn, login, rotated, Outcome::Rotated, context);
        };
        match chain.judge(presented, now, self.rules) {
            Presented::Current => {
                let rotated = chain.rotated(now, self.rules.grace);
                self.rotate(txn, login, rotated, Outcome::Rotated, context)
            }
            Presented::JustReplaced => {
                context.record(txn, Event::Grace, &login);
                let login = watch_for_sharing(txn, login, presented, context)?;
                Ok((login, Outcome::JustReplaced))
            }
            Presented::LostAnswer => {
                let rotated = chain.rotated_again(now);
                self.rotate(txn, login, rotated, Outcome::LateRetry, context)
            }
            Presented::Ahead => {
                let rotated = chain.rotated_ahead(presented, now, self.rules.grace);
                self.rotate(txn, login, rotated, Outcome::NewerToken, context)
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
        login: LoginState,
        chain: TokenChain,
        outcome: Outcome,
        context: &OpContext,
    ) -> Result<(LoginState, Outcome), Error<PersistentLoginRefusal>> {
        if let Some(device) = &self.device {
            device.put(txn, &login)?;
        }
        let rotated = login.rotated(chain, &self.keys);
        persistent_login::rotate(txn, &rotated)?;
        let event = match outcome {
            Outcome::LateRetry => Event::LateRetry,
            Outcome::NewerToken => Event::NewerToken,
            Outcome::Rotated | Outcome::JustReplaced | Outcome::Coalesced => Event::Rotation,
        };
        context.record(txn, event, &rotated);
        Ok((rotated, outcome))
    }

    fn revoke(
        &self,
        txn: &WriteTxn,
        login: &LoginState,
        context: &OpContext,
    ) -> Result<Revoked, Failure> {
        let event = Event::Revocation(Reason::TokenReuse);
        match self.revokes {
            ReuseRevokes::None => Ok(Revoked::Nothing),
            ReuseRevokes::Login => {
                context.delete_and_record(txn, event, login)?;
                Ok(Revoked::Login)
            }
            ReuseRevokes::Profile => {
                let end = EndOfProfile {
                    owner: (login.tenant.clone(), login.profile_id),
                    except: None,
                    event,
                };
                let ended = end.apply(txn, context, &self.keys, self.counted)?;
                if ended.is_none() {
                    // They became many, or the reuse was found out, only this moment: one of them is known.
                    end.end_many(txn, context, &self.keys, 1)?;
                }
                Ok(Revoked::Profile)
            }
        }
    }
}

/// Remembers that the parent was presented again late. An owner and a thief who use one cookie within the grace
/// period of each other do so again and again.
fn watch_for_sharing(
    txn: &WriteTxn,
    login: LoginState,
    presented: Generation,
    context: &OpContext,
) -> Result<LoginState, Failure> {
    let Some((chain, is_shared)) = login.chain.presented_late(presented, &context.now) else {
        return Ok(login);
    };
    let login = LoginState { chain, ..login };
    persistent_login::rotate(txn, &login)?;
    if is_shared {
        context.record(txn, Event::Shared, &login);
    }
    Ok(login)
}
