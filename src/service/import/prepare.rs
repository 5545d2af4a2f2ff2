//! Checking an entry by itself, and making of it what is to be written.

use std::sync::Arc;

use crate::app::App;
use crate::clock::Timestamp;
use crate::clock::timeline::Timeline;
use crate::domain::access_token::{AccessToken, AccessTokenId, TenantPermission};
use crate::domain::attributes::Attributes;
use crate::domain::key_ring::KeyRing;
use crate::domain::login_state::ImportedLogin;
use crate::domain::object_id::ObjectId;
use crate::domain::password::PasswordHash;
use crate::domain::persistent_login::{PersistentLogin, PersistentLoginId, Token};
use crate::domain::profile::Profile;
use crate::domain::tenant::{AttributeDefinition, AttributePermission, Tenant, TenantName};
use crate::domain::ticket::{TicketDigest, TicketId, TicketState};
use crate::domain::verification_token::{
    VerificationToken, VerificationTokenDigest, VerificationTokenId,
};
use crate::entropy::Entropy;
use crate::error::Failure;
use crate::service::bootstrap::seed_file::{
    AccessTokenEntry, AttributeDefinitionEntry, Date, Entry, Id, PersistentLoginEntry,
    ProfileEntry, TenantEntry, TicketEntry, VerificationTokenEntry,
};
use crate::service::bootstrap::token_file::GeneratedToken;
use crate::tables::access_token::{DigestedId, SealedId};

/// What is to be written of an entry that is valid by itself. Many are in memory at once: what differs in size is
/// boxed.
#[derive(Clone, Debug)]
pub enum Record {
    /// An access token.
    AccessToken(Box<NewAccessToken>),
    /// A tenant.
    Tenant(Box<Tenant>),
    /// A profile.
    Profile(Box<Profile>),
    /// A login.
    Login(Box<NewLogin>),
    /// A ticket. Its era is that of the profile's new ones.
    Ticket(Box<TicketState>),
    /// A verification token.
    VerificationToken(Box<VerificationToken>),
}

/// An access token with its id.
#[derive(Clone, Debug)]
pub struct NewAccessToken {
    /// The id.
    pub id: DigestedId,
    /// The id, sealed.
    pub sealed: SealedId,
    /// What it allows.
    pub token: AccessToken,
}

/// A login. Its era is that of the profile's new ones.
#[derive(Clone, Debug)]
pub struct NewLogin {
    /// The login.
    pub login: ImportedLogin,
    /// Whether it is dated in the future. Such a date is kept: it may be the clock of the host that is wrong.
    pub is_future: bool,
}

/// Why an entry is not written, whatever the tables have.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Fault {
    /// A field is not valid.
    Invalid {
        /// The field.
        field: &'static str,
        /// What is wrong with it, without its value.
        what: &'static str,
    },
    /// The name of its tenant is empty: there is none of this name.
    NoTenant,
}

/// What entries are checked with. It outlives the borrow of the app, for a thread of its own.
pub struct Preparer {
    now: Timestamp,
    timeline: Timeline,
    keys: Arc<KeyRing>,
    entropy: Entropy,
    /// The tenant of the last entry: most have the same one, whose name is in memory once.
    last_tenant: Option<TenantName>,
    /// The access tokens whose ids were generated because their entries have none, until they are taken.
    pub generated: Vec<GeneratedToken>,
}

impl Preparer {
    /// With the time and the keys of `app`.
    ///
    /// # Errors
    ///
    /// If the database is not open.
    pub fn new(app: &App) -> Result<Self, Failure> {
        let now = app.clock.now();
        let keys = Arc::clone(app.keys.get()?);
        Ok(Self::with(
            now.time(),
            now.timeline,
            keys,
            app.entropy.fork(),
        ))
    }

    /// With these.
    pub fn with(now: Timestamp, timeline: Timeline, keys: Arc<KeyRing>, entropy: Entropy) -> Self {
        Self {
            now,
            timeline,
            keys,
            entropy,
            last_tenant: None,
            generated: Vec::new(),
        }
    }

    /// What is to be written of `entry`. Ids that are missing are generated, and dates that are missing are now.
    ///
    /// # Errors
    ///
    /// For the first field that is not valid.
    pub fn prepare(&mut self, entry: Entry) -> Result<Record, Fault> {
        Ok(match entry {
            Entry::AccessToken(entry) => Record::AccessToken(Box::new(self.access_token(entry)?)),
            Entry::Tenant(entry) => Record::Tenant(Box::new(self.tenant(entry)?)),
            Entry::Profile(entry) => Record::Profile(Box::new(self.profile(entry)?)),
            Entry::PersistentLogin(entry) => Record::Login(Box::new(self.login(entry)?)),
            Entry::Ticket(entry) => Record::Ticket(Box::new(self.ticket(entry)?)),
            Entry::VerificationToken(entry) => {
                Record::VerificationToken(Box::new(self.verification_token(entry)?))
            }
        })
    }

    fn access_token(&mut self, entry: AccessTokenEntry) -> Result<NewAccessToken, Fault> {
        let id = match entry.id {
            Some(Id(text)) => AccessTokenId::new(text).ok_or(invalid("_id", EMPTY))?,
            None => {
                let id = AccessTokenId::random(self.entropy.bytes());
                self.generated.push(GeneratedToken {
                    application: entry.application.clone(),
                    id: id.clone(),
                });
                id
            }
        };
        let id = DigestedId::new(id);
        let sealed = SealedId::seal(&self.keys, self.entropy.bytes(), &id);
        let token = AccessToken {
            application: entry.application,
            master: entry.master,
            tenant_permissions: entry
                .tenant_permissions
                .into_iter()
                .map(|permission| TenantPermission {
                    allowed_actions: permission.allowed_actions,
                    tenant: permission.tenant,
                })
                .collect(),
            expires_on: entry.expires_on.map(|Date(date)| date),
            has_all_attributes: false,
        };
        Ok(NewAccessToken { id, sealed, token })
    }

