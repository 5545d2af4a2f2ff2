//! A verification token that is sent by mail: both are put by one transaction, or neither.

use crate::app::App;
use crate::domain::mail::{LinkUrl, MailKind};
use crate::domain::profile::Profile;
use crate::error::Failure;
use crate::service::context::OpContext;
use crate::service::mail::enqueue::{NewMail, OutboxLimit};
use crate::service::verification_token::create::{NewVerificationToken, TokenLimit};
use crate::storage::transaction::Read;
use crate::storage::transaction::write_txn::WriteTxn;

/// A verification token that is to be created, and the mail with it.
pub(in crate::service) struct MailedToken {
    token: NewVerificationToken,
    mail: NewMail,
}

impl MailedToken {
    /// A random token, and a mail of this kind with a link to this URL.
    ///
    /// # Errors
    ///
    /// As [`Keys::get`](crate::app::Keys::get).
    pub(in crate::service) fn new(
        app: &App,
        kind: MailKind,
        url: LinkUrl,
    ) -> Result<Self, Failure> {
        let token = NewVerificationToken::new(app)?;
        let mail = NewMail::new(app, kind, url, token.id)?;
        Ok(Self { token, mail })
    }

    /// Creates the token and queues the mail to the owner of `profile`, which exists in `txn`.
    ///
    /// # Errors
    ///
    /// As [`MailedTokenLimits::require_room`]; failures of the storage.
    pub(in crate::service) fn put(
        &self,
        txn: &WriteTxn,
        context: &OpContext,
        profile: &Profile,
    ) -> Result<(), Failure> {
        self.mail.enqueue(txn, profile)?;
        self.token.create_in(txn, context, profile).map(drop)
    }
}

/// The limits that a token and its mail are kept to.
#[derive(Clone, Copy)]
pub(in crate::service) struct MailedTokenLimits(TokenLimit, OutboxLimit);

impl MailedTokenLimits {
    /// Those of the settings.
    pub(in crate::service) fn of(app: &App) -> Self {
        Self(TokenLimit::of(app), OutboxLimit::of(app))
    }

    /// Requires that there may be one more token and one more mail. To be called before anything is written.
    ///
    /// # Errors
    ///
    /// [`Failure::VerificationTokensFull`] or [`Failure::OutboxFull`] if not.
    pub(in crate::service) fn require_room(self, txn: &impl Read) -> Result<(), Failure> {
        let Self(tokens, outbox) = self;
        tokens.require_room(txn)?;
        outbox.require_room(txn)
    }
}
