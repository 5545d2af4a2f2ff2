//! The wire contract of persistent logins and what stands beside it, written down once more as a plain
//! map ("Permissions and order of checks", "Deliberate differences", compare-and-rotate).

use std::cmp::Reverse;
use std::collections::{BTreeMap, HashSet};
use std::time::Duration;

use rememberd::testing::{
    AccessRefusal, AccessToken, AccessTokenId, Caller, Device, Event, ListedLogin, LoginError,
    LoginKey, ObjectId, PersistentLogin, PersistentLoginId, PersistentLoginRefusal, ProfileRefusal,
    ProfileStatus, Reason, ReuseRevokes, Revoked, Rotation, TenantName, TenantPermission,
    Timestamp, Token,
};
use uuid::Uuid;

use crate::support::settings::{CLEANER_BATCH_MAX, CLEANER_WALK_MAX, MAX_AGE, Settings};

/// When [`As::Expiring`] expires: soon enough that a run sees it before and after.
const TOKEN_EXPIRY: Timestamp = Timestamp::from_millis(1_700_001_800_000);
const TOKEN_EXPIRY_DAY: &str = "11/14/2023";

/// What the services should know.
#[derive(Clone)]
pub struct Model {
    pub now: Timestamp,
    pub settings: Settings,
    /// By the one form of their ids.
    pub logins: BTreeMap<String, PersistentLogin>,
    pub devices: BTreeMap<String, Device>,
    /// Every token that a login had, the current one last; also of logins that are gone.
    pub tokens: BTreeMap<String, Vec<Token>>,
    /// By their ids in lower case; `None` for one that is gone.
    pub profiles: BTreeMap<String, Option<ProfileStatus>>,
    /// What happened, in order, for the audit log.
    pub events: Vec<Event>,
    /// Every token and every login id ever told: each is told for a first time only once.
    told: HashSet<Uuid>,
}

/// What a refresh that is not refused comes to.
#[derive(Clone, Debug)]
pub enum Refreshed {
    /// A fresh token in place of the one of this login.
    Rotated(PersistentLogin),
    /// This login as it is.
    Unchanged(PersistentLogin),
}

impl Model {
    pub fn new(now: Timestamp, settings: Settings) -> Self {
        Self {
            now,
            settings,
            logins: BTreeMap::new(),
            devices: BTreeMap::new(),
            tokens: BTreeMap::new(),
            profiles: BTreeMap::new(),
            events: Vec::new(),
            told: HashSet::new(),
        }
    }

    fn identify(&self, who: As) -> Result<(), LoginError> {
        let id = who.id().unwrap_or_default();
        match who {
            As::Nobody | As::Empty => Err(AccessRefusal::TokenMissing.into()),
            As::Unknown => Err(AccessRefusal::TokenUnknown { id }.into()),
            As::Expiring if self.now >= TOKEN_EXPIRY => Err(AccessRefusal::TokenExpired {
                id,
                application: "Expiring".to_owned(),
                expired_on: TOKEN_EXPIRY_DAY.to_owned(),
            }
            .into()),
            As::Expiring | As::Master | As::Tickets | As::Acme | As::Narrow => Ok(()),
        }
    }

    /// The profile that the login would be of.
    pub fn authorize_create(
        &self,
        who: As,
        profile_id: &str,
    ) -> Result<(ObjectId, TenantName), LoginError> {
        let (id, standing) = self.profile(who, profile_id)?;
        permit(who, "MANAGE_PROFILES", &standing.tenant)?;
        permit(who, "MANAGE_TICKETS", &standing.tenant)?;
        check_enabled(&id.to_string(), &standing)?;
        Ok((id, standing.tenant))
    }

    /// The profile, if the caller is known.
    fn profile(&self, who: As, profile_id: &str) -> Result<(ObjectId, ProfileStatus), LoginError> {
        self.identify(who)?;
        let id = profile_id.to_lowercase();
        let Some(Some(standing)) = self.profiles.get(&id) else {
            let id = profile_id.to_owned();
            return Err(ProfileRefusal::NotFound { id }.into());
        };
        let id = ObjectId::parse(&id).expect("the model's ids are ids");
        Ok((id, standing.clone()))
    }

