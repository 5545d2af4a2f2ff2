//! A model of the service of persistent logins as a plain map: the wire contract with its permissions and
//! order of checks, compare and rotate, and the other settings.

use std::cmp::Reverse;
use std::collections::{BTreeMap, HashSet};

use rememberd::testing::{
    AccessRefusal, Device, DeviceUpdate, Event, ExpectedOwner, Generation, ListedLogin, LoginError,
    LoginKey, ObjectId, PersistentLoginId, PersistentLoginRefusal, ProfileRefusal, ProfileStatus,
    Reason, ReuseRevokes, Revoked, TenantName, Timestamp, Token,
    service::persistent_login::RefreshOptions,
};
use uuid::Uuid;

use crate::support::generations::{Generations, Row};
use crate::support::login::{Login, Rotation};
use crate::support::settings::{CLEANER_BATCH_MAX, CLEANER_WALK_MAX, MAX_AGE, Settings};
use crate::support::test_caller::{TOKEN_EXPIRY, TOKEN_EXPIRY_DAY, TestCaller};

/// The one tenant that has a record. Those of profiles need none.
pub const TENANT: &str = "default";

/// The expected state of the services.
#[derive(Clone)]
pub struct Model {
    pub now: Timestamp,
    pub settings: Settings,
    /// By their ids in lower case, in which a caller need not give them.
    pub logins: BTreeMap<String, Login>,
    pub devices: BTreeMap<String, Device>,
    /// All tokens of each login, in the order of their generations; logins that do not exist any more are
    /// included, and tokens that the database has lost.
    pub tokens: BTreeMap<String, Vec<Token>>,
    /// The generations of each login, as the database knows them.
    pub generations: BTreeMap<String, Generations>,
    /// By their ids in lower case; `None` for a deleted one.
    pub profiles: BTreeMap<String, Option<ProfileStatus>>,
    /// The ids of existing profiles by tenant and username.
    pub usernames: BTreeMap<(TenantName, String), ObjectId>,
    /// The expected events of the audit log, in order.
    pub events: Vec<Event>,
    /// Every token and every login id that was returned: each must be unique.
    issued: HashSet<Uuid>,
}

/// The result of a refresh that is not refused.
#[derive(Clone, Debug)]
pub enum Refreshed {
    /// A new token in place of this login's, which is of this row.
    Rotated(Login, Rotates),
    /// This login, unchanged.
    Unchanged(Login),
}

/// Which row of the table a rotation is of.
#[derive(Clone, Copy, Debug)]
pub enum Rotates {
    Current,
    WithoutToken,
    LostAnswer,
    Newer(Generation),
}

impl Model {
    pub fn new(now: Timestamp, settings: Settings) -> Self {
        Self {
            now,
            settings,
            logins: BTreeMap::new(),
            devices: BTreeMap::new(),
            tokens: BTreeMap::new(),
            generations: BTreeMap::new(),
            profiles: BTreeMap::new(),
            usernames: BTreeMap::new(),
            events: Vec::new(),
            issued: HashSet::new(),
        }
    }

    fn authenticate(&self, caller: TestCaller) -> Result<(), LoginError> {
        let id = caller.id().unwrap_or_default();
        match caller {
            TestCaller::Missing | TestCaller::Empty => Err(AccessRefusal::TokenMissing.into()),
            TestCaller::Unknown => Err(AccessRefusal::TokenUnknown { id }.into()),
            TestCaller::Expiring if self.now >= TOKEN_EXPIRY => Err(AccessRefusal::TokenExpired {
                id,
                application: "Expiring".to_owned(),
                expired_on: TOKEN_EXPIRY_DAY.to_owned(),
            }
            .into()),
            TestCaller::Expiring
            | TestCaller::Master
            | TestCaller::Tickets
            | TestCaller::Acme
            | TestCaller::Narrow => Ok(()),
        }
    }

