//! A user signs in with a password.
//!
//! The password is compared between two transactions: one that finds the stored hash, and one that checks everything
//! again, counts a failure or creates the ticket. So of many guesses at once no more count as allowed than one after
//! the other, and the right password is refused if another request has locked the profile meanwhile.

use std::sync::Arc;
use std::time::Instant;

use tokio::time::sleep;

use crate::app::App;
use crate::audit::event::{Event, SignInFailure};
use crate::audit::subject::Subject;
use crate::config::passwords::PasswordConfig;
use crate::domain::access_token::{AccessToken, TenantAction};
use crate::domain::password::{Password, PasswordHash};
use crate::domain::profile::Profile;
use crate::domain::sign_in::{FailedSignIns, SignInRules};
use crate::domain::tenant::TenantName;
use crate::domain::ticket::Ticket;
use crate::error::Failure;
use crate::service::access::{require, require_enabled};
use crate::service::authentication::refusal::AuthenticationRefusal;
use crate::service::caller::Caller;
use crate::service::context::OpContext;
use crate::service::error::Error;
use crate::service::password::{Comparison, compare};
use crate::service::ticket::create::NewTicket;
use crate::service::transaction;
use crate::storage::transaction::Read;
use crate::storage::transaction::write_txn::WriteTxn;
use crate::tables::{profile, sign_in};

/// How often a password is compared whose stored hash changes meanwhile.
const COMPARISONS_MAX: usize = 4;

/// What a user signs in with.
#[derive(Clone, Debug)]
pub struct Credentials {
    /// The name of the tenant.
    pub tenant: String,
    /// The username.
    pub username: String,
    /// The password.
    pub password: Password,
}

/// What a sign-in comes to.
type Checked<T> = Result<T, Error<AuthenticationRefusal>>;

/// Signs a user in: creates a ticket if the password is right, and else counts the failure. Either moves the profile's
/// time of modification.
///
/// # Errors
///
/// Refuses an invalid caller, a caller without MANAGE_TICKETS and then MANAGE_PROFILES on the tenant, an unknown user,
/// a caller without READ_TENANT, a disabled profile, a locked one, and a wrong password, in this order. An unknown user
/// takes as long as a wrong password.
pub async fn authenticate(app: &App, caller: Caller, credentials: Credentials) -> Checked<Ticket> {
    // What is delayed keeps its permit: all that wait are bounded together.
    let permit = app.sign_ins.permits.try_acquire();
    let _permit = permit.map_err(|_| Failure::Overloaded)?;
    let (request, password) = SignInRequest::new(app, caller, credentials);
    let request = Arc::new(request);
    for _ in 0..COMPARISONS_MAX {
        let (token, found) = transaction::read(app, |txn| request.authorize(txn))?;
        let stored = found.as_ref().and_then(|found| found.password.clone());
        let comparison = compare(app, password.clone(), stored.clone()).await?;
        if found.is_none() {
            request.record_unknown(token);
            sleep(app.sign_ins.commit_time()).await;
            return Err(AuthenticationRefusal::BadCredentials.into());
        }
        let ticket = NewTicket::new(app)?;
        let submitted = Instant::now();
        let shared = Arc::clone(&request);
        let attempt = transaction::write(app, move |txn| {
            shared.conclude(txn, stored.as_ref(), &comparison, ticket)
        });
        match attempt.await? {
            Conclusion::SignedIn(ticket) => return Ok(ticket),
            Conclusion::Failed(failures) => {
                app.sign_ins.note_commit_time(submitted.elapsed());
                sleep(failures.delay(&request.rules)).await;
                return Err(AuthenticationRefusal::BadCredentials.into());
            }
            Conclusion::HashChanged => {}
        }
    }
    Err(Failure::Overloaded.into())
}

/// What a comparison led to.
enum Conclusion {
    /// The password was right.
    SignedIn(Ticket),
    /// It was wrong, for so many times.
    Failed(FailedSignIns),
    /// The password was compared with a hash that is not stored any more.
    HashChanged,
}

/// A request to sign in, apart from the password.
struct SignInRequest {
    caller: Caller,
    tenant: String,
    username: String,
    rules: SignInRules,
    context: OpContext,
}

