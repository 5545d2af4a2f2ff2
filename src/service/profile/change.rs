//! What the changes of one profile have in common: who may make them, how they are carried out, and what the caller
//! sees afterwards.

use std::collections::HashSet;
use std::sync::Arc;

use crate::app::App;
use crate::audit::event::Event;
use crate::domain::access_token::AccessToken;
use crate::domain::attribute_access::{self, AttributeAction};
use crate::domain::given_attributes::GivenAttributes;
use crate::domain::password::PasswordHash;
use crate::domain::profile::Profile;
use crate::domain::tenant::{AttributeDefinition, Tenant};
use crate::error::Failure;
use crate::service::caller::Caller;
use crate::service::end_access::{EndReason, end_access};
use crate::service::profile::limits::ProfileLimits;
use crate::service::profile::refusal::ProfileRequestRefusal;
use crate::service::profile::request::{Checked, SingleProfileRequest};
use crate::service::profile::visible::keep_visible;
use crate::service::transaction;
use crate::storage::transaction::Read;
use crate::storage::transaction::write_txn::WriteTxn;
use crate::tables::{profile, tenant};

/// What an edit comes to.
pub(super) type Edited = Result<(), ProfileRequestRefusal>;

/// A change of the profile with an id: what `edit` does, and attributes and a password that are set.
pub(super) struct ProfileChange<E> {
    request: SingleProfileRequest,
    limits: ProfileLimits,
    edit: E,
    given: GivenAttributes,
    password: Option<PasswordHash>,
}

impl<E: Fn(&mut Draft) -> Edited + Send + 'static> ProfileChange<E> {
    pub(super) fn new(app: &App, caller: Caller, id: String, edit: E) -> Self {
        Self::requested(app, SingleProfileRequest::new(app, caller, id), edit)
    }

    /// The change that is requested.
    pub(super) fn requested(app: &App, request: SingleProfileRequest, edit: E) -> Self {
        Self {
            request,
            limits: ProfileLimits::of(app),
            edit,
            given: GivenAttributes::default(),
            password: None,
        }
    }

    /// The same change, and these attributes are set.
    pub(super) fn with_attributes(self, given: GivenAttributes) -> Self {
        Self { given, ..self }
    }

    /// The same change, and the password with this hash is set, which ends the access of the profile.
    pub(super) fn with_password(self, password: Option<PasswordHash>) -> Self {
        Self { password, ..self }
    }

    /// Checks on a snapshot whether the change would be refused.
    pub(super) fn check(&self, app: &App) -> Checked<()> {
        transaction::read(app, |txn| self.prepare(txn).map(drop))
    }

    /// Changes the profile, if the change is not refused, and returns it as the caller may see it.
    pub(super) async fn carry_out(self, app: &App) -> Checked<Profile> {
        self.check(app)?;
        transaction::write(app, move |txn| {
            let draft = self.prepare(txn)?;
            self.store(txn, &draft)?;
            Ok(self.shown(draft))
        })
        .await
    }

    fn prepare(&self, txn: &impl Read) -> Checked<Draft> {
        let (token, before) = self.request.authorize(txn)?;
        let mut draft = Draft {
            tenant: tenant::get(txn, &before.tenant)?,
            token,
            profile: before.clone(),
            limits: self.limits,
            event: Event::UpdateProfile,
            ends: Vec::new(),
        };
        (self.edit)(&mut draft)?;
        draft.set_attributes(&self.given)?;
        let profile = &mut draft.profile;
        if profile.username != before.username {
            require_free(txn, profile)?;
        }
        if let Some(password) = &self.password {
            profile.password = Some(password.clone());
            draft.ends.push(EndReason::PasswordChange);
        }
        profile.last_modified = self.request.context.now.time();
        Ok(draft)
    }

    fn store(&self, txn: &WriteTxn, draft: &Draft) -> Result<(), Failure> {
        let Draft {
            token,
            profile,
            ends,
            ..
        } = draft;
        self.request.use_up(txn)?;
        let context = self.request.context.as_caller(Arc::clone(token));
        for reason in ends {
            end_access(txn, &context, profile, *reason)?;
        }
        if ends.is_empty() {
            context.record_subject(txn, draft.event, profile.into());
        }
        profile::put(txn, profile)
    }

    /// The profile with the attributes that the caller may read and those that were set.
    fn shown(&self, draft: Draft) -> Profile {
        let definitions = draft.definitions();
        let mut profile = draft.profile.clone();
        keep_visible(definitions, &draft.token, &mut profile, |name| {
            self.given.has(name)
        });
        self.given.show_nulls(&mut profile.attributes);
        profile
    }
}