    /// Returns the profile of the new login if the caller may create it.
    pub fn authorize_create(
        &self,
        caller: TestCaller,
        profile_id: &str,
    ) -> Result<(ObjectId, TenantName), LoginError> {
        let (id, status) = self.profile(caller, profile_id)?;
        check_permission(caller, "MANAGE_PROFILES", &status.tenant)?;
        check_permission(caller, "READ_TENANT", &status.tenant)?;
        check_permission(caller, "MANAGE_TICKETS", &status.tenant)?;
        check_enabled(&id.to_string(), &status)?;
        Ok((id, status.tenant))
    }

    /// Returns the profile of the new login if the caller may create it; none if it is to be created too.
    pub fn authorize_create_by_username(
        &self,
        caller: TestCaller,
        tenant: &TenantName,
        username: &str,
        creates_profile: bool,
    ) -> Result<Option<ObjectId>, LoginError> {
        self.authenticate(caller)?;
        check_permission(caller, "MANAGE_PROFILES", tenant)?;
        check_permission(caller, "READ_TENANT", tenant)?;
        check_permission(caller, "MANAGE_TICKETS", tenant)?;
        let key = (tenant.clone(), username.to_owned());
        if let Some(id) = self.usernames.get(&key) {
            let status = self.profiles[&id.to_string()].as_ref();
            check_enabled(&id.to_string(), status.expect("it exists"))?;
            return Ok(Some(*id));
        }
        let (tenant, username) = (tenant.as_str().to_owned(), username.to_owned());
        if !creates_profile {
            Err(ProfileRefusal::NoSuchUsername { tenant, username }.into())
        } else if tenant != TENANT {
            Err(ProfileRefusal::NoSuchTenant { name: tenant }.into())
        } else {
            Ok(None)
        }
    }

    /// Adds the profile that was created with a login. Returns whose login is expected.
    pub fn create_profile(
        &mut self,
        tenant: &TenantName,
        username: &str,
        expected: Result<Option<ObjectId>, LoginError>,
        result: &Result<Login, LoginError>,
    ) -> Result<(ObjectId, TenantName), LoginError> {
        let id = match (expected?, result) {
            (Some(id), _) => id,
            (None, Err(error)) => panic!("no login is created: {error:?}"),
            (None, Ok(login)) => {
                let id = login.profile_id;
                let is_used = self.profiles.contains_key(&id.to_string());
                assert!(!is_used, "a profile twice");
                self.add_profile(id, tenant, username);
                self.events.push(Event::CreateProfile);
                id
            }
        };
        Ok((id, tenant.clone()))
    }

    /// Adds an enabled profile.
    pub fn add_profile(&mut self, id: ObjectId, tenant: &TenantName, username: &str) {
        let status = ProfileStatus {
            enabled: true,
            tenant: tenant.clone(),
        };
        self.profiles.insert(id.to_string(), Some(status));
        let key = (tenant.clone(), username.to_owned());
        self.usernames.insert(key, id);
    }

    /// Removes a profile.
    pub fn remove_profile(&mut self, id: ObjectId) {
        self.profiles.insert(id.to_string(), None);
        self.usernames.retain(|_, other| *other != id);
    }

    /// Returns the profile if the access token is valid.
    fn profile(
        &self,
        caller: TestCaller,
        profile_id: &str,
    ) -> Result<(ObjectId, ProfileStatus), LoginError> {
        self.authenticate(caller)?;
        let id = profile_id.to_lowercase();
        let Some(Some(status)) = self.profiles.get(&id) else {
            let id = profile_id.to_owned();
            return Err(ProfileRefusal::NotFound { id }.into());
        };
        let id = ObjectId::parse(&id).expect("the model's ids are ids");
        Ok((id, status.clone()))
    }

    /// Asserts that the result of a creation is the expected one, and applies it.
    pub fn assert_created(
        &mut self,
        context: &str,
        expected: Result<(ObjectId, TenantName), LoginError>,
        device: Device,
        result: Result<Login, LoginError>,
    ) {
        let owner = |login: &Login| (login.profile_id, login.tenant.clone());
        assert_eq!(
            result.as_ref().map(owner),
            expected.as_ref().cloned(),
            "{context}"
        );
        if let Ok(login) = result {
            assert_eq!(login.timestamp, self.now, "{context}");
            self.revoke_over_cap(login.profile_id);
            self.events.push(Event::Create);
            self.add(context, login, device);
        }
    }

