//! What the job that sends mails takes from the outbox, and what becomes of it.

use std::time::Duration;

use crate::app::App;
use crate::clock::timeline::Now;
use crate::domain::key_ring::KeyRing;
use crate::domain::profile::Profile;
use crate::error::Failure;
use crate::storage::transaction::Read;
use crate::tables::mail_outbox::{self, QueuedMail};
use crate::tables::{profile, verification_token};

/// What comes next.
pub enum Next {
    /// There is no mail.
    Nothing,
    /// The next mail is not due before this time has passed.
    Later(Duration),
    /// A mail that is not to be sent any more.
    Obsolete(QueuedMail),
    /// A mail that is to be sent now.
    Due(Box<DueMail>),
}

/// A mail that is to be sent now.
pub struct DueMail {
    /// As it is in the outbox.
    pub queued: QueuedMail,
    /// Whom it is sent to.
    pub profile: Profile,
    /// Its link, which is a secret.
    pub link: String,
}

/// The mail that is due next.
///
/// It is obsolete if its profile is gone, if its verification token was used, deleted or has expired, or if the key
/// that sealed the token is missing.
///
/// # Errors
///
/// Of the storage.
pub fn next(app: &App) -> Result<Next, Failure> {
    let now = app.clock.now();
    let keys = app.keys.get()?;
    app.store.read(|txn| {
        let Some(queued) = mail_outbox::next(txn)? else {
            return Ok(Next::Nothing);
        };
        if queued.due > now.moment {
            return Ok(Next::Later(queued.due.since(now.moment)));
        }
        let max_age = app.config.verification_tokens.verification_token_max_age;
        Ok(match resolve(txn, &queued, keys, &now, max_age)? {
            Some((profile, link)) => Next::Due(Box::new(DueMail {
                queued,
                profile,
                link,
            })),
            None => Next::Obsolete(queued),
        })
    })
}

/// The profile and the link of a mail, if it is still to be sent.
fn resolve(
    txn: &impl Read,
    mail: &QueuedMail,
    keys: &KeyRing,
    now: &Now,
    max_age: Duration,
) -> Result<Option<(Profile, String)>, Failure> {
    let token = Failure::unless_corrupt(verification_token::get(txn, mail.token))?;
    if token.is_none_or(|token| token.is_expired(now, max_age)) {
        return Ok(None);
    }
    let profile = Failure::unless_corrupt(profile::get(txn, mail.profile_id))?;
    let id = mail.sealed.open(keys, mail.token);
    Ok(profile.zip(id.map(|id| mail.url.link(id))))
}

/// How many mails there are.
///
/// # Errors
///
/// Of the storage.
pub fn count(app: &App) -> Result<u64, Failure> {
    app.store.read(mail_outbox::count)
}

/// Removes a mail, because it was sent, or because it is not to be sent any more.
///
/// # Errors
///
/// Of the storage.
pub async fn remove(app: &App, mail: &QueuedMail) -> Result<(), Failure> {
    let (due, token) = (mail.due, mail.token);
    let removed = app
        .store
        .write(move |txn| mail_outbox::remove(txn, due, token));
    removed.await.map(drop)
}

/// Has a mail tried again after `delay`. Until then it is not due, whatever becomes of the process.
///
/// # Errors
///
/// Of the storage.
pub async fn postpone(app: &App, mail: &QueuedMail, delay: Duration) -> Result<(), Failure> {
    let (due, token) = (mail.due, mail.token);
    let later = QueuedMail {
        due: app.clock.now().moment.plus(delay),
        attempts: mail.attempts.saturating_add(1),
        ..mail.clone()
    };
    let moved = app.store.write(move |txn| {
        mail_outbox::remove(txn, due, token)?;
        mail_outbox::put(txn, &later)
    });
    moved.await
}
