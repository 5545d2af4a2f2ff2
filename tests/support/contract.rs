//! The wire contract of persistent logins, written down once more as a plain map ("Permissions and
//! order of checks", "Deliberate differences").

use std::collections::{BTreeMap, HashSet};
use std::time::Duration;

use rememberd::clock::Timestamp;
use rememberd::domain::access_token::{AccessToken, AccessTokenId, TenantPermission};
use rememberd::domain::object_id::ObjectId;
use rememberd::domain::persistent_login::PersistentLogin;
use rememberd::domain::profile::Standing;
use rememberd::domain::tenant::TenantName;
use rememberd::error::{Error, Refusal};
use rememberd::service::access::Caller;
use uuid::Uuid;

/// The settings that the model knows: a short life, and few logins a transaction of the cleaner, so
/// that both limits are reached often.
pub const FLAGS: &[&str] = &["--persistent-login-max-age=1h", "--cleaner-batch-max=7"];
pub const MAX_AGE: Duration = Duration::from_secs(3_600);
const CLEANER_BATCH_MAX: usize = 7;

/// When [`As::Expiring`] expires: soon enough that a run sees it before and after.
const TOKEN_EXPIRY: Timestamp = Timestamp::from_millis(1_700_001_800_000);
const TOKEN_EXPIRY_DAY: &str = "11/14/2023";

/// What the services should know.
pub struct Model {
    pub now: Timestamp,
    /// By the one form of their ids.
    pub logins: BTreeMap<String, PersistentLogin>,
    /// Of logins that are gone.
    pub past_ids: Vec<String>,
    /// By their ids in lower case; `None` for one that is gone.
    pub profiles: BTreeMap<String, Option<Standing>>,
    /// Every token and every login id ever told: each is told for a first time only once.
    told: HashSet<Uuid>,
}

impl Model {
    pub fn new(now: Timestamp) -> Self {
        Self {
            now,
            logins: BTreeMap::new(),
            past_ids: Vec::new(),
            profiles: BTreeMap::new(),
            told: HashSet::new(),
        }
    }

    fn identify(&self, who: As) -> Result<(), Error> {
        let id = who.id().unwrap_or_default();
        match who {
            As::Nobody | As::Empty => Err(Refusal::AccessTokenMissing.into()),
            As::Unknown => Err(Refusal::AccessTokenUnknown { id }.into()),
            As::Expiring if self.now >= TOKEN_EXPIRY => Err(Refusal::AccessTokenExpired {
                id,
                application: "Expiring".to_owned(),
                expired_on: TOKEN_EXPIRY_DAY.to_owned(),
            }
            .into()),
            As::Expiring | As::Master | As::Tickets | As::Acme | As::Narrow => Ok(()),
        }
    }

    /// The profile that the login would be of.
    pub fn creatable(&self, who: As, profile_id: &str) -> Result<(ObjectId, TenantName), Error> {
        self.identify(who)?;
        let id = profile_id.to_lowercase();
        let Some(Some(standing)) = self.profiles.get(&id) else {
            let id = profile_id.to_owned();
            return Err(Refusal::NoSuchProfile { id }.into());
        };
        permit(who, "MANAGE_PROFILES", &standing.tenant)?;
        permit(who, "MANAGE_TICKETS", &standing.tenant)?;
        check_enabled(&id, standing)?;
        let id = ObjectId::parse(&id).expect("the model's ids are ids");
        Ok((id, standing.tenant.clone()))
    }

    pub fn created(
        &mut self,
        shown: &str,
        expected: Result<(ObjectId, TenantName), Error>,
        answer: Result<PersistentLogin, Error>,
    ) {
        let about = |login: &PersistentLogin| (login.profile_id, login.tenant.clone());
        assert_eq!(
            answer.as_ref().map(about),
            expected.as_ref().cloned(),
            "{shown}"
        );
        if let Ok(login) = answer {
            assert_eq!(login.timestamp, self.now, "{shown}");
            assert!(self.told.insert(login.id.uuid()), "{shown}: an id twice");
            assert!(
                self.told.insert(login.token.reveal()),
                "{shown}: a token twice"
            );
            self.logins.insert(login.id.to_string(), login);
        }
    }

    fn valid(&self, id: &str) -> Option<&PersistentLogin> {
        let login = self.logins.get(id)?;
        (self.now < login.timestamp.plus(MAX_AGE)).then_some(login)
    }

    pub fn readable(&self, who: As, id: &str) -> Result<(PersistentLogin, Standing), Error> {
        self.identify(who)?;
        let found = self.valid(id).and_then(|login| {
            let standing = self.profiles.get(&login.profile_id.to_string())?.clone()?;
            Some((login.clone(), standing))
        });
        let Some((login, standing)) = found else {
            let id = id.to_owned();
            return Err(Refusal::NoSuchPersistentLogin { id }.into());
        };
        permit(who, "MANAGE_TICKETS", &login.tenant)?;
        Ok((login, standing))
    }

    /// The login as it was before.
    pub fn refreshable(&self, who: As, id: &str) -> Result<PersistentLogin, Error> {
        let (login, standing) = self.readable(who, id)?;
        check_enabled(&login.profile_id.to_string(), &standing)?;
        Ok(login)
    }

    pub fn refreshed(
        &mut self,
        shown: &str,
        expected: Result<PersistentLogin, Error>,
        answer: Result<PersistentLogin, Error>,
    ) {
        let fresh = answer.as_ref().ok().map(|login| login.token);
        let expected = expected.map(|login| match fresh {
            Some(fresh) => login.rotated(fresh, self.now),
            None => login,
        });
        assert_eq!(answer, expected, "{shown}");
        if let Ok(login) = answer {
            assert!(
                self.told.insert(login.token.reveal()),
                "{shown}: a token twice"
            );
            self.logins.insert(login.id.to_string(), login);
        }
    }

    pub fn delete(&mut self, who: As, id: &str) -> Result<(), Error> {
        self.identify(who)?;
        if let Some(login) = self.valid(id) {
            permit(who, "MANAGE_TICKETS", &login.tenant)?;
            self.forget(id);
        }
        Ok(())
    }

    pub fn clean(&mut self) -> usize {
        let mut expired: Vec<_> = self
            .logins
            .values()
            .filter(|login| self.valid(&login.id.to_string()).is_none())
            .map(|login| (login.timestamp, login.id))
            .collect();
        expired.sort();
        expired.truncate(CLEANER_BATCH_MAX);
        for (_, id) in &expired {
            self.forget(&id.to_string());
        }
        expired.len()
    }

    fn forget(&mut self, id: &str) {
        self.logins.remove(id);
        self.past_ids.push(id.to_owned());
    }
}

fn permit(who: As, action: &'static str, tenant: &TenantName) -> Result<(), Error> {
    let tenant = tenant.as_str();
    if who.may(action, tenant) {
        return Ok(());
    }
    let tenant = tenant.to_owned();
    Err(Refusal::ActionDenied { action, tenant }.into())
}

fn check_enabled(id: &str, standing: &Standing) -> Result<(), Error> {
    if standing.enabled {
        return Ok(());
    }
    Err(Refusal::DisabledProfile {
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