    /// Adds a new login.
    pub fn add(&mut self, context: &str, login: Login, device: Device) {
        let id = login.id.to_string();
        assert!(
            self.issued.insert(login.id.uuid()),
            "{context}: an id twice"
        );
        self.assert_new_token(context, login.token);
        self.tokens.insert(id.clone(), vec![login.token]);
        self.devices.insert(id.clone(), device);
        self.generations.insert(id.clone(), Generations::new());
        self.logins.insert(id, login);
    }

    fn assert_new_token(&mut self, context: &str, token: Token) {
        let is_new = self.issued.insert(token.reveal());
        assert!(is_new, "{context}: a token twice");
    }

    /// Asserts that a token is a new one, or the one that the database had lost.
    fn assert_next_token(&mut self, context: &str, id: &str, number: Generation, token: Token) {
        match self.tokens[id].get(number as usize) {
            Some(lost) => assert_eq!(token, *lost, "{context}"),
            None => {
                self.assert_new_token(context, token);
                self.tokens.entry(id.to_owned()).or_default().push(token);
            }
        }
        assert_eq!(
            self.tokens[id].get(number as usize),
            Some(&token),
            "{context}"
        );
    }

    /// The database is an earlier one again: the state of `backup`, with the tokens that were issued since.
    pub fn restore(&mut self, backup: &Self) {
        self.logins = backup.logins.clone();
        self.devices = backup.devices.clone();
        self.profiles = backup.profiles.clone();
        self.usernames = backup.usernames.clone();
        self.generations = backup.generations.clone();
        // What was forgotten under the settings of that time stays so.
        if backup.settings.grace != self.settings.grace {
            self.generations
                .values_mut()
                .for_each(Generations::change_grace);
        }
    }

    /// Other settings apply from now on.
    pub fn set(&mut self, settings: Settings) {
        if settings.grace != self.settings.grace {
            self.generations
                .values_mut()
                .for_each(Generations::change_grace);
        }
        self.settings = settings;
    }

    /// The key of all tokens is missing: every login has ended, as the cleaner finds out.
    pub fn lose_key(&mut self) {
        for login in self.logins.clone().values() {
            self.remove_or_expire(login, Event::Revocation(Reason::KeyMissing));
        }
    }

    /// Removes valid logins of the profile until one more is within the cap, but at most 16: the least recently used.
    fn revoke_over_cap(&mut self, profile_id: ObjectId) {
        let Some(cap) = self.settings.logins_per_profile_max else {
            return;
        };
        let mut logins = self.of_profile(profile_id);
        logins.retain(|login| self.is_valid(login));
        logins.sort_by_key(|login| (last_used(login), login.id));
        let ended = (logins.len() + 1).saturating_sub(cap).min(16);
        for login in &logins[..ended] {
            self.remove(login.id, Event::Revocation(Reason::Cap));
        }
    }

    /// All stored logins of the profile, including expired ones.
    fn of_profile(&self, profile_id: ObjectId) -> Vec<Login> {
        let logins = self.logins.values();
        logins
            .filter(|login| login.profile_id == profile_id)
            .cloned()
            .collect()
    }

    /// The first time at which the login is expired.
    pub fn expires(&self, login: &Login) -> Timestamp {
        let by_age = login.timestamp.plus(MAX_AGE);
        match self.settings.idle_max {
            None => by_age,
            Some(idle_max) => by_age.min(last_used(login).plus(idle_max)),
        }
    }

    pub fn is_valid(&self, login: &Login) -> bool {
        self.now < self.expires(login)
    }

    fn valid(&self, id: &str) -> Option<&Login> {
        self.logins
            .get(&id.to_lowercase())
            .filter(|login| self.is_valid(login))
    }

