//! The owner of a profile has forgotten the password, and is sent a mail with which another one can be set.

use std::sync::Arc;

use crate::app::App;
use crate::audit::event::Event;
use crate::domain::mail::{LinkUrl, MailKind};
use crate::domain::profile::Profile;
use crate::service::caller::Caller;
use crate::service::profile::request::{Checked, SingleProfileRequest};
use crate::service::profile::visible::Visibility;
use crate::service::transaction;
use crate::service::verification_token::mailed::{MailedToken, MailedTokenLimits};

/// Queues a mail to the owner of the profile with this id, with a link to `url` that carries a new verification token,
/// and returns the profile, which is not changed, with the attributes that the caller's application may read.
///
/// # Errors
///
/// Refuses an invalid caller, an unknown profile, and a caller without MANAGE_PROFILES and then READ_TENANT on its
/// tenant, in this order. Fails if there are too many tokens, or mails that are waiting.
pub async fn reset_password(
    app: &App,
    caller: Caller,
    id: String,
    url: LinkUrl,
) -> Checked<Profile> {
    let request = SingleProfileRequest::new(app, caller, id);
    let limits = MailedTokenLimits::of(app);
    transaction::read(app, |txn| {
        request.authorize(txn)?;
        Ok(limits.require_room(txn)?)
    })?;
    let mailed = MailedToken::new(app, MailKind::ResetPassword, url)?;
    transaction::write(app, move |txn| {
        let (token, mut profile) = request.authorize(txn)?;
        limits.require_room(txn)?;
        let context = request.context.as_caller(Arc::clone(&token));
        mailed.put(txn, &context, &profile)?;
        context.record_subject(txn, Event::ResetPassword, (&profile).into());
        Visibility::of(token).keep_readable(txn, &mut profile)?;
        Ok(profile)
    })
    .await
}