/// A profile as it is after a change, before it is stored.
pub(super) struct Draft {
    token: Arc<AccessToken>,
    /// `None` if the profile was imported without its tenant.
    tenant: Option<Arc<Tenant>>,
    limits: ProfileLimits,
    /// What is recorded if the access of the profile does not end.
    event: Event,
    /// Why the logins and tickets of the profile end.
    ends: Vec<EndReason>,
    pub(super) profile: Profile,
}

impl Draft {
    /// Enables or disables the profile. Its access ends also if it was disabled already: logins may have been imported
    /// with it.
    pub(super) fn set_enabled(&mut self, enabled: bool) {
        if !enabled {
            self.ends.push(EndReason::Disable);
        } else if !self.profile.enabled {
            self.event = Event::EnableProfile;
        }
        self.profile.enabled = enabled;
    }

    /// Marks the mail address as verified, and enables the profile.
    pub(super) fn verify(&mut self) {
        self.profile.verified = true;
        self.profile.enabled = true;
        self.event = Event::VerifyProfile;
    }

    /// Sets the roles; of several that are the same one is kept.
    ///
    /// # Errors
    ///
    /// Refuses more roles or longer ones than the limits allow.
    pub(super) fn set_roles(&mut self, roles: impl IntoIterator<Item = String>) -> Edited {
        let roles = distinct(roles);
        self.limits.check_roles(&roles)?;
        self.profile.roles = Some(roles);
        Ok(())
    }

    /// Removes attributes.
    ///
    /// # Errors
    ///
    /// Refuses, and then removes none, if one of them is not defined or may not be removed.
    pub(super) fn remove_attributes(&mut self, names: &[String]) -> Edited {
        self.require(names.iter().map(String::as_str), AttributeAction::Remove)?;
        if let Some(attributes) = &mut self.profile.attributes {
            for name in names {
                attributes.remove(name);
            }
        }
        Ok(())
    }

    fn set_attributes(&mut self, given: &GivenAttributes) -> Edited {
        self.require(given.names(), AttributeAction::Write)?;
        if let Some(tenant) = self.tenant.as_deref()
            && !given.is_empty()
        {
            given.store(tenant, &mut self.profile.attributes);
            self.limits
                .check_attributes(self.profile.attributes.as_ref())?;
        }
        Ok(())
    }

    fn require<'n>(
        &self,
        names: impl IntoIterator<Item = &'n str>,
        action: AttributeAction,
    ) -> Edited {
        let definitions = self.definitions();
        attribute_access::require(
            &self.profile.tenant,
            definitions,
            names,
            action,
            &self.token,
        )?;
        Ok(())
    }

    fn definitions(&self) -> &[AttributeDefinition] {
        let tenant = self.tenant.as_deref();
        tenant.map_or(&[], |tenant| &tenant.attribute_definitions)
    }
}

/// Refuses the profile if another one of its tenant has its username.
pub(super) fn require_free(txn: &impl Read, profile: &Profile) -> Checked<()> {
    let username = &profile.username;
    match profile::id_by_username(txn, &profile.tenant, username)? {
        Some(_) => Err(ProfileRequestRefusal::UsernameTaken {
            username: username.clone(),
        }
        .into()),
        None => Ok(()),
    }
}

/// The roles without those that were there already.
pub(super) fn distinct(roles: impl IntoIterator<Item = String>) -> Vec<String> {
    let mut seen = HashSet::new();
    let roles = roles.into_iter();
    roles.filter(|role| seen.insert(role.clone())).collect()
}
