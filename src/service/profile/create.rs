//! An application creates a profile.

use std::sync::Arc;

use crate::app::App;
use crate::audit::event::Event;
use crate::domain::access_token::{AccessToken, TenantAction};
use crate::domain::attribute_access::{self, AttributeAction};
use crate::domain::email;
use crate::domain::given_attributes::GivenAttributes;
use crate::domain::object_id::ObjectId;
use crate::domain::password::{Password, PasswordHash};
use crate::domain::profile::{Profile, Username};
use crate::domain::tenant::{Tenant, TenantName};
use crate::service::access::require;
use crate::service::caller::Caller;
use crate::service::context::OpContext;
use crate::service::password::hash;
use crate::service::profile::ProfileRefusal;
use crate::service::profile::change::{distinct, require_free};
use crate::service::profile::limits::ProfileLimits;
use crate::service::profile::refusal::ProfileRequestRefusal;
use crate::service::profile::request::Checked;
use crate::service::transaction;
use crate::storage::transaction::Read;
use crate::tables::{profile, tenant};

/// A profile that is to be created, as the caller describes it.
#[derive(Debug)]
pub struct NewProfile {
    /// The name of its tenant.
    pub tenant: TenantName,
    /// Its username.
    pub username: Username,
    /// Its mail address, which was not checked.
    pub email: String,
    /// Its password; without one nobody can sign in with one.
    pub password: Option<Password>,
    /// Whether it may be used.
    pub is_enabled: bool,
    /// Its roles, if any are set.
    pub roles: Option<Vec<String>>,
    /// Its attributes.
    pub attributes: GivenAttributes,
    /// Whether its owner could follow a link to verify the mail address.
    pub can_be_verified: bool,
}

/// Creates a profile and returns it with all of its attributes.
///
/// It is created disabled if its tenant verifies new profiles and its owner could do so, and gets the default values of
/// the tenant's attributes that are not given.
///
/// # Errors
///
/// Refuses an invalid caller, one without MANAGE_PROFILES on the tenant, an invalid mail address, a caller without
/// READ_TENANT, an unknown tenant, attributes that it does not define or that the caller's application may not write,
/// defaults included, what is beyond the limits, and a username that is taken, in this order.
pub async fn create(app: &App, caller: Caller, new: NewProfile) -> Checked<Profile> {
    caller.note_use(app);
    let NewProfile { password, .. } = &new;
    let password = password.clone();
    let context = OpContext::as_system(app);
    let mut creation = Creation {
        id: ObjectId::new(context.now.time(), app.entropy.bytes()),
        limits: ProfileLimits::of(app),
        password: None,
        caller,
        context,
        new,
    };
    transaction::read(app, |txn| creation.prepare(txn).map(drop))?;
    if let Some(password) = password {
        creation.password = Some(hash(app, password).await?);
    }
    transaction::write(app, move |txn| {
        let (token, mut profile, given) = creation.prepare(txn)?;
        profile::insert(txn, &profile)?;
        let context = creation.context.as_caller(token);
        context.record_subject(txn, Event::CreateProfile, (&profile).into());
        given.show_nulls(&mut profile.attributes);
        Ok(profile)
    })
    .await
}

/// What the transactions of a creation need.
struct Creation {
    caller: Caller,
    context: OpContext,
    id: ObjectId,
    limits: ProfileLimits,
    new: NewProfile,
    password: Option<PasswordHash>,
}

impl Creation {
    /// The caller, the profile that is to be stored, and the attributes that were given with the defaults.
    fn prepare(&self, txn: &impl Read) -> Checked<(Arc<AccessToken>, Profile, GivenAttributes)> {
        let Self { new, context, .. } = self;
        let now = context.now.time();
        let token = self.caller.identify(txn, now)?;
        let name = new.tenant.as_str();
        require(&token, TenantAction::ManageProfiles, name)?;
        if !email::is_valid(&new.email) {
            let email = new.email.clone();
            return Err(ProfileRequestRefusal::EmailInvalid { email }.into());
        }
        require(&token, TenantAction::ReadTenant, name)?;
        let no_such_tenant = || ProfileRefusal::NoSuchTenant {
            name: name.to_owned(),
        };
        let tenant = tenant::get(txn, &new.tenant)?.ok_or_else(no_such_tenant)?;
        let mut given = new.attributes.clone();
        given.add_defaults(&tenant);
        attribute_access::require(
            &tenant.name,
            &tenant.attribute_definitions,
            given.names(),
            AttributeAction::Write,
            &token.application,
        )?;
        let profile = self.profile(&tenant, &given);
        self.limits
            .check_roles(profile.roles.as_deref().unwrap_or_default())?;
        self.limits.check_attributes(profile.attributes.as_ref())?;
        require_free(txn, &profile)?;
        Ok((token, profile, given))
    }

    fn profile(&self, tenant: &Tenant, given: &GivenAttributes) -> Profile {
        let new = &self.new;
        let now = self.context.now.time();
        let mut attributes = None;
        given.store(tenant, &mut attributes);
        Profile {
            id: self.id,
            username: new.username.as_str().to_owned(),
            password: self.password.clone(),
            email: new.email.clone(),
            verified: false,
            enabled: new.is_enabled && !(tenant.verify_new_profiles && new.can_be_verified),
            created_on: now,
            last_modified: now,
            tenant: tenant.name.clone(),
            roles: new.roles.clone().map(distinct),
            attributes,
        }
    }
}
