//! Checking the entries of a seed file, also against each other.

use std::collections::{HashMap, HashSet};

use uuid::Uuid;

use crate::clock::Timestamp;
use crate::domain::access_token::{
    ACTION_NAMES, ANY, AccessToken, AccessTokenId, TenantPermission,
};
use crate::domain::attributes::Attributes;
use crate::domain::object_id::ObjectId;
use crate::domain::password::{HashMemory, Password, PasswordHash};
use crate::domain::persistent_login::{PersistentLogin, PersistentLoginId, Token};
use crate::domain::profile::Profile;
use crate::domain::tenant::{AttributeDefinition, AttributePermission, Tenant, TenantName};
use crate::domain::ticket::{Ticket, TicketId};
use crate::domain::verification_token::VerificationTokenId;
use crate::entropy::Entropy;
use crate::service::bootstrap::demo;
use crate::service::bootstrap::seed::findings::{EntryPath, Findings, SeedRules};
use crate::service::bootstrap::seed_error::SeedError;
use crate::service::bootstrap::seed_file::{
    AccessTokenEntry, AttributeDefinitionEntry, Date, Id, PersistentLoginEntry, ProfileEntry,
    TenantEntry, TenantPermissionEntry, TicketEntry, VerificationTokenEntry,
};
use crate::service::bootstrap::token_file::GeneratedToken;
use crate::tables::access_token::DigestedId;

/// The username, and the password, of the first user that the original server ships.
const DEFAULT_USER: &str = "admin";

/// Of how many profiles with that username the password is tried: one may take as long as a sign-in.
const DEFAULT_USERS_MAX: usize = 16;

/// A verification token in a seed file.
#[derive(Debug)]
pub(super) struct ImportedVerificationToken {
    pub(super) id: VerificationTokenId,
    pub(super) tenant: TenantName,
    pub(super) profile_id: ObjectId,
    pub(super) created: Timestamp,
}

/// The entries that were checked so far, to find duplicates and dangling references.
pub(super) struct Check<'a> {
    rules: SeedRules,
    now: Timestamp,
    entropy: &'a Entropy,
    access_token_ids: HashSet<String>,
    tenants: HashSet<TenantName>,
    tenant_ids: HashSet<ObjectId>,
    profiles: HashMap<ObjectId, TenantName>,
    disabled: HashSet<ObjectId>,
    usernames: HashSet<(TenantName, String)>,
    login_ids: HashSet<PersistentLoginId>,
    ticket_ids: HashSet<Uuid>,
    verification_ids: HashSet<VerificationTokenId>,
    default_users: usize,
    pub(super) generated: Vec<GeneratedToken>,
    pub(super) findings: Findings,
}

impl<'a> Check<'a> {
    pub(super) fn new(rules: SeedRules, now: Timestamp, entropy: &'a Entropy) -> Self {
        Self {
            rules,
            now,
            entropy,
            access_token_ids: HashSet::new(),
            tenants: HashSet::new(),
            tenant_ids: HashSet::new(),
            profiles: HashMap::new(),
            disabled: HashSet::new(),
            usernames: HashSet::new(),
            login_ids: HashSet::new(),
            ticket_ids: HashSet::new(),
            verification_ids: HashSet::new(),
            default_users: 0,
            generated: Vec::new(),
            findings: Findings::default(),
        }
    }

    pub(super) fn access_token(
        &mut self,
        at: EntryPath,
        entry: AccessTokenEntry,
    ) -> Result<(DigestedId, AccessToken), SeedError> {
        let id = match entry.id {
            Some(Id(text)) => {
                AccessTokenId::new(text).ok_or_else(|| at.refuse("_id", "it is empty"))?
            }
            None => {
                let id = AccessTokenId::random(self.entropy.bytes());
                self.generated.push(GeneratedToken {
                    application: entry.application.clone(),
                    id: id.clone(),
                });
                id
            }
        };
        for (number, permission) in entry.tenant_permissions.iter().enumerate() {
            self.check_permission(at, number, permission);
        }
        if id.reveal() == demo::ACCESS_TOKEN_ID {
            let application = &entry.application;
            let what = format_args!(
                "everybody knows this access token, of the application {application:?}; give it another _id"
            );
            self.findings
                .warn(format_args!("{}[{}]._id", at.list, at.index), what);
        }
        let is_new = self.access_token_ids.insert(id.reveal().to_owned());
        unique(is_new, at, "_id")?;
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
        Ok((DigestedId::new(id), token))
    }

