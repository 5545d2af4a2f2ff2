//! Loading a seed file into an empty database: all of it in one transaction, or nothing.

use std::collections::{HashMap, HashSet};
use std::fmt;

use crate::app::App;
use crate::clock::Timestamp;
use crate::domain::access_token::{
    ACTION_NAMES, ANY, AccessToken, AccessTokenId, TenantPermission,
};
use crate::domain::device::Device;
use crate::domain::login_state::LoginState;
use crate::domain::object_id::ObjectId;
use crate::domain::password::PasswordHash;
use crate::domain::persistent_login::{PersistentLogin, PersistentLoginId, Token};
use crate::domain::profile::Profile;
use crate::domain::tenant::{AttributeDefinition, AttributePermission, Tenant, TenantName};
use crate::entropy::Entropy;
use crate::error::Failure;
use crate::service::bootstrap::seed_error::SeedError;
use crate::service::bootstrap::seed_file::{
    AccessTokenEntry, AttributeDefinitionEntry, Date, Id, PersistentLoginEntry, ProfileEntry,
    SeedFile, TenantEntry, TenantPermissionEntry,
};
use crate::service::bootstrap::token_file::GeneratedToken;
use crate::storage::transaction::Read;
use crate::storage::transaction::write_txn::WriteTxn;
use crate::tables::access_token::{self, DigestedId, SealedId};
use crate::tables::{persistent_login, profile, tenant};

/// How many warnings of a file are kept.
const WARNINGS_MAX: usize = 20;

/// The checked entries of a seed file: ids are unique, and every tenant and profile that is referred to exists.
#[derive(Debug)]
pub struct Seed {
    access_tokens: Vec<(DigestedId, AccessToken)>,
    tenants: Vec<Tenant>,
    profiles: Vec<Profile>,
    logins: Vec<PersistentLogin>,
    /// The access tokens whose ids were generated because the file has none.
    generated: Vec<GeneratedToken>,
    warnings: Vec<String>,
}

/// How many entries of each kind there are. Displayed as text for who loads them.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SeedCounts {
    profiles: usize,
    logins: usize,
    tenants: usize,
    access_tokens: usize,
}

impl SeedCounts {
    /// How many entries there are.
    pub fn total(&self) -> usize {
        self.profiles + self.logins + self.tenants + self.access_tokens
    }
}

impl fmt::Display for SeedCounts {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let counts = [
            (self.profiles, "profile"),
            (self.logins, "login"),
            (self.tenants, "tenant"),
            (self.access_tokens, "access token"),
        ];
        for (at, (count, name)) in counts.into_iter().enumerate() {
            let comma = if at > 0 { ", " } else { "" };
            let plural = if count == 1 { "" } else { "s" };
            write!(formatter, "{comma}{count} {name}{plural}")?;
        }
        Ok(())
    }
}

/// Loads `seed`, if the database is empty. A large one takes long, so there is no timeout. Returns whether the
/// database was empty.
///
/// # Errors
///
/// Failures of the storage.
pub async fn load(app: &App, seed: Seed) -> Result<bool, Failure> {
    let keys = app.keys.get()?;
    let seal_id = |(id, _): &(DigestedId, _)| SealedId::seal(keys, app.entropy.bytes(), id);
    let ids: Vec<_> = seed.access_tokens.iter().map(seal_id).collect();
    let timeline = app.clock.now().timeline;
    let import =
        |login: &PersistentLogin| LoginState::import(login, &timeline, keys, app.entropy.bytes());
    let logins: Vec<_> = seed.logins.iter().map(import).collect();
    app.store
        .write(move |txn| {
            let is_empty = is_empty(txn)?;
            if is_empty {
                seed.put(txn, &ids, &logins)?;
            }
            Ok(is_empty)
        })
        .await
}

/// Whether the database has no record of the kinds that a seed file has.
///
/// # Errors
///
/// Failures of the storage.
pub fn is_empty(txn: &impl Read) -> Result<bool, Failure> {
    Ok(access_token::is_empty(txn)?
        && tenant::is_empty(txn)?
        && profile::is_empty(txn)?
        && persistent_login::is_empty(txn)?)
}

