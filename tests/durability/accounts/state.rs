//! What can be seen of the services: all of it at once, so that nothing changes that was not to change.

use std::collections::{BTreeMap, BTreeSet};

use rememberd::testing::{
    App, Caller, Failure, Profile, ServiceError, Tenant,
    service::{persistent_login, profile, tenant},
    tables::sign_in,
};

use crate::accounts::draw::{TENANTS, TOKENS, USERNAMES};
use crate::accounts::operation::root;

/// A tenant.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TenantState {
    pub name: String,
    pub roles: BTreeSet<String>,
    /// With their defaults.
    pub definitions: Vec<(String, Option<String>)>,
}

pub fn tenant_state(tenant: &Tenant) -> TenantState {
    let definitions = tenant.attribute_definitions.iter().map(|definition| {
        let default = definition.default_value.as_ref();
        (definition.name.clone(), default.map(ToString::to_string))
    });
    TenantState {
        name: tenant.name.as_str().to_owned(),
        roles: tenant.available_roles.iter().cloned().collect(),
        definitions: definitions.collect(),
    }
}

/// What is shown of a profile.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ProfileState {
    pub id: String,
    pub tenant: String,
    pub username: String,
    pub email: String,
    pub is_enabled: bool,
    pub last_modified: i64,
    pub roles: BTreeSet<String>,
    pub attributes: BTreeMap<String, String>,
}

pub fn profile_state(profile: &Profile) -> ProfileState {
    let attributes = profile.attributes.as_ref();
    let attributes = attributes.into_iter().flat_map(|found| found.iter());
    ProfileState {
        id: profile.id.to_string(),
        tenant: profile.tenant.as_str().to_owned(),
        username: profile.username.clone(),
        email: profile.email.clone(),
        is_enabled: profile.enabled,
        last_modified: profile.last_modified.as_millis(),
        roles: profile.roles.iter().flatten().cloned().collect(),
        attributes: attributes
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect(),
    }
}

/// The ids that were ever returned.
#[derive(Clone, Default, Debug)]
pub struct KnownIds {
    pub profiles: BTreeSet<String>,
    pub tickets: BTreeSet<String>,
    pub logins: BTreeSet<String>,
}

/// All that can be seen.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct State {
    /// In the order in which they are listed.
    pub tenants: Vec<TenantState>,
    /// By tenant and username, with the number of failed sign-ins.
    pub profiles: BTreeMap<(String, String), (ProfileState, u32)>,
    /// The ids under which there is a profile.
    pub ids: BTreeSet<String>,
    /// The number of profiles of each tenant.
    pub counts: BTreeMap<String, u64>,
    /// The ids of valid tickets.
    pub tickets: BTreeSet<String>,
    /// The valid logins with their tokens.
    pub logins: BTreeMap<String, String>,
    /// The access tokens that are accepted.
    pub tokens: BTreeSet<String>,
}

impl State {
    /// What can be seen by these ids.
    pub fn observe(app: &App, known: &KnownIds) -> Self {
        Self::try_observe(app, known).unwrap_or_else(|failure| panic!("{failure}"))
    }

    /// As [`State::observe`].
    ///
    /// # Errors
    ///
    /// If something cannot be read.
    pub fn try_observe(app: &App, known: &KnownIds) -> Result<Self, Failure> {
        let tenants = unless_refused(tenant::all(app, &root()))?.unwrap_or_default();
        let mut state = Self {
            tenants: tenants.iter().map(|tenant| tenant_state(tenant)).collect(),
            ..Self::default()
        };
        for tenant in TENANTS {
            let count = unless_refused(profile::count(app, root(), tenant.to_owned()))?;
            state
                .counts
                .insert(tenant.to_owned(), count.unwrap_or_default());
            for username in USERNAMES {
                let name = (tenant.to_owned(), username.to_owned());
                let found = profile::read_by_username(app, root(), name.0.clone(), name.1.clone());
                if let Some(found) = unless_refused(found)? {
                    let failures = app.store.read(|txn| sign_in::get(txn, found.id))?.count;
                    state
                        .profiles
                        .insert(name, (profile_state(&found), failures));
                }
            }
        }
        for id in &known.profiles {
            if unless_refused(profile::read(app, root(), id.clone()))?.is_some() {
                state.ids.insert(id.clone());
            }
        }
        for id in &known.tickets {
            if unless_refused(profile::read_by_ticket(app, root(), id.clone()))?.is_some() {
                state.tickets.insert(id.clone());
            }
        }
        for id in &known.logins {
            if let Some(login) = unless_refused(persistent_login::read(app, root(), id.clone()))? {
                let token = login.token.reveal().to_string();
                state.logins.insert(id.clone(), token);
            }
        }
        for token in TOKENS {
            let caller = Caller::new(Some(token.to_owned()));
            if unless_refused(profile::count(app, caller, TENANTS[0].to_owned()))?.is_some() {
                state.tokens.insert(token.to_owned());
            }
        }
        Ok(state)
    }
}

fn unless_refused<T, R>(result: Result<T, ServiceError<R>>) -> Result<Option<T>, Failure> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(ServiceError::Refused(_)) => Ok(None),
        Err(ServiceError::Failed(failure)) => Err(failure),
    }
}