    fn check_permission(&mut self, at: EntryPath, number: usize, entry: &TenantPermissionEntry) {
        let EntryPath { list, index } = at;
        let path = |field| format!("{list}[{index}].tenantPermissions[{number}].{field}");
        let tenant = entry.tenant.as_str();
        let is_known = TenantName::new(tenant).is_some_and(|name| self.tenants.contains(&name));
        if tenant != ANY && !is_known {
            let what = format_args!("there is no tenant {tenant:?} in the file");
            self.findings.warn(path("tenant"), what);
        }
        for action in entry.allowed_actions.iter().map(String::as_str) {
            if action != ANY && !ACTION_NAMES.contains(&action) {
                let known = ACTION_NAMES.join(", ");
                let what = format_args!(
                    "there is no action {action:?}; the actions are {known} and {ANY}"
                );
                self.findings.warn(path("allowedActions"), what);
            }
        }
    }

    pub(super) fn tenant(
        &mut self,
        at: EntryPath,
        entry: TenantEntry,
    ) -> Result<Tenant, SeedError> {
        let id = self.object_id(at, entry.id)?;
        unique(self.tenant_ids.insert(id), at, "_id")?;
        let name = TenantName::new(entry.name).ok_or_else(|| at.refuse("name", "it is empty"))?;
        unique(self.tenants.insert(name.clone()), at, "name")?;
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

    pub(super) fn profile(
        &mut self,
        at: EntryPath,
        entry: ProfileEntry,
    ) -> Result<Option<Profile>, SeedError> {
        let id = self.object_id(at, entry.id)?;
        let Some(tenant) = self.known_tenant(at, entry.tenant)? else {
            return Ok(None);
        };
        let is_new = self.profiles.insert(id, tenant.clone()).is_none();
        unique(is_new, at, "_id")?;
        if !entry.enabled {
            self.disabled.insert(id);
        }
        if entry.username.is_empty() {
            return Err(at.refuse("username", "it is empty"));
        }
        let is_new = self
            .usernames
            .insert((tenant.clone(), entry.username.clone()));
        unique(is_new, at, "username")?;
        let password = entry
            .password
            .map(|text| {
                PasswordHash::parse(&text).ok_or_else(|| {
                    at.refuse(
                        "password",
                        "it is neither of the form base64(hash)|base64(salt) nor an argon2id hash $argon2id$…",
                    )
                })
            })
            .transpose()?;
        if entry.username == DEFAULT_USER
            && let Some(hash) = &password
        {
            self.check_default_user(at, &tenant, hash);
        }
        Ok(Some(Profile {
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
        }))
    }

    /// Warns of a profile that everybody can sign in as.
    fn check_default_user(&mut self, at: EntryPath, tenant: &TenantName, hash: &PasswordHash) {
        self.default_users += 1;
        let Ok(password) = Password::new(DEFAULT_USER) else {
            return;
        };
        if self.default_users <= DEFAULT_USERS_MAX
            && hash.matches(&password, &mut HashMemory::default())
        {
            let path = format_args!("{}[{}].password", at.list, at.index);
            let what = format_args!(
                "everybody knows the password of the user {DEFAULT_USER:?} of the tenant {:?}; change it",
                tenant.as_str()
            );
            self.findings.warn(path, what);
        }
    }

    pub(super) fn login(
        &mut self,
        at: EntryPath,
        entry: PersistentLoginEntry,
    ) -> Result<Option<PersistentLogin>, SeedError> {
        let id = match entry.id {
            Some(Id(text)) => PersistentLoginId::parse(&text)
                .ok_or_else(|| at.refuse("_id", "it is not a UUID"))?,
            None => PersistentLoginId::new(self.entropy.uuid()),
        };
        unique(self.login_ids.insert(id), at, "_id")?;
        let token =
            Token::parse(&entry.token).ok_or_else(|| at.refuse("token", "it is not a UUID"))?;
        let owner = self.known_owner(at, entry.tenant, entry.profile_id)?;
        Ok(owner.map(|(tenant, profile_id)| PersistentLogin {
            id,
            tenant,
            profile_id,
            token,
            timestamp: self.creation(at, "timestamp", entry.timestamp),
        }))
    }

    pub(super) fn ticket(
        &mut self,
        at: EntryPath,
        entry: TicketEntry,
    ) -> Result<Option<Ticket>, SeedError> {
        let Id(text) = entry.id;
        let id = TicketId::parse(&text).ok_or_else(|| at.refuse("_id", "it is not a UUID"))?;
        unique(self.ticket_ids.insert(id.reveal()), at, "_id")?;
        let Some((tenant, profile_id)) = self.known_owner(at, entry.tenant, entry.profile_id)?
        else {
            return Ok(None);
        };
        if self.disabled.contains(&profile_id) {
            // Disabling a profile here would have ended it. The file is not wrong for that.
            let (rules, why) = (SeedRules::default(), "its profile is disabled");
            self.findings.skip(rules, at, "profileId", why)?;
            return Ok(None);
        }
        Ok(Some(Ticket {
            id,
            tenant,
            profile_id,
            last_request: self.beginning(entry.last_request_time),
        }))
    }

    pub(super) fn verification_token(
        &mut self,
        at: EntryPath,
        entry: VerificationTokenEntry,
    ) -> Result<Option<ImportedVerificationToken>, SeedError> {
        let Id(text) = entry.id;
        let id = VerificationTokenId::parse(&text)
            .ok_or_else(|| at.refuse("_id", "it is not a UUID"))?;
        unique(self.verification_ids.insert(id), at, "_id")?;
        let owner = self.known_owner(at, entry.tenant, entry.profile_id)?;
        Ok(owner.map(|(tenant, profile_id)| ImportedVerificationToken {
            id,
            tenant,
            profile_id,
            created: self.beginning(entry.timestamp),
        }))
    }

    fn object_id(&self, at: EntryPath, id: Option<Id>) -> Result<ObjectId, SeedError> {
        match id {
            Some(Id(text)) => ObjectId::parse(&text)
                .ok_or_else(|| at.refuse("_id", "it is not 24 hexadecimal digits")),
            None => Ok(ObjectId::new(self.now, self.entropy.bytes())),
        }
    }

    /// The tenant with this name; `None` if there is none, and the entry is to be skipped.
    fn known_tenant(
        &mut self,
        at: EntryPath,
        name: String,
    ) -> Result<Option<TenantName>, SeedError> {
        let known = TenantName::new(name).filter(|name| self.tenants.contains(name));
        if known.is_none() {
            self.findings.skip(
                self.rules,
                at,
                "tenant",
                "there is no such tenant in the file",
            )?;
        }
        Ok(known)
    }

    /// The tenant and the profile that an entry belongs to; `None` if one is missing, and the entry is to be skipped.
    fn known_owner(
        &mut self,
        at: EntryPath,
        tenant: String,
        Id(profile_id): Id,
    ) -> Result<Option<(TenantName, ObjectId)>, SeedError> {
        let profile_id = ObjectId::parse(&profile_id)
            .ok_or_else(|| at.refuse("profileId", "it is not 24 hexadecimal digits"))?;
        let Some(tenant) = self.known_tenant(at, tenant)? else {
            return Ok(None);
        };
        match self.profiles.get(&profile_id) {
            Some(owner) if *owner == tenant => Ok(Some((tenant, profile_id))),
            Some(_) => Err(at.refuse("tenant", "the profile belongs to another tenant")),
            None => {
                self.findings.skip(
                    self.rules,
                    at,
                    "profileId",
                    "there is no such profile in the file",
                )?;
                Ok(None)
            }
        }
    }

    /// The date that a login was created, which its clients see. One in the future is kept: it may be the clock of the
    /// host that is wrong.
    fn creation(&mut self, at: EntryPath, field: &'static str, date: Option<Date>) -> Timestamp {
        let date = self.date(date);
        if date > self.now {
            self.findings.note_future(at, field);
        }
        date
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

fn unique(is_new: bool, at: EntryPath, field: &str) -> Result<(), SeedError> {
    if is_new {
        Ok(())
    } else {
        Err(at.refuse(field, "an earlier entry has the same one"))
    }
}