    /// Whether the login is that of the expected owner, if there is one.
    fn is_of(&self, login: &Login, expected: Option<&ExpectedOwner>) -> bool {
        let Some(expected) = expected else {
            return true;
        };
        let has_name = |username: &String| {
            let key = (login.tenant.clone(), username.clone());
            self.usernames.get(&key) == Some(&login.profile_id)
        };
        let profile_id = expected.profile_id.as_ref();
        profile_id.is_none_or(|id| id.to_lowercase() == login.profile_id.to_string())
            && expected
                .tenant
                .as_deref()
                .is_none_or(|name| name == login.tenant.as_str())
            && expected.username.as_ref().is_none_or(has_name)
    }

    pub fn authorize_read(
        &self,
        caller: TestCaller,
        id: &str,
        expected: Option<&ExpectedOwner>,
    ) -> Result<(Login, ProfileStatus), LoginError> {
        self.authenticate(caller)?;
        let found = self.valid(id).filter(|login| self.is_of(login, expected));
        let found = found.and_then(|login| {
            let status = self.profiles.get(&login.profile_id.to_string())?.clone()?;
            Some((login.clone(), status))
        });
        let Some((login, status)) = found else {
            let id = id.to_owned();
            return Err(PersistentLoginRefusal::NotFound { id }.into());
        };
        check_permission(caller, "MANAGE_TICKETS", &login.tenant)?;
        Ok((login, status))
    }

    /// The expected result of a refresh. Where the table allows two, `is_accepted` says which one was seen. If it
    /// is a reuse, the logins that it revokes are removed.
    pub fn refresh(
        &mut self,
        caller: TestCaller,
        id: &str,
        options: &RefreshOptions,
        is_accepted: bool,
    ) -> Result<Refreshed, LoginError> {
        let (login, status) = self.authorize_read(caller, id, options.expected.as_deref())?;
        check_enabled(&login.profile_id.to_string(), &status)?;
        let id = &login.id.to_string();
        let Some(presented) = options.presented else {
            if self.is_coalesced(id) {
                self.events.push(Event::Coalesced);
                return Ok(Refreshed::Unchanged(login));
            }
            return Ok(Refreshed::Rotated(login, Rotates::WithoutToken));
        };
        let Some(generation) = self.generation(id, presented) else {
            self.events.push(Event::UnknownToken);
            return Err(PersistentLoginRefusal::TokenUnknown.into());
        };
        let (now, rules) = (self.now, self.settings.graces());
        let generations = self.generations.get_mut(id).expect("the login exists");
        let row = match generations.rows(generation, now, rules) {
            [row] => *row,
            _ if is_accepted => Row::JustReplaced,
            _ => Row::Reused,
        };
        match row {
            Row::Current => Ok(Refreshed::Rotated(login, Rotates::Current)),
            Row::LostAnswer => Ok(Refreshed::Rotated(login, Rotates::LostAnswer)),
            Row::Newer => Ok(Refreshed::Rotated(login, Rotates::Newer(generation))),
            Row::JustReplaced => {
                let is_shared = generations.visit(generation, now);
                self.events.push(Event::Grace);
                self.events.extend(is_shared.then_some(Event::Shared));
                Ok(Refreshed::Unchanged(login))
            }
            Row::Reused => {
                self.events.push(Event::Reuse);
                let revoked = self.revoke(&login);
                Err(PersistentLoginRefusal::TokenReused { revoked }.into())
            }
        }
    }

    /// The expected result of a read: the login, with the replaced token while a refresh without one is coalesced.
    pub fn read(&self, caller: TestCaller, id: &str) -> Result<Login, LoginError> {
        let (login, _) = self.authorize_read(caller, id, None)?;
        let id = &login.id.to_string();
        let replaced = self.generations[id].replaced_without_token();
        Ok(match replaced.filter(|_| self.is_coalesced(id)) {
            Some(parent) => Login {
                token: self.tokens[id][parent as usize],
                ..login.returned()
            },
            None => login.returned(),
        })
    }

