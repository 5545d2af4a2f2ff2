//! The plain model: what the operations do, from the wire contract.

use std::collections::{BTreeMap, BTreeSet};

use rememberd::testing::Timestamp;

use crate::accounts::operation::{Answer, Change, Created, Operation, Success, Update, email};
use crate::accounts::state::{KnownIds, ProfileState, State, TenantState};
use crate::accounts::{LOCK_AFTER, LOCK_TIME, TICKET_IDLE_MAX};

/// What there is.
#[derive(Clone, Default, Debug)]
pub struct Model {
    /// The time in milliseconds.
    pub now: i64,
    pub known: KnownIds,
    tenants: Vec<TenantState>,
    profiles: BTreeMap<String, Profile>,
    tickets: BTreeMap<String, Ticket>,
    /// The profile of each login, and its token.
    logins: BTreeMap<String, (String, String)>,
    tokens: BTreeSet<String>,
}

#[derive(Clone, Debug)]
struct Profile {
    state: ProfileState,
    password: Option<u8>,
    failures: u32,
    locked: Option<i64>,
}

#[derive(Clone, Debug)]
struct Ticket {
    profile: String,
    last_request: i64,
    /// What a crash leaves of it.
    saved: i64,
}

/// What the operation returned that the model does not foresee: an id, and a token.
type Given<'a> = Option<(&'a str, &'a str)>;

impl Model {
    pub fn new(now: Timestamp) -> Self {
        Self {
            now: now.as_millis(),
            ..Self::default()
        }
    }

    /// Carries out the operation, which returned `answer`.
    pub fn apply(&mut self, context: &str, operation: &Operation, answer: &Answer) {
        let given = match answer {
            Ok(Success::Id(id)) => Some((&**id, "")),
            Ok(Success::Profile(profile)) => Some((&*profile.id, "")),
            Ok(Success::Login(id, token)) => Some((&**id, &**token)),
            _ => None,
        };
        let expected = self.expect(operation, given);
        assert_eq!(*answer, expected, "{context}");
    }

    /// Carries out the operation, whose answer was lost and which led to `found`. An id that nobody knows is nowhere to
    /// be seen but in a profile.
    pub fn apply_unanswered(&mut self, operation: &Operation, found: &State) {
        let created = match operation {
            Operation::CreateProfile(created) => {
                let name = (created.tenant.to_owned(), created.username.to_owned());
                found.profiles.get(&name).map(|(profile, _)| &*profile.id)
            }
            _ => None,
        };
        // What it would have answered is not needed.
        drop(self.expect(operation, created.map(|id| (id, ""))));
    }

    /// What remains after a crash.
    pub fn crash(&mut self) {
        for ticket in self.tickets.values_mut() {
            ticket.last_request = ticket.saved;
        }
    }

    /// All that can be seen.
    pub fn state(&self) -> State {
        let mut state = State {
            tenants: self.tenants.clone(),
            ids: self.profiles.keys().cloned().collect(),
            tokens: self.tokens.clone(),
            ..State::default()
        };
        for tenant in crate::accounts::draw::TENANTS {
            state.counts.insert(tenant.to_owned(), 0);
        }
        for Profile {
            state: profile,
            failures,
            ..
        } in self.profiles.values()
        {
            let name = (profile.tenant.clone(), profile.username.clone());
            *state.counts.entry(profile.tenant.clone()).or_default() += 1;
            state.profiles.insert(name, (profile.clone(), *failures));
        }
        for (id, ticket) in &self.tickets {
            if self.is_valid(ticket) {
                state.tickets.insert(id.clone());
            }
        }
        for (id, (_, token)) in &self.logins {
            state.logins.insert(id.clone(), token.clone());
        }
        state
    }

    pub fn profile_ids(&self) -> impl Iterator<Item = &String> {
        self.profiles.keys()
    }

    pub fn ticket_ids(&self) -> impl Iterator<Item = &String> {
        self.tickets.keys()
    }

    pub fn login_ids(&self) -> impl Iterator<Item = &String> {
        self.logins.keys()
    }

    /// The password of a profile, with its tenant and username.
    pub fn credentials(&self, id: &str) -> Option<(&str, &str, Option<u8>)> {
        let found = self.profiles.get(id)?;
        Some((&found.state.tenant, &found.state.username, found.password))
    }

    fn is_valid(&self, ticket: &Ticket) -> bool {
        let idle_max = i64::try_from(TICKET_IDLE_MAX.as_millis()).expect("it is short");
        self.now - ticket.last_request < idle_max
    }