impl Seed {
    /// Checks a seed file's entries, also against each other. Ids that are missing are generated, and dates that
    /// are missing are `now`.
    ///
    /// # Errors
    ///
    /// For the first invalid entry, with its path in the file.
    pub fn check(file: SeedFile, now: Timestamp, entropy: &Entropy) -> Result<Self, SeedError> {
        let mut check = Check::new(now, entropy);
        let tenants = each("tenant", file.tenant, |at, entry| check.tenant(at, entry))?;
        let profiles = each("profile", file.profile, |at, entry| {
            check.profile(at, entry)
        })?;
        let logins = each("persistentlogin", file.persistentlogin, |at, entry| {
            check.login(at, entry)
        })?;
        let access_tokens = each("accesstoken", file.accesstoken, |at, entry| {
            check.access_token(at, entry)
        })?;
        Ok(Self {
            access_tokens,
            tenants,
            profiles,
            logins,
            generated: check.generated,
            warnings: check.warnings,
        })
    }

    /// The access tokens whose ids were generated. Nothing else has these ids.
    pub fn generated(&self) -> &[GeneratedToken] {
        &self.generated
    }

    /// What is valid and does not do what it seems to: permissions for a tenant that is not there, or for an action that
    /// there is not. Only the first of them are here.
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }

    /// How many entries it has.
    pub fn counts(&self) -> SeedCounts {
        SeedCounts {
            profiles: self.profiles.len(),
            logins: self.logins.len(),
            tenants: self.tenants.len(),
            access_tokens: self.access_tokens.len(),
        }
    }

    /// Whether it has the access token with this id.
    pub fn has_access_token(&self, id: &str) -> bool {
        let mut tokens = self.access_tokens.iter();
        tokens.any(|(own, _)| own.id.reveal() == id)
    }

    fn put(&self, txn: &WriteTxn, ids: &[SealedId], logins: &[LoginState]) -> Result<(), Failure> {
        for ((id, token), sealed) in self.access_tokens.iter().zip(ids) {
            access_token::put(txn, id, sealed, token)?;
        }
        for entry in &self.tenants {
            tenant::put(txn, entry)?;
        }
        for entry in &self.profiles {
            profile::put(txn, entry)?;
        }
        for login in logins {
            persistent_login::create(txn, login, &Device::default())?;
        }
        Ok(())
    }
}

fn each<E, T>(
    list: &'static str,
    entries: Vec<E>,
    mut check: impl FnMut(EntryPath, E) -> Result<T, SeedError>,
) -> Result<Vec<T>, SeedError> {
    entries
        .into_iter()
        .enumerate()
        .map(|(index, entry)| check(EntryPath { list, index }, entry))
        .collect()
}

/// The path of an entry in the file, like `profile[3]`.
#[derive(Clone, Copy)]
struct EntryPath {
    list: &'static str,
    index: usize,
}

impl EntryPath {
    fn refuse(self, field: &str, what: impl fmt::Display) -> SeedError {
        SeedError::at(format_args!("{}[{}].{field}", self.list, self.index), what)
    }
}

/// The entries that were checked so far, to find duplicates and dangling references.
struct Check<'a> {
    now: Timestamp,
    entropy: &'a Entropy,
    access_token_ids: HashSet<String>,
    tenants: HashSet<TenantName>,
    tenant_ids: HashSet<ObjectId>,
    profiles: HashMap<ObjectId, TenantName>,
    usernames: HashSet<(TenantName, String)>,
    login_ids: HashSet<PersistentLoginId>,
    generated: Vec<GeneratedToken>,
    warnings: Vec<String>,
}

impl<'a> Check<'a> {
    fn new(now: Timestamp, entropy: &'a Entropy) -> Self {
        Self {
            now,
            entropy,
            access_token_ids: HashSet::new(),
            tenants: HashSet::new(),
            tenant_ids: HashSet::new(),
            profiles: HashMap::new(),
            usernames: HashSet::new(),
            login_ids: HashSet::new(),
            generated: Vec::new(),
            warnings: Vec::new(),
        }
    }