    pub fn created(
        &mut self,
        shown: &str,
        expected: Result<(ObjectId, TenantName), LoginError>,
        device: Device,
        answer: Result<PersistentLogin, LoginError>,
    ) {
        let about = |login: &PersistentLogin| (login.profile_id, login.tenant.clone());
        assert_eq!(
            answer.as_ref().map(about),
            expected.as_ref().cloned(),
            "{shown}"
        );
        if let Ok(login) = answer {
            assert_eq!(login.timestamp, self.now, "{shown}");
            assert_eq!(login.rotation, None, "{shown}");
            self.make_room(login.profile_id);
            self.events.push(Event::Create);
            self.begin(shown, login, device);
        }
    }

    /// The login is there, and was not before.
    pub fn begin(&mut self, shown: &str, login: PersistentLogin, device: Device) {
        let id = login.id.to_string();
        assert!(self.told.insert(login.id.uuid()), "{shown}: an id twice");
        self.tell(shown, login.token);
        self.tokens.insert(id.clone(), vec![login.token]);
        self.devices.insert(id.clone(), device);
        self.logins.insert(id, login);
    }

    fn tell(&mut self, shown: &str, token: Token) {
        let is_new = self.told.insert(token.reveal());
        assert!(is_new, "{shown}: a token twice");
    }

    /// Ends logins of the profile until there is room for one more: expired ones first, then those
    /// unused longest.
    fn make_room(&mut self, profile_id: ObjectId) {
        let Some(cap) = self.settings.logins_per_profile_max else {
            return;
        };
        let mut logins = self.of_profile(profile_id);
        logins.sort_by_key(|login| (self.is_valid(login), last_used(login), login.id));
        let ended = (logins.len() + 1).saturating_sub(cap);
        for login in &logins[..ended] {
            self.end(login, Event::Revocation(Reason::Cap));
        }
    }

    /// All that are stored, expired ones among them.
    fn of_profile(&self, profile_id: ObjectId) -> Vec<PersistentLogin> {
        let logins = self.logins.values();
        logins
            .filter(|login| login.profile_id == profile_id)
            .cloned()
            .collect()
    }

    /// The first moment at which the login is expired.
    pub fn expires(&self, login: &PersistentLogin) -> Timestamp {
        let by_age = login.timestamp.plus(MAX_AGE);
        match self.settings.idle_max {
            None => by_age,
            Some(idle_max) => by_age.min(last_used(login).plus(idle_max)),
        }
    }

    pub fn is_valid(&self, login: &PersistentLogin) -> bool {
        self.now < self.expires(login)
    }

    fn valid(&self, id: &str) -> Option<&PersistentLogin> {
        self.logins.get(id).filter(|login| self.is_valid(login))
    }

    pub fn readable(
        &self,
        who: As,
        id: &str,
    ) -> Result<(PersistentLogin, ProfileStatus), LoginError> {
        self.identify(who)?;
        let found = self.valid(id).and_then(|login| {
            let standing = self.profiles.get(&login.profile_id.to_string())?.clone()?;
            Some((login.clone(), standing))
        });
        let Some((login, standing)) = found else {
            let id = id.to_owned();
            return Err(PersistentLoginRefusal::NotFound { id }.into());
        };
        permit(who, "MANAGE_TICKETS", &login.tenant)?;
        Ok((login, standing))
    }

    /// What becomes of a refresh; if it is a reuse, what it revokes is gone already.
    pub fn refresh(
        &mut self,
        who: As,
        id: &str,
        presented: Option<Token>,
    ) -> Result<Refreshed, LoginError> {
        let (login, standing) = self.readable(who, id)?;
        check_enabled(&login.profile_id.to_string(), &standing)?;
        let Some(presented) = presented else {
            return Ok(if self.is_rotated_within(&login, self.settings.coalesce) {
                self.events.push(Event::Coalesced);
                Refreshed::Unchanged(login)
            } else {
                Refreshed::Rotated(login)
            });
        };
        if presented == login.token {
            return Ok(Refreshed::Rotated(login));
        }
        let replaced = login.rotation.map(|rotation| rotation.replaced);
        if replaced == Some(presented) && self.is_rotated_within(&login, self.settings.grace) {
            self.events.push(Event::Grace);
            return Ok(Refreshed::Unchanged(login));
        }
        self.events.push(Event::Reuse);
        let revoked = self.revoke(&login);
        Err(PersistentLoginRefusal::TokenReused { revoked }.into())
    }