    fn expect(&mut self, operation: &Operation, given: Given) -> Answer {
        match operation {
            Operation::CreateTenant(name) => self.create_tenant(name),
            Operation::DeleteTenant(name) => {
                self.tenants.retain(|tenant| tenant.name != *name);
                let ids = self.profiles.iter();
                let ids = ids.filter(|(_, found)| found.state.tenant == *name);
                let ids: Vec<_> = ids.map(|(id, _)| id.clone()).collect();
                for id in ids {
                    self.delete_profile(&id);
                }
                Ok(Success::Done)
            }
            Operation::ChangeTenant(name, change) => self.change_tenant(name, change),
            Operation::CreateProfile(created) => self.create_profile(created, given),
            Operation::UpdateProfile(id, update) => self.update_profile(id, update),
            Operation::SetEnabled(id, is_enabled) => self.update_profile(
                id,
                &Update {
                    is_enabled: Some(*is_enabled),
                    ..Update::default()
                },
            ),
            Operation::AddRoles(id, roles) => self.change_profile(id, |profile| {
                let roles = roles.iter().map(|&role| role.to_owned());
                profile.roles.extend(roles);
            }),
            Operation::RemoveRoles(id, roles) => self.change_profile(id, |profile| {
                profile.roles.retain(|role| !roles.contains(&&**role));
            }),
            Operation::SetAttributes(id, attributes) => self.update_profile(
                id,
                &Update {
                    attributes: attributes.clone(),
                    ..Update::default()
                },
            ),
            Operation::RemoveAttributes(id, names) => {
                self.require_defined(id, names)?;
                self.change_profile(id, |profile| {
                    profile
                        .attributes
                        .retain(|name, _| !names.contains(&&**name));
                })
            }
            Operation::DeleteProfile(id) => {
                self.delete_profile(id);
                Ok(Success::Done)
            }
            Operation::SignIn(tenant, username, password) => {
                self.sign_in(tenant, username, *password, given)
            }
            Operation::CreateTicket(profile) => {
                self.require_enabled(profile)?;
                Ok(self.create_ticket(profile, given))
            }
            Operation::ReadTicket(id) => {
                let id = self.valid_ticket(id).ok_or("NotFound")?;
                let now = self.now;
                let ticket = self.tickets.get_mut(&id).ok_or("NotFound")?;
                ticket.last_request = now.max(ticket.last_request + 1);
                Ok(Success::Time(ticket.last_request))
            }
            Operation::Invalidate(id) => {
                if let Some(id) = self.valid_ticket(id) {
                    self.tickets.remove(&id);
                }
                Ok(Success::Done)
            }
            Operation::CreateLogin(profile) => {
                self.require_enabled(profile)?;
                let (id, token) = given.unwrap_or_default();
                if given.is_some() {
                    self.known.logins.insert(id.to_owned());
                    let login = (profile.clone(), token.to_owned());
                    self.logins.insert(id.to_owned(), login);
                }
                Ok(Success::Login(id.to_owned(), token.to_owned()))
            }
            Operation::Refresh(id) => {
                let login = self.logins.get_mut(id).ok_or("NotFound")?;
                let (_, token) = given.unwrap_or_default();
                let replaced = std::mem::replace(&mut login.1, token.to_owned());
                assert_ne!(replaced, token, "a refresh replaces the token");
                Ok(Success::Login(id.clone(), token.to_owned()))
            }
            Operation::CreateToken(name) => match self.tokens.insert((*name).to_owned()) {
                true => Ok(Success::Done),
                false => Err("Exists".to_owned()),
            },
            Operation::DeleteToken(name) => {
                self.tokens.remove(*name);
                Ok(Success::Done)
            }
            Operation::UseToken(name, profile) => {
                if !self.tokens.contains(*name) {
                    return Err("TokenUnknown".to_owned());
                }
                let found = self.profiles.get(profile).ok_or("NotFound")?;
                Ok(Success::Profile(found.state.clone()))
            }
            Operation::SaveRequests => {
                for ticket in self.tickets.values_mut() {
                    ticket.saved = ticket.last_request;
                }
                Ok(Success::Done)
            }
            Operation::RemoveExpired | Operation::CarryOutSweeps | Operation::RemoveEnded => {
                Ok(Success::Done)
            }
        }
    }

    fn create_tenant(&mut self, name: &str) -> Answer {
        if self.tenant(name).is_some() {
            return Err("Exists".to_owned());
        }
        let created = TenantState {
            name: name.to_owned(),
            roles: BTreeSet::new(),
            definitions: Vec::new(),
        };
        self.tenants.push(created.clone());
        Ok(Success::Tenant(created))
    }

