//! The owner of a profile followed the link in a mail, and sets another password.

use crate::app::App;
use crate::domain::password::Password;
use crate::domain::profile::Profile;
use crate::service::caller::Caller;
use crate::service::password::hash;
use crate::service::profile::change::ProfileChange;
use crate::service::profile::request::{Checked, SingleProfileRequest};

/// Sets the password of the profile of the verification token with this id, which is used up, and returns the profile
/// with the attributes that the caller's application may read. It ends the logins and tickets of the profile, and does
/// not enable it.
///
/// # Errors
///
/// As [`verify`](crate::service::profile::verify::verify); [`Failure::Overloaded`](crate::error::Failure::Overloaded)
/// if too many passwords are waiting to be hashed.
pub async fn change_password(
    app: &App,
    caller: Caller,
    token_id: String,
    password: Password,
) -> Checked<Profile> {
    let request = SingleProfileRequest::by_verification_token(app, caller, token_id)?;
    let change = ProfileChange::requested(app, request, |_| Ok(()));
    // Hashing is expensive, and not done for who may not change the profile.
    change.check(app)?;
    let hash = hash(app, password).await?;
    change.with_password(Some(hash)).carry_out(app).await
}