    fn access_token(
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
        };
        Ok((DigestedId::new(id), token))
    }

    fn check_permission(&mut self, at: EntryPath, number: usize, entry: &TenantPermissionEntry) {
        let mut warn = |field: &str, what: String| {
            if self.warnings.len() < WARNINGS_MAX {
                let path = format_args!(
                    "{}[{}].tenantPermissions[{number}].{field}",
                    at.list, at.index
                );
                self.warnings.push(format!("{path}: {what}"));
            }
        };
        let tenant = entry.tenant.as_str();
        let is_known = TenantName::new(tenant).is_some_and(|name| self.tenants.contains(&name));
        if tenant != ANY && !is_known {
            warn(
                "tenant",
                format!("there is no tenant {tenant:?} in the file"),
            );
        }
        for action in entry.allowed_actions.iter().map(String::as_str) {
            if action != ANY && !ACTION_NAMES.contains(&action) {
                let known = ACTION_NAMES.join(", ");
                let what =
                    format!("there is no action {action:?}; the actions are {known} and {ANY}");
                warn("allowedActions", what);
            }
        }
    }

    fn tenant(&mut self, at: EntryPath, entry: TenantEntry) -> Result<Tenant, SeedError> {
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

    fn profile(&mut self, at: EntryPath, entry: ProfileEntry) -> Result<Profile, SeedError> {
        let id = self.object_id(at, entry.id)?;
        let tenant = self.known_tenant(at, entry.tenant)?;
        let is_new = self.profiles.insert(id, tenant.clone()).is_none();
        unique(is_new, at, "_id")?;
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
                        "it is not of the form base64(hash)|base64(salt)",
                    )
                })
            })
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
            attributes: entry.attributes,
        })
    }

    fn login(
        &mut self,
        at: EntryPath,
        entry: PersistentLoginEntry,
    ) -> Result<PersistentLogin, SeedError> {
        let id = match entry.id {
            Some(Id(text)) => PersistentLoginId::parse(&text)
                .ok_or_else(|| at.refuse("_id", "it is not a UUID"))?,
            None => PersistentLoginId::new(self.entropy.uuid()),
        };
        unique(self.login_ids.insert(id), at, "_id")?;
        let Id(profile_id) = entry.profile_id;
        let profile_id = ObjectId::parse(&profile_id)
            .ok_or_else(|| at.refuse("profileId", "it is not 24 hexadecimal digits"))?;
        let tenant = self.known_tenant(at, entry.tenant)?;
        match self.profiles.get(&profile_id) {
            Some(owner) if *owner == tenant => {}
            Some(_) => {
                return Err(at.refuse("tenant", "the profile belongs to another tenant"));
            }
            None => return Err(at.refuse("profileId", "there is no such profile in the file")),
        }
        let token =
            Token::parse(&entry.token).ok_or_else(|| at.refuse("token", "it is not a UUID"))?;
        Ok(PersistentLogin {
            id,
            tenant,
            profile_id,
            token,
            timestamp: self.date(entry.timestamp),
        })
    }

    fn object_id(&self, at: EntryPath, id: Option<Id>) -> Result<ObjectId, SeedError> {
        match id {
            Some(Id(text)) => ObjectId::parse(&text)
                .ok_or_else(|| at.refuse("_id", "it is not 24 hexadecimal digits")),
            None => Ok(ObjectId::new(self.now, self.entropy.bytes())),
        }
    }

    fn known_tenant(&self, at: EntryPath, name: String) -> Result<TenantName, SeedError> {
        TenantName::new(name)
            .filter(|name| self.tenants.contains(name))
            .ok_or_else(|| at.refuse("tenant", "there is no such tenant in the file"))
    }

    fn date(&self, date: Option<Date>) -> Timestamp {
        date.map_or(self.now, |Date(date)| date)
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

#[cfg(test)]
mod properties;

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    const PROFILE: &str = "5925a68def86951f895cf497";
    const LOGIN: &str = "b68c0013-d7b2-4004-8463-d7ba03e15d94";

    fn whole() -> Value {
        json!({
            "accesstoken": [{"_id": "a", "application": "shop"}],
            "tenant": [{"name": "default"}],
            "profile": [{"_id": PROFILE, "username": "jdoe", "enabled": true, "tenant": "default"}],
            "persistentlogin": [
                {"_id": LOGIN, "tenant": "default", "profileId": {"$oid": PROFILE}, "token": LOGIN}
            ],
        })
    }

    fn check(file: &Value) -> Result<Seed, String> {
        let file =
            SeedFile::parse(file.to_string().as_bytes()).map_err(|error| error.to_string())?;
        Seed::check(file, Timestamp::from_millis(77), &Entropy::seeded(1))
            .map_err(|error| error.to_string())
    }

    #[test]
    fn missing_ids_and_dates_are_generated() {
        let mut file = whole();
        file["accesstoken"] = json!([{"application": "shop"}]);
        let seed = check(&file).expect("a valid file");
        assert_eq!(seed.generated.len(), 1);
        assert_eq!(seed.logins[0].timestamp, Timestamp::from_millis(77));
        assert_eq!(seed.profiles[0].created_on, Timestamp::from_millis(77));
    }

    #[test]
    fn an_invalid_entry_is_refused_with_its_path() {
        let cases = [
            ("/accesstoken/0/_id", json!(""), "accesstoken[0]._id: "),
            ("/tenant/0/name", json!(""), "tenant[0].name: "),
            ("/profile/0/_id", json!("xyz"), "profile[0]._id: "),
            ("/profile/0/tenant", json!("other"), "profile[0].tenant: "),
            ("/profile/0/username", json!(""), "profile[0].username: "),
            (
                "/persistentlogin/0/_id",
                json!("7"),
                "persistentlogin[0]._id: ",
            ),
            (
                "/persistentlogin/0/token",
                json!("7"),
                "persistentlogin[0].token: ",
            ),
            (
                "/persistentlogin/0/tenant",
                json!("x"),
                "persistentlogin[0].tenant: ",
            ),
            (
                "/persistentlogin/0/profileId",
                json!("000000000000000000000000"),
                "persistentlogin[0].profileId: ",
            ),
        ];
        for (pointer, value, path) in cases {
            let mut file = whole();
            *file.pointer_mut(pointer).expect(pointer) = value;
            let refusal = check(&file).expect_err(pointer);
            assert!(refusal.starts_with(path), "{refusal}");
        }
    }

    #[test]
    fn a_clear_text_password_is_refused() {
        let mut file = whole();
        file["profile"][0]["password"] = json!("secret");
        let refusal = check(&file).expect_err("a password must be a hash");
        assert!(refusal.starts_with("profile[0].password: "), "{refusal}");
        assert!(!refusal.contains("secret"));
    }

    #[test]
    fn a_permission_for_what_is_not_there_is_a_warning() {
        let mut file = whole();
        file["accesstoken"][0]["tenantPermissions"] = json!([
            {"tenant": "*", "allowedActions": ["*"]},
            {"tenant": "default", "allowedActions": ["MANAGE_TICKETS", "READ_TENANT"]},
            {"tenant": "defualt", "allowedActions": ["manage_tickets"]},
        ]);
        let seed = check(&file).expect("a valid file");
        let expected = [
            "accesstoken[0].tenantPermissions[2].tenant: there is no tenant \"defualt\" in the file",
            "accesstoken[0].tenantPermissions[2].allowedActions: there is no action \"manage_tickets\"; the actions are \
             MANAGE_TICKETS, MANAGE_PROFILES, CREATE_TENANT, READ_TENANT, UPDATE_TENANT, DELETE_TENANT, CREATE_TOKEN, \
             READ_TOKEN, DELETE_TOKEN and *",
        ];
        assert_eq!(seed.warnings(), expected);
    }

    #[test]
    fn duplicates_are_refused() {
        for list in ["accesstoken", "tenant", "profile", "persistentlogin"] {
            let mut file = whole();
            let entries = file[list].as_array_mut().expect("a list");
            entries.push(entries[0].clone());
            let refusal = check(&file).expect_err(list);
            assert!(refusal.starts_with(&format!("{list}[1].")), "{refusal}");
        }
    }
}