    fn is_coalesced(&self, id: &str) -> bool {
        let coalesce = self.settings.coalesce;
        let rotated = self.generations[id].rotated_at();
        !coalesce.is_zero() && rotated.is_some_and(|rotated| self.now <= rotated.plus(coalesce))
    }

    /// The generation of the login that has this token.
    fn generation(&self, id: &str, token: Token) -> Option<Generation> {
        let position = self.tokens[id].iter().position(|other| *other == token)?;
        Some(Generation::try_from(position).expect("there are few"))
    }

    fn revoke(&mut self, login: &Login) -> Revoked {
        match self.settings.revokes {
            ReuseRevokes::None => Revoked::Nothing,
            ReuseRevokes::Login => {
                self.remove(login.id, Event::Revocation(Reason::TokenReuse));
                Revoked::Login
            }
            ReuseRevokes::Profile => {
                for login in self.of_profile(login.profile_id) {
                    self.remove_or_expire(&login, Event::Revocation(Reason::TokenReuse));
                }
                Revoked::Profile
            }
        }
    }

    /// Asserts that the result of a refresh is the expected one, and applies it.
    pub fn assert_refreshed(
        &mut self,
        context: &str,
        expected: Result<Refreshed, LoginError>,
        result: Result<Login, LoginError>,
    ) {
        let (before, rotates, result) = match (expected, result) {
            (Ok(Refreshed::Rotated(before, rotates)), Ok(result)) => (before, rotates, result),
            (Ok(Refreshed::Unchanged(login)), result) => {
                return assert_eq!(result, Ok(login.returned()), "{context}");
            }
            (expected, result) => {
                return assert_eq!(result.err(), expected.err(), "{context}");
            }
        };
        let id = result.id.to_string();
        let expected = Login {
            token: result.token,
            ..before.returned()
        };
        assert_eq!(result, expected, "{context}");
        let generations = self.generations.get_mut(&id).expect("the login exists");
        self.events.push(match rotates {
            Rotates::Current => {
                generations.rotate(self.now);
                Event::Rotation
            }
            Rotates::WithoutToken => {
                generations.rotate_without_token(self.now);
                Event::Rotation
            }
            Rotates::LostAnswer => {
                generations.rotate_again(self.now);
                Event::LateRetry
            }
            Rotates::Newer(generation) => {
                generations.rotate_newer(generation, self.now);
                Event::NewerToken
            }
        });
        let parent = generations.parent().expect("it was rotated");
        let (at, current) = (generations.rotated_at(), generations.current());
        self.assert_next_token(context, &id, current, result.token);
        let rotation = Rotation {
            replaced: self.tokens[&id][parent as usize],
            at: at.expect("it was rotated"),
        };
        let login = Login {
            rotation: Some(rotation),
            ..result
        };
        self.logins.insert(id, login);
    }

    /// The login was rotated from a device that shows this.
    pub fn update_device(&mut self, id: &str, update: &DeviceUpdate) {
        let device = self.devices.get_mut(&id.to_lowercase());
        let device = device.expect("the login exists");
        if update.user_agent.is_some() {
            device.user_agent.clone_from(&update.user_agent);
        }
        if update.ip_address.is_some() {
            device.ip_address.clone_from(&update.ip_address);
        }
    }

    pub fn delete(
        &mut self,
        caller: TestCaller,
        id: &str,
        expected: Option<&ExpectedOwner>,
    ) -> Result<(), LoginError> {
        self.authenticate(caller)?;
        let found = self.valid(id).filter(|login| self.is_of(login, expected));
        if found.is_none() && expected.is_some() {
            let id = id.to_owned();
            return Err(PersistentLoginRefusal::NotFound { id }.into());
        }
        if let Some(login) = found.cloned() {
            check_permission(caller, "MANAGE_TICKETS", &login.tenant)?;
            self.remove(login.id, Event::Delete);
        }
        Ok(())
    }