    fn change_tenant(&mut self, name: &str, change: &Change) -> Answer {
        let mut tenants = self.tenants.iter_mut();
        let tenant = tenants.find(|tenant| tenant.name == name);
        let tenant = tenant.ok_or("NotFound")?;
        let mut lost_roles = BTreeSet::new();
        let mut lost_attributes = BTreeSet::new();
        let mut gives_defaults = false;
        let before = tenant.clone();
        match change {
            Change::AddRoles(roles) => {
                let roles = roles.iter().map(|&role| role.to_owned());
                tenant.roles.extend(roles);
            }
            Change::RemoveRoles(roles) => {
                lost_roles.extend(roles.iter().map(|&role| role.to_owned()));
            }
            Change::AddDefinitions(added) => {
                gives_defaults = true;
                add_definitions(tenant, added);
            }
            Change::UpdateDefinitions(changed) => {
                for (name, default) in changed {
                    let mut found = tenant.definitions.iter_mut();
                    if let Some(found) = found.find(|found| found.0 == *name) {
                        found.1 = default.map(|value| value.to_string());
                    }
                }
            }
            Change::RemoveDefinitions(names) => {
                lost_attributes.extend(names.iter().map(|&name| name.to_owned()));
            }
            Change::Replace(roles, definitions) => {
                gives_defaults = true;
                tenant.roles = roles.iter().map(|&role| role.to_owned()).collect();
                tenant.definitions.clear();
                add_definitions(tenant, definitions);
                lost_roles = &before.roles - &tenant.roles;
                let is_lost = |name: &String| tenant.definitions.iter().all(|kept| kept.0 != *name);
                let names = before.definitions.iter().map(|(name, _)| name.clone());
                lost_attributes = names.filter(is_lost).collect();
            }
        }
        tenant.roles.retain(|role| !lost_roles.contains(role));
        let definitions = &mut tenant.definitions;
        definitions.retain(|(name, _)| !lost_attributes.contains(name));
        for profile in self.profiles.values_mut() {
            let profile = &mut profile.state;
            if profile.tenant == name {
                profile.roles.retain(|role| !lost_roles.contains(role));
                let attributes = &mut profile.attributes;
                attributes.retain(|name, _| !lost_attributes.contains(name));
                if gives_defaults {
                    add_defaults(tenant, profile);
                }
            }
        }
        Ok(Success::Tenant(tenant.clone()))
    }

    fn create_profile(&mut self, created: &Created, given: Given) -> Answer {
        let tenant = self.tenant(created.tenant).ok_or("NoSuchTenant")?.clone();
        require_all(&tenant, created.attributes.iter().map(|(name, _)| *name))?;
        self.require_free(created.tenant, created.username)?;
        let (id, _) = given.unwrap_or_default();
        let mut state = ProfileState {
            id: id.to_owned(),
            tenant: created.tenant.to_owned(),
            username: created.username.to_owned(),
            email: email(created.email),
            is_enabled: created.is_enabled,
            last_modified: self.now,
            roles: created.roles.iter().map(|&role| role.to_owned()).collect(),
            attributes: BTreeMap::new(),
        };
        set_attributes(&mut state, &created.attributes);
        add_defaults(&tenant, &mut state);
        self.known.profiles.insert(id.to_owned());
        let profile = Profile {
            state: state.clone(),
            password: created.password,
            failures: 0,
            locked: None,
        };
        self.profiles.insert(id.to_owned(), profile);
        Ok(Success::Profile(state))
    }

    fn update_profile(&mut self, id: &str, update: &Update) -> Answer {
        let names: Vec<_> = update.attributes.iter().map(|(name, _)| *name).collect();
        self.require_defined(id, &names)?;
        let before = self.profiles[id].state.clone();
        if let Some(username) = update.username.filter(|name| *name != before.username) {
            self.require_free(&before.tenant, username)?;
        }
        if update.password.is_some() || update.is_enabled == Some(false) {
            self.end_access(id);
        }
        if let Some(found) = self.profiles.get_mut(id) {
            found.password = update.password.or(found.password);
        }
        self.change_profile(id, |profile| {
            if let Some(username) = update.username {
                profile.username = username.to_owned();
            }
            if let Some(number) = update.email {
                profile.email = email(number);
            }
            profile.is_enabled = update.is_enabled.unwrap_or(profile.is_enabled);
            if let Some(roles) = &update.roles {
                profile.roles = roles.iter().map(|&role| role.to_owned()).collect();
            }
            set_attributes(profile, &update.attributes);
        })
    }

