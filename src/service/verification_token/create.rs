//! An application wants a token that shows that its owner received a message.

use crate::app::App;
use crate::audit::event::Event;
use crate::domain::profile::Profile;
use crate::domain::verification_token::{
    IssuedVerificationToken, VerificationToken, VerificationTokenDigest, VerificationTokenId,
};
use crate::error::Failure;
use crate::service::caller::Caller;
use crate::service::context::OpContext;
use crate::service::profile::request::{Checked, SingleProfileRequest};
use crate::service::transaction;
use crate::storage::transaction::Read;
use crate::storage::transaction::write_txn::WriteTxn;
use crate::tables::verification_token;

/// How many verification tokens there may be.
#[derive(Clone, Copy)]
pub(super) struct TokenLimit(u64);

impl TokenLimit {
    /// That of the settings.
    pub(super) fn of(app: &App) -> Self {
        Self(app.config.verification_tokens.verification_tokens_max.get() as u64)
    }

    /// Requires that one more token may be created. To be called before anything is written.
    ///
    /// # Errors
    ///
    /// [`Failure::VerificationTokensFull`] if not.
    pub(super) fn require_room(self, txn: &impl Read) -> Result<(), Failure> {
        if verification_token::count(txn)? >= self.0 {
            return Err(Failure::VerificationTokensFull);
        }
        Ok(())
    }
}

/// The id of a verification token that is to be created, drawn before the transaction that does it.
#[derive(Clone, Copy)]
pub(super) struct NewVerificationToken {
    pub(super) id: VerificationTokenId,
    digest: VerificationTokenDigest,
    limit: TokenLimit,
}

impl NewVerificationToken {
    /// A random one.
    ///
    /// # Errors
    ///
    /// As [`Keys::get`](crate::app::Keys::get).
    pub(super) fn new(app: &App) -> Result<Self, Failure> {
        let id = VerificationTokenId::new(app.entropy.uuid());
        let (_, key) = app.keys.get()?.newest();
        Ok(Self {
            id,
            digest: VerificationTokenDigest::new(id, key),
            limit: TokenLimit::of(app),
        })
    }

    /// Creates the token for a profile that exists in `txn`.
    ///
    /// # Errors
    ///
    /// [`Failure::VerificationTokensFull`], before anything is written; failures of the storage.
    pub(super) fn create_in(
        self,
        txn: &WriteTxn,
        context: &OpContext,
        profile: &Profile,
    ) -> Result<IssuedVerificationToken, Failure> {
        self.limit.require_room(txn)?;
        let token = VerificationToken {
            digest: self.digest,
            tenant: profile.tenant.clone(),
            profile_id: profile.id,
            created: context.now.moment,
        };
        verification_token::create(txn, &token)?;
        Ok(token.issue(self.id, &context.now.timeline))
    }
}

/// Creates a verification token for the profile with the id `profile_id`.
///
/// # Errors
///
/// Refuses an invalid caller, an unknown profile, and a caller without MANAGE_PROFILES and then READ_TENANT on its
/// tenant, in this order ("Permissions and order of checks"). [`Failure::VerificationTokensFull`] if there are too
/// many.
pub async fn create(
    app: &App,
    caller: Caller,
    profile_id: String,
) -> Checked<IssuedVerificationToken> {
    let request = SingleProfileRequest::new(app, caller, profile_id);
    let new = NewVerificationToken::new(app)?;
    transaction::read(app, |txn| {
        request.authorize(txn)?;
        Ok(new.limit.require_room(txn)?)
    })?;
    transaction::write(app, move |txn| {
        let (caller, profile) = request.authorize(txn)?;
        let context = request.context.as_caller(caller);
        let token = new.create_in(txn, &context, &profile)?;
        context.record_subject(txn, Event::CreateVerificationToken, (&profile).into());
        Ok(token)
    })
    .await
}
