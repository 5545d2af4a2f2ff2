//! An application creates a profile.

use std::sync::Arc;

use crate::app::App;
use crate::audit::event::Event;
use crate::domain::access_token::{AccessToken, TenantAction};
use crate::domain::attribute_access::{self, AttributeAction};
use crate::domain::email;
use crate::domain::given_attributes::GivenAttributes;
use crate::domain::mail::{LinkUrl, MailKind};
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
use crate::service::verification_token::mailed::{MailedToken, MailedTokenLimits};
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
    /// Where its owner can verify the mail address, if that is possible.
    pub verification_url: Option<LinkUrl>,
}

/// Creates a profile and returns it with all of its attributes.
///
/// If its tenant verifies new profiles and there is a URL for it, it is created disabled, and a mail is queued whose
/// link verifies it. It gets the default values of the tenant's attributes that are not given.
///
/// # Errors
///
/// Refuses an invalid caller, one without MANAGE_PROFILES on the tenant, an invalid mail address, a caller without
/// READ_TENANT, an unknown tenant, attributes that it does not define or that the caller's application may not write,
/// defaults included, what is beyond the limits, and a username that is taken, in this order. Fails if a mail is to be
/// sent and too many are waiting, or there are too many verification tokens.
pub async fn create(app: &App, caller: Caller, new: NewProfile) -> Checked<Profile> {
    caller.note_use(app);
    let NewProfile { password, .. } = &new;
    let password = password.clone();
    let context = OpContext::as_system(app);
    let mut creation = Creation {
        id: ObjectId::new(context.now.time(), app.entropy.bytes()),
        limits: ProfileLimits::of(app),
        password: None,
        mailed: None,
        mail_limits: MailedTokenLimits::of(app),
        caller,
        context,
        new,
    };
    transaction::read(app, |txn| creation.prepare(txn).map(drop))?;
    if let Some(url) = creation.new.verification_url.clone() {
        let mailed = MailedToken::new(app, MailKind::VerifyAccount, url)?;
        creation.mailed = Some(mailed);
    }
    if let Some(password) = password {
        creation.password = Some(hash(app, password).await?);
    }
    transaction::write(app, move |txn| {
        let Prepared {
            token,
            mut profile,
            given,
            is_to_be_verified,
        } = creation.prepare(txn)?;
        profile::insert(txn, &profile)?;
        let context = creation.context.as_caller(token);
        if let Some(mailed) = &creation.mailed
            && is_to_be_verified
        {
            mailed.put(txn, &context, &profile)?;
        }
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
    /// What is put if the profile is to be verified.
    mailed: Option<MailedToken>,
    mail_limits: MailedTokenLimits,
}

/// A creation that is not refused.
struct Prepared {
    token: Arc<AccessToken>,
    /// What is to be stored.
    profile: Profile,
    /// The attributes that were given, with the defaults.
    given: GivenAttributes,
    is_to_be_verified: bool,
}

impl Creation {
    fn prepare(&self, txn: &impl Read) -> Checked<Prepared> {
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
            &token,
        )?;
        let profile = self.profile(&tenant, &given);
        self.limits
            .check_roles(profile.roles.as_deref().unwrap_or_default())?;
        self.limits.check_attributes(profile.attributes.as_ref())?;
        require_free(txn, &profile)?;
        let is_to_be_verified = self.is_to_be_verified(&tenant);
        if is_to_be_verified {
            self.mail_limits.require_room(txn)?;
        }
        Ok(Prepared {
            token,
            profile,
            given,
            is_to_be_verified,
        })
    }

    fn is_to_be_verified(&self, tenant: &Tenant) -> bool {
        tenant.verify_new_profiles && self.new.verification_url.is_some()
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
            enabled: new.is_enabled && !self.is_to_be_verified(tenant),
            created_on: now,
            last_modified: now,
            tenant: tenant.name.clone(),
            roles: new.roles.clone().map(distinct),
            attributes,
        }
    }
}