    fn is_rotated_within(&self, login: &PersistentLogin, window: Duration) -> bool {
        let millis = i64::try_from(window.as_millis()).expect("windows are short");
        login.rotation.is_some_and(|rotation| {
            millis > 0 && self.now.as_millis() - rotation.at.as_millis() <= millis
        })
    }

    fn revoke(&mut self, login: &PersistentLogin) -> Revoked {
        match self.settings.revokes {
            ReuseRevokes::None => Revoked::Nothing,
            ReuseRevokes::Login => {
                self.forget(login.id, Event::Revocation(Reason::TokenReuse));
                Revoked::Login
            }
            ReuseRevokes::Profile => {
                for login in self.of_profile(login.profile_id) {
                    self.end(&login, Event::Revocation(Reason::TokenReuse));
                }
                Revoked::Profile
            }
        }
    }

    pub fn refreshed(
        &mut self,
        shown: &str,
        expected: Result<Refreshed, LoginError>,
        answer: Result<PersistentLogin, LoginError>,
    ) {
        let (before, answer) = match (expected, answer) {
            (Ok(Refreshed::Rotated(before)), Ok(answer)) => (before, answer),
            (Ok(Refreshed::Unchanged(login)), answer) => {
                return assert_eq!(answer, Ok(login), "{shown}");
            }
            (expected, answer) => {
                return assert_eq!(answer.err(), expected.err(), "{shown}");
            }
        };
        let expected = PersistentLogin {
            token: answer.token,
            rotation: Some(Rotation {
                replaced: before.token,
                at: self.now,
            }),
            ..before
        };
        assert_eq!(answer, expected, "{shown}");
        self.events.push(Event::Rotation);
        self.tell(shown, answer.token);
        let id = answer.id.to_string();
        self.tokens
            .entry(id.clone())
            .or_default()
            .push(answer.token);
        self.logins.insert(id, answer);
    }

    pub fn delete(&mut self, who: As, id: &str) -> Result<(), LoginError> {
        self.identify(who)?;
        if let Some(login) = self.valid(id).cloned() {
            permit(who, "MANAGE_TICKETS", &login.tenant)?;
            self.forget(login.id, Event::Delete);
        }
        Ok(())
    }

    pub fn list_by_profile(
        &self,
        who: As,
        profile_id: &str,
        start: usize,
        count: usize,
    ) -> Result<Vec<ListedLogin>, LoginError> {
        let (profile_id, standing) = self.profile(who, profile_id)?;
        permit(who, "MANAGE_TICKETS", &standing.tenant)?;
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

    /// Expired logins that were not removed yet go with the others, and are counted.
    pub fn delete_by_profile(
        &mut self,
        who: As,
        profile_id: &str,
        except: Option<PersistentLoginId>,
    ) -> Result<usize, LoginError> {
        let (profile_id, standing) = self.profile(who, profile_id)?;
        permit(who, "MANAGE_TICKETS", &standing.tenant)?;
        let mut logins = self.of_profile(profile_id);
        logins.retain(|login| Some(login.id) != except);
        for login in &logins {
            self.end(login, Event::Delete);
        }
        Ok(logins.iter().filter(|login| self.is_valid(login)).count())
    }

    /// Removes some that are too old, oldest first.
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
            self.forget(*id, Event::Expiry);
        }
        expired.len()
    }

    /// Removes what is expired among the next logins, and tells the last of them if there are more.
    pub fn delete_idle(&mut self, after: Option<LoginKey>) -> Option<LoginKey> {
        let mut logins: Vec<_> = self.logins.values().cloned().collect();
        logins.sort_by_key(LoginKey::of);
        logins.retain(|login| after.is_none_or(|after| LoginKey::of(login) > after));
        logins.truncate(CLEANER_WALK_MAX);
        for login in &logins {
            if !self.is_valid(login) {
                self.forget(login.id, Event::Expiry);
            }
        }
        let last = logins.last().map(LoginKey::of);
        last.filter(|_| logins.len() == CLEANER_WALK_MAX)
    }

    /// Ends a login, which counts as expired if its time was over already.
    fn end(&mut self, login: &PersistentLogin, event: Event) {
        let is_valid = self.is_valid(login);
        self.forget(login.id, if is_valid { event } else { Event::Expiry });
    }

    fn forget(&mut self, id: PersistentLoginId, event: Event) {
        self.events.push(event);
        self.logins.remove(&id.to_string());
        self.devices.remove(&id.to_string());
    }
}

