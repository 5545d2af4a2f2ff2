//! A use case has a mail sent.

use std::sync::Arc;

use tokio::sync::Notify;

use crate::app::App;
use crate::clock::timeline::Moment;
use crate::domain::mail::{LinkUrl, MailKind};
use crate::domain::profile::Profile;
use crate::domain::verification_token::{VerificationTokenDigest, VerificationTokenId};
use crate::error::Failure;
use crate::storage::transaction::Read;
use crate::storage::transaction::write_txn::WriteTxn;
use crate::tables::mail_outbox::{self, QueuedMail, SealedTokenId};

/// A mail that is to be sent once the transaction is committed that it is put in.
pub struct NewMail {
    kind: MailKind,
    url: LinkUrl,
    token: VerificationTokenDigest,
    sealed: SealedTokenId,
    due: Moment,
    outbox: OutboxLimit,
    wake: Arc<Notify>,
}

/// How many mails the outbox may hold.
#[derive(Clone, Copy)]
pub struct OutboxLimit(u64);

impl OutboxLimit {
    /// That of the settings.
    pub fn of(app: &App) -> Self {
        Self(app.config.mail.mail_outbox_max.get() as u64)
    }

    /// Requires that one more mail may be queued. To be called before anything is written.
    ///
    /// # Errors
    ///
    /// [`Failure::OutboxFull`] if not.
    pub fn require_room(self, txn: &impl Read) -> Result<(), Failure> {
        if mail_outbox::count(txn)? >= self.0 {
            return Err(Failure::OutboxFull);
        }
        Ok(())
    }
}

impl NewMail {
    /// A mail whose link carries the verification token with this id, stored by the newest key.
    ///
    /// # Errors
    ///
    /// [`Failure::Unavailable`] if the database is not open yet.
    pub fn new(
        app: &App,
        kind: MailKind,
        url: LinkUrl,
        id: VerificationTokenId,
    ) -> Result<Self, Failure> {
        let keys = app.keys.get()?;
        let (_, key) = keys.newest();
        let token = VerificationTokenDigest::new(id, key);
        Ok(Self {
            kind,
            url,
            token,
            sealed: SealedTokenId::seal(keys, app.entropy.bytes(), id, token),
            due: app.clock.now().moment,
            outbox: OutboxLimit::of(app),
            wake: Arc::clone(&app.mail_queued),
        })
    }

    /// Puts the mail to the owner of `profile` into the outbox. The verification token is put by the caller, in the
    /// same transaction.
    ///
    /// # Errors
    ///
    /// [`Failure::OutboxFull`], before anything is written; failures of the storage.
    pub fn enqueue(&self, txn: &WriteTxn, profile: &Profile) -> Result<(), Failure> {
        self.outbox.require_room(txn)?;
        let mail = QueuedMail {
            due: self.due,
            token: self.token,
            sealed: self.sealed.clone(),
            kind: self.kind,
            tenant: profile.tenant.clone(),
            profile_id: profile.id,
            url: self.url.clone(),
            attempts: 0,
        };
        mail_outbox::put(txn, &mail)?;
        let wake = Arc::clone(&self.wake);
        txn.on_commit(move || wake.notify_one());
        Ok(())
    }
}