impl SignInRequest {
    fn new(app: &App, caller: Caller, credentials: Credentials) -> (Self, Password) {
        caller.note_use(app);
        let Credentials {
            tenant,
            username,
            password,
        } = credentials;
        let request = Self {
            caller,
            tenant,
            username,
            rules: rules(&app.config.passwords),
            context: OpContext::as_system(app),
        };
        (request, password)
    }

    /// The caller, and the profile if there is one, if its password may be tried.
    fn authorize(&self, txn: &impl Read) -> Checked<(Arc<AccessToken>, Option<Profile>)> {
        let token = self.caller.identify(txn, self.context.now.time())?;
        require(&token, TenantAction::ManageTickets, &self.tenant)?;
        require(&token, TenantAction::ManageProfiles, &self.tenant)?;
        let Some(profile) = self.find(txn)? else {
            return Ok((token, None));
        };
        require(&token, TenantAction::ReadTenant, &self.tenant)?;
        if let Err(disabled) = require_enabled(profile.enabled, profile.id, &profile.tenant) {
            self.record_failure(token, &profile, SignInFailure::Disabled);
            return Err(disabled.into());
        }
        let failures = sign_in::get(txn, profile.id)?;
        if let Some(left) = failures.locked_for(&self.context.now, &self.rules) {
            self.record_failure(token, &profile, SignInFailure::Locked);
            return Err(AuthenticationRefusal::Locked { left }.into());
        }
        Ok((token, Some(profile)))
    }

    fn find(&self, txn: &impl Read) -> Result<Option<Profile>, Failure> {
        match TenantName::new(&*self.tenant) {
            Some(tenant) => profile::by_username(txn, &tenant, &self.username),
            None => Ok(None),
        }
    }

    /// Signs the user in or counts a failure, if the password was compared with the hash that is stored now.
    fn conclude(
        &self,
        txn: &WriteTxn,
        compared: Option<&PasswordHash>,
        comparison: &Comparison,
        ticket: NewTicket,
    ) -> Checked<Conclusion> {
        let (token, found) = self.authorize(txn)?;
        let Some(mut profile) = found else {
            self.record_unknown(token);
            return Err(AuthenticationRefusal::BadCredentials.into());
        };
        if profile.password.as_ref() != compared {
            return Ok(Conclusion::HashChanged);
        }
        let context = self.context.as_caller(token);
        let subject = Subject::from(&profile);
        profile.last_modified = context.now.time();
        match comparison {
            Comparison::Same { replacement } => {
                if let Some(replacement) = replacement {
                    profile.password = Some(replacement.clone());
                }
                sign_in::forget(txn, profile.id)?;
                profile::put(txn, &profile)?;
                let ticket = ticket.create_in(txn, &context, &profile.tenant, profile.id)?;
                context.record_subject(txn, Event::SignIn, subject);
                Ok(Conclusion::SignedIn(ticket))
            }
            Comparison::Different => {
                let failures = sign_in::get(txn, profile.id)?.and_one(&context.now, &self.rules);
                sign_in::put(txn, profile.id, &failures)?;
                profile::put(txn, &profile)?;
                let failed = Event::FailedSignIn(SignInFailure::WrongPassword);
                context.record_subject(txn, failed, subject.clone());
                if failures.locked.is_some() {
                    context.record_subject(txn, Event::Lockout, subject);
                }
                Ok(Conclusion::Failed(failures))
            }
        }
    }

    fn record_failure(&self, token: Arc<AccessToken>, profile: &Profile, why: SignInFailure) {
        let context = self.context.as_caller(token);
        context.record_subject_now(Event::FailedSignIn(why), &profile.into());
    }

    fn record_unknown(&self, token: Arc<AccessToken>) {
        if let Some(tenant) = TenantName::new(&*self.tenant) {
            let context = self.context.as_caller(token);
            let event = Event::FailedSignIn(SignInFailure::UnknownUser);
            context.record_subject_now(event, &Subject::Tenant(tenant));
        }
    }
}

/// What failed sign-ins lead to by the settings.
pub(in crate::service) fn rules(config: &PasswordConfig) -> SignInRules {
    SignInRules {
        failures_at_once: config.sign_in_failures_at_once,
        delay: config.sign_in_delay,
        lock_after: config.sign_in_lock_after,
        lock_time: config.sign_in_lock_time,
    }
}