    fn tenant(&self, entry: TenantEntry) -> Result<Tenant, Fault> {
        let id = self.object_id(entry.id)?;
        let name = TenantName::new(entry.name).ok_or(invalid("name", EMPTY))?;
        Ok(Tenant {
            id,
            name,
            verify_new_profiles: entry.verify_new_profiles,
            available_roles: entry.available_roles,
            sso_enabled: entry.sso_enabled,
            attribute_definitions: entry
                .attribute_definitions
                .into_iter()
                .map(attribute_definition)
                .collect(),
            cleanse_attributes: entry.cleanse_attributes,
        })
    }

    fn profile(&mut self, entry: ProfileEntry) -> Result<Profile, Fault> {
        let id = self.object_id(entry.id)?;
        let tenant = self.tenant_name(entry.tenant)?;
        if entry.username.is_empty() {
            return Err(invalid("username", EMPTY));
        }
        let password = entry
            .password
            .map(|text| PasswordHash::parse(&text).ok_or(invalid("password", NO_HASH)))
            .transpose()?;
        Ok(Profile {
            id,
            username: entry.username,
            password,
            email: entry.email,
            verified: entry.verified,
            enabled: entry.enabled,
            created_on: self.date(entry.created_on),
            last_modified: self.date(entry.last_modified),
            tenant,
            roles: entry.roles,
            attributes: entry.attributes.as_ref().map(Attributes::from),
        })
    }

    fn login(&mut self, entry: PersistentLoginEntry) -> Result<NewLogin, Fault> {
        let id = match entry.id {
            Some(Id(text)) => PersistentLoginId::parse(&text).ok_or(invalid("_id", NO_UUID))?,
            None => PersistentLoginId::new(self.entropy.uuid()),
        };
        let token = Token::parse(&entry.token).ok_or(invalid("token", NO_UUID))?;
        let profile_id = profile_id(&entry.profile_id)?;
        let timestamp = self.date(entry.timestamp);
        let login = PersistentLogin {
            id,
            tenant: self.tenant_name(entry.tenant)?,
            profile_id,
            token,
            timestamp,
        };
        Ok(NewLogin {
            login: ImportedLogin::new(&login, &self.timeline, &self.keys, self.entropy.bytes()),
            is_future: timestamp > self.now,
        })
    }

    fn ticket(&mut self, entry: TicketEntry) -> Result<TicketState, Fault> {
        let Id(text) = entry.id;
        let id = TicketId::parse(&text).ok_or(invalid("_id", NO_UUID))?;
        let profile_id = profile_id(&entry.profile_id)?;
        let (_, key) = self.keys.newest();
        Ok(TicketState {
            digest: TicketDigest::new(id, key),
            tenant: self.tenant_name(entry.tenant)?,
            profile_id,
            era: 0,
            last_request: self
                .timeline
                .moment(self.beginning(entry.last_request_time)),
        })
    }

    fn verification_token(
        &mut self,
        entry: VerificationTokenEntry,
    ) -> Result<VerificationToken, Fault> {
        let Id(text) = entry.id;
        let id = VerificationTokenId::parse(&text).ok_or(invalid("_id", NO_UUID))?;
        let profile_id = profile_id(&entry.profile_id)?;
        let (_, key) = self.keys.newest();
        Ok(VerificationToken {
            digest: VerificationTokenDigest::new(id, key),
            tenant: self.tenant_name(entry.tenant)?,
            profile_id,
            created: self.timeline.moment(self.beginning(entry.timestamp)),
        })
    }

    fn tenant_name(&mut self, text: String) -> Result<TenantName, Fault> {
        if let Some(last) = &self.last_tenant
            && last.as_str() == text
        {
            return Ok(last.clone());
        }
        let name = TenantName::new(text).ok_or(Fault::NoTenant)?;
        Ok(self.last_tenant.insert(name).clone())
    }

    fn object_id(&self, id: Option<Id>) -> Result<ObjectId, Fault> {
        match id {
            Some(Id(text)) => ObjectId::parse(&text).ok_or(invalid("_id", NO_OBJECT_ID)),
            None => Ok(ObjectId::new(self.now, self.entropy.bytes())),
        }
    }

    fn date(&self, date: Option<Date>) -> Timestamp {
        date.map_or(self.now, |Date(date)| date)
    }

    /// The date from which on the age of a ticket or a verification token is counted. With one in the future it would
    /// live longer than one that is created now.
    fn beginning(&self, date: Option<Date>) -> Timestamp {
        self.date(date).min(self.now)
    }
}

const EMPTY: &str = "it is empty";
const NO_UUID: &str = "it is not a UUID";
const NO_OBJECT_ID: &str = "it is not 24 hexadecimal digits";
const NO_HASH: &str =
    "it is neither of the form base64(hash)|base64(salt) nor an argon2id hash $argon2id$…";

const fn invalid(field: &'static str, what: &'static str) -> Fault {
    Fault::Invalid { field, what }
}

fn profile_id(Id(text): &Id) -> Result<ObjectId, Fault> {
    ObjectId::parse(text).ok_or(invalid("profileId", NO_OBJECT_ID))
}

fn attribute_definition(entry: AttributeDefinitionEntry) -> AttributeDefinition {
    AttributeDefinition {
        permissions: entry
            .permissions
            .into_iter()
            .map(|permission| AttributePermission {
                allowed_actions: permission.allowed_actions,
                application: permission.application,
            })
            .collect(),
        name: entry.name,
        metadata: entry.metadata,
        default_value: entry.default_value,
    }
}