    fn change_profile(&mut self, id: &str, change: impl FnOnce(&mut ProfileState)) -> Answer {
        let now = self.now;
        let found = self.profiles.get_mut(id).ok_or("NotFound")?;
        change(&mut found.state);
        found.state.last_modified = now;
        Ok(Success::Profile(found.state.clone()))
    }

    fn delete_profile(&mut self, id: &str) {
        self.end_access(id);
        self.profiles.remove(id);
    }

    fn end_access(&mut self, profile: &str) {
        self.tickets.retain(|_, ticket| ticket.profile != profile);
        self.logins.retain(|_, (owner, _)| owner != profile);
    }

    fn sign_in(&mut self, tenant: &str, username: &str, password: u8, given: Given) -> Answer {
        let lock_time = i64::try_from(LOCK_TIME.as_millis()).expect("it is short");
        let now = self.now;
        let mut profiles = self.profiles.values_mut();
        let found = profiles
            .find(|found| found.state.tenant == tenant && found.state.username == username)
            .ok_or("BadCredentials")?;
        if !found.state.is_enabled {
            return Err("Disabled".to_owned());
        }
        if found.locked.is_some_and(|since| now - since < lock_time) {
            return Err("Locked".to_owned());
        }
        found.state.last_modified = now;
        if found.password != Some(password) {
            found.failures += 1;
            found.locked = (found.failures >= LOCK_AFTER).then_some(now);
            return Err("BadCredentials".to_owned());
        }
        found.failures = 0;
        found.locked = None;
        let id = found.state.id.clone();
        Ok(self.create_ticket(&id, given))
    }

    fn create_ticket(&mut self, profile: &str, given: Given) -> Success {
        let (id, _) = given.unwrap_or_default();
        if given.is_some() {
            self.known.tickets.insert(id.to_owned());
            let ticket = Ticket {
                profile: profile.to_owned(),
                last_request: self.now,
                saved: self.now,
            };
            self.tickets.insert(id.to_owned(), ticket);
        }
        Success::Id(id.to_owned())
    }

    fn valid_ticket(&self, id: &str) -> Option<String> {
        let ticket = self.tickets.get(id)?;
        self.is_valid(ticket).then(|| id.to_owned())
    }

    fn tenant(&self, name: &str) -> Option<&TenantState> {
        self.tenants.iter().find(|tenant| tenant.name == name)
    }

    fn require_enabled(&self, id: &str) -> Result<(), String> {
        let found = self.profiles.get(id).ok_or("NotFound")?;
        let is_enabled = found.state.is_enabled;
        is_enabled.then_some(()).ok_or("Disabled".to_owned())
    }

    fn require_defined(&self, id: &str, names: &[&str]) -> Result<(), String> {
        let found = self.profiles.get(id).ok_or("NotFound")?;
        let tenant = self.tenant(&found.state.tenant).ok_or("no tenant")?;
        require_all(tenant, names.iter().copied())
    }

    fn require_free(&self, tenant: &str, username: &str) -> Result<(), String> {
        let mut profiles = self.profiles.values();
        let is_taken =
            profiles.any(|found| found.state.tenant == tenant && found.state.username == username);
        (!is_taken).then_some(()).ok_or("UsernameTaken".to_owned())
    }
}

fn require_all<'a>(
    tenant: &TenantState,
    mut names: impl Iterator<Item = &'a str>,
) -> Result<(), String> {
    let is_defined = |name: &str| tenant.definitions.iter().any(|found| found.0 == name);
    let are_defined = names.all(is_defined);
    are_defined
        .then_some(())
        .ok_or("AttributeNotDefined".to_owned())
}

fn add_definitions(tenant: &mut TenantState, added: &[(&str, Option<u32>)]) {
    for (name, default) in added {
        if tenant.definitions.iter().all(|found| found.0 != *name) {
            let default = default.map(|value| value.to_string());
            tenant.definitions.push(((*name).to_owned(), default));
        }
    }
}

fn add_defaults(tenant: &TenantState, profile: &mut ProfileState) {
    for (name, default) in &tenant.definitions {
        if let Some(default) = default {
            let value = profile.attributes.entry(name.clone());
            value.or_insert_with(|| default.clone());
        }
    }
}

fn set_attributes(profile: &mut ProfileState, attributes: &[(&str, u32)]) {
    for (name, value) in attributes {
        let (name, value) = ((*name).to_owned(), value.to_string());
        profile.attributes.insert(name, value);
    }
}