fn last_used(login: &PersistentLogin) -> Timestamp {
    login
        .rotation
        .map_or(login.timestamp, |rotation| rotation.at)
}

fn permit(who: As, action: &'static str, tenant: &TenantName) -> Result<(), LoginError> {
    let tenant = tenant.as_str();
    if who.may(action, tenant) {
        return Ok(());
    }
    let tenant = tenant.to_owned();
    Err(AccessRefusal::ActionDenied { action, tenant }.into())
}

fn check_enabled(id: &str, standing: &ProfileStatus) -> Result<(), LoginError> {
    if standing.enabled {
        return Ok(());
    }
    Err(ProfileRefusal::Disabled {
        id: id.to_owned(),
        tenant: standing.tenant.as_str().to_owned(),
    }
    .into())
}

/// Who calls.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum As {
    /// May do everything.
    Master,
    /// May do everything, until it expires.
    Expiring,
    /// Has MANAGE_TICKETS on the tenant `default`.
    Tickets,
    /// May do everything on the tenant `acme`.
    Acme,
    /// Has MANAGE_PROFILES on the tenant `default`, and may then do everything on any: the first
    /// entry decides.
    Narrow,
    /// Presents an id that does not exist.
    Unknown,
    /// Presents an empty id.
    Empty,
    /// Presents none.
    Nobody,
}

impl As {
    pub const WITH_TOKEN: [Self; 5] = [
        Self::Master,
        Self::Expiring,
        Self::Tickets,
        Self::Acme,
        Self::Narrow,
    ];
    pub const OTHERS: [Self; 7] = [
        Self::Expiring,
        Self::Tickets,
        Self::Acme,
        Self::Narrow,
        Self::Unknown,
        Self::Empty,
        Self::Nobody,
    ];

    fn id(self) -> Option<String> {
        match self {
            Self::Nobody => None,
            Self::Empty => Some(String::new()),
            other => Some(format!("token of {other:?}")),
        }
    }

    pub fn caller(self) -> Caller {
        Caller::new(self.id())
    }

    pub fn token(self) -> AccessToken {
        let permissions: &[(&str, &str)] = match self {
            Self::Master | Self::Expiring => &[("*", "*")],
            Self::Tickets => &[("default", "MANAGE_TICKETS")],
            Self::Acme => &[("acme", "*")],
            Self::Narrow => &[("default", "MANAGE_PROFILES"), ("*", "*")],
            Self::Unknown | Self::Empty | Self::Nobody => &[],
        };
        AccessToken {
            id: self
                .id()
                .and_then(AccessTokenId::new)
                .expect("it has an id"),
            application: format!("{self:?}"),
            master: false,
            tenant_permissions: permissions
                .iter()
                .map(|(tenant, action)| TenantPermission {
                    allowed_actions: vec![(*action).to_owned()],
                    tenant: (*tenant).to_owned(),
                })
                .collect(),
            expires_on: (self == Self::Expiring).then_some(TOKEN_EXPIRY),
        }
    }

    /// What the permissions above come to.
    fn may(self, action: &str, tenant: &str) -> bool {
        match self {
            Self::Master | Self::Expiring => true,
            Self::Tickets => tenant == "default" && action == "MANAGE_TICKETS",
            Self::Acme => tenant == "acme",
            Self::Narrow => tenant != "default" || action == "MANAGE_PROFILES",
            Self::Unknown | Self::Empty | Self::Nobody => false,
        }
    }
}