    pub fn list_by_profile(
        &self,
        caller: TestCaller,
        profile_id: &str,
        start: usize,
        count: usize,
    ) -> Result<Vec<ListedLogin>, LoginError> {
        let (profile_id, status) = self.profile(caller, profile_id)?;
        check_permission(caller, "MANAGE_TICKETS", &status.tenant)?;
        let mut logins = self.of_profile(profile_id);
        logins.retain(|login| self.is_valid(login));
        logins.sort_by_key(|login| (Reverse(last_used(login)), login.id));
        let page = logins.into_iter().skip(start).take(count);
        Ok(page
            .map(|login| ListedLogin {
                device: self.devices[&login.id.to_string()].clone(),
                created: login.timestamp,
                last_used: last_used(&login),
                expires: self.expires(&login),
                id: login.id,
                tenant: login.tenant,
                profile_id: login.profile_id,
            })
            .collect())
    }

    /// Removes all stored logins but `except`. Returns the number of valid ones among them.
    pub fn delete_by_profile(
        &mut self,
        caller: TestCaller,
        profile_id: &str,
        except: Option<PersistentLoginId>,
    ) -> Result<usize, LoginError> {
        let (profile_id, status) = self.profile(caller, profile_id)?;
        check_permission(caller, "MANAGE_TICKETS", &status.tenant)?;
        let mut logins = self.of_profile(profile_id);
        logins.retain(|login| Some(login.id) != except);
        for login in &logins {
            self.remove_or_expire(login, Event::Delete);
        }
        Ok(logins.iter().filter(|login| self.is_valid(login)).count())
    }

    /// Removes a batch of logins over the maximum age, oldest first.
    pub fn delete_expired(&mut self) -> usize {
        let mut expired: Vec<_> = self
            .logins
            .values()
            .filter(|login| self.now >= login.timestamp.plus(MAX_AGE))
            .map(|login| (login.timestamp, login.id))
            .collect();
        expired.sort();
        expired.truncate(CLEANER_BATCH_MAX);
        for (_, id) in &expired {
            self.remove(*id, Event::Expiry);
        }
        expired.len()
    }

    /// Removes the expired logins among the next ones. Returns the last key if there are more logins.
    pub fn delete_idle(&mut self, after: Option<LoginKey>) -> Option<LoginKey> {
        let mut logins: Vec<_> = self.logins.values().cloned().collect();
        logins.sort_by_key(Login::key);
        logins.retain(|login| after.is_none_or(|after| login.key() > after));
        logins.truncate(CLEANER_WALK_MAX);
        for login in &logins {
            if !self.is_valid(login) {
                self.remove(login.id, Event::Expiry);
            }
        }
        let last = logins.last().map(Login::key);
        last.filter(|_| logins.len() == CLEANER_WALK_MAX)
    }

    /// Removes a login, with the event of an expiry if it has expired.
    fn remove_or_expire(&mut self, login: &Login, event: Event) {
        let is_valid = self.is_valid(login);
        self.remove(login.id, if is_valid { event } else { Event::Expiry });
    }

    fn remove(&mut self, id: PersistentLoginId, event: Event) {
        self.events.push(event);
        self.logins.remove(&id.to_string());
        self.devices.remove(&id.to_string());
    }
}

fn last_used(login: &Login) -> Timestamp {
    login
        .rotation
        .map_or(login.timestamp, |rotation| rotation.at)
}

fn check_permission(
    caller: TestCaller,
    action: &'static str,
    tenant: &TenantName,
) -> Result<(), LoginError> {
    let tenant = tenant.as_str();
    if caller.allows(action, tenant) {
        return Ok(());
    }
    let tenant = tenant.to_owned();
    Err(AccessRefusal::ActionDenied { action, tenant }.into())
}

fn check_enabled(id: &str, status: &ProfileStatus) -> Result<(), LoginError> {
    if status.enabled {
        return Ok(());
    }
    Err(ProfileRefusal::Disabled {
        id: id.to_owned(),
        tenant: status.tenant.as_str().to_owned(),
    }
    .into())
}
