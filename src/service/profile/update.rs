//! An application changes several things of a profile at once.

use crate::app::App;
use crate::domain::email;
use crate::domain::given_attributes::GivenAttributes;
use crate::domain::password::Password;
use crate::domain::profile::{Profile, Username};
use crate::service::caller::Caller;
use crate::service::password::hash;
use crate::service::profile::change::ProfileChange;
use crate::service::profile::refusal::ProfileRequestRefusal;
use crate::service::profile::request::Checked;

/// What is changed of a profile; what is `None` or empty is left as it is.
#[derive(Debug)]
pub struct ProfileUpdate {
    /// Its username.
    pub username: Option<Username>,
    /// Its password. Another one ends its logins and tickets.
    pub password: Option<Password>,
    /// Its mail address, which was not checked.
    pub email: Option<String>,
    /// Whether it may be used. Disabling it ends its logins and tickets.
    pub is_enabled: Option<bool>,
    /// All of its roles.
    pub roles: Option<Vec<String>>,
    /// Some of its attributes.
    pub attributes: GivenAttributes,
}

/// Updates the profile with this id and returns it with the attributes that the caller's application may read and those
/// that were given.
///
/// # Errors
///
/// Refuses an invalid mail address, an invalid caller, an unknown profile, a caller without MANAGE_PROFILES and then
/// READ_TENANT on its tenant, what is beyond the limits, attributes that are not defined or that the caller's
/// application may not write, and a username that is taken.
pub async fn update(
    app: &App,
    caller: Caller,
    id: String,
    update: ProfileUpdate,
) -> Checked<Profile> {
    let ProfileUpdate {
        username,
        password,
        email,
        is_enabled,
        roles,
        attributes,
    } = update;
    if let Some(email) = email.as_ref().filter(|email| !email::is_valid(email)) {
        let email = email.clone();
        return Err(ProfileRequestRefusal::EmailInvalid { email }.into());
    }
    let change = ProfileChange::new(app, caller, id, move |draft| {
        if let Some(username) = &username {
            draft.profile.username = username.as_str().to_owned();
        }
        if let Some(email) = &email {
            draft.profile.email.clone_from(email);
        }
        if let Some(is_enabled) = is_enabled {
            draft.set_enabled(is_enabled);
        }
        if let Some(roles) = &roles {
            draft.set_roles(roles.iter().cloned())?;
        }
        Ok(())
    });
    let change = change.with_attributes(attributes);
    let Some(password) = password else {
        return change.carry_out(app).await;
    };
    // Hashing is expensive, and not done for who may not change the profile.
    change.check(app)?;
    let hash = hash(app, password).await?;
    change.with_password(Some(hash)).carry_out(app).await
}
