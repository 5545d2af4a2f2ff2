//! Writing entries that are valid by themselves, if nothing in the tables is in their way.

use std::collections::HashSet;
use std::mem;

use crate::domain::key_ring::KeyRing;
use crate::domain::login_state::{Era, ImportedLogin, LoginState};
use crate::domain::object_id::ObjectId;
use crate::domain::persistent_login::PersistentLoginId;
use crate::domain::profile::{Profile, ProfileStatus};
use crate::domain::tenant::{Tenant, TenantName};
use crate::domain::ticket::TicketState;
use crate::error::Failure;
use crate::service::import::prepare::Record;
use crate::storage::transaction::Read;
use crate::storage::transaction::write_txn::WriteTxn;
use crate::tables::persistent_login::key::LoginKey;
use crate::tables::profile::login_block::{self, LoginBlock};
use crate::tables::{
    access_token, attachment, ended_tenants, persistent_login, profile, tenant, ticket,
    verification_token,
};

/// Why an entry is not written.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Obstacle {
    /// What has its id is there already, and a tenant that is the same.
    Exists(Content),
    /// Another tenant has its name.
    NameTaken,
    /// Another profile of the tenant has its username.
    UsernameTaken,
    /// There is no such tenant.
    NoTenant,
    /// There is no such profile.
    NoProfile,
    /// The profile belongs to another tenant.
    OtherTenant,
    /// Its profile is disabled, which would have ended it here.
    ProfileDisabled,
    /// It was deleted or ended here, and something of it is not removed yet.
    Ended,
}

/// How what is there already compares with an entry.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Content {
    /// It is the same.
    Same,
    /// It was changed here later.
    Newer,
    /// It is another one.
    Other,
}

/// What is in the way of an entry.
#[derive(Clone, Copy, Debug)]
pub struct PutRules {
    /// Whether a tenant takes the place of one that has its name, no profiles, and nothing that was ever set: a new
    /// database begins with one.
    pub replaces_plain_tenant: bool,
}

/// Writes the records, each unless something is in its way. Returns those that were not written, in the order of their
/// places.
///
/// # Errors
///
/// Of the storage, or of a record that does not decode.
pub fn put_all(
    txn: &WriteTxn,
    rules: PutRules,
    keys: &KeyRing,
    records: &[(usize, Record)],
) -> Result<Vec<(usize, Obstacle)>, Failure> {
    let mut left_out = Vec::new();
    let mut accepted = Accepted::default();
    for place in order(records) {
        let (_, record) = &records[place];
        if accepted.have_same(record) {
            accepted.write(txn)?;
        }
        match obstacle(txn, rules, keys, record)? {
            Some(obstacle) => left_out.push((place, obstacle)),
            None => accepted.take(txn, record)?,
        }
    }
    accepted.write(txn)?;
    left_out.sort_unstable_by_key(|(place, _)| *place);
    Ok(left_out)
}

/// The order in which records are examined: profiles and logins in that of their keys, so that those on a page are
/// looked for one after the other.
fn order(records: &[(usize, Record)]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..records.len()).collect();
    order.sort_by_cached_key(|place| match &records[*place].1 {
        Record::Login(new) => Some(LoginKey::of_imported(&new.login)),
        Record::Profile(profile) => Some(LoginKey::first_of(profile.id)),
        _ => None,
    });
    order
}

/// Records that nothing is in the way of. Those of which there may be many are written together: what is looked up
/// before is found in the last commit, whose tables are open, and each table is filled in the order of its keys.
#[derive(Default)]
struct Accepted<'b> {
    tenants: Vec<&'b Tenant>,
    profiles: Vec<&'b Profile>,
    /// Each with the era that it is to be of.
    logins: Vec<(&'b ImportedLogin, Era)>,
    /// The ids of the tenants or profiles.
    ids: HashSet<ObjectId>,
    tenant_names: HashSet<&'b str>,
    usernames: HashSet<(&'b str, &'b str)>,
    login_ids: HashSet<PersistentLoginId>,
}

impl<'b> Accepted<'b> {
    /// Whether one of them, which is not written yet, is in the way of `record`.
    fn have_same(&self, record: &Record) -> bool {
        match record {
            Record::Tenant(tenant) => {
                self.ids.contains(&tenant.id) || self.tenant_names.contains(tenant.name.as_str())
            }
            Record::Profile(profile) => {
                self.ids.contains(&profile.id) || self.usernames.contains(&full_name(profile))
            }
            Record::Login(login) => self.login_ids.contains(&login.login.id),
            _ => false,
        }
    }

    fn take(&mut self, txn: &WriteTxn, record: &'b Record) -> Result<(), Failure> {
        match record {
            Record::AccessToken(new) => access_token::put(txn, &new.id, &new.sealed, &new.token),
            Record::Tenant(new) => {
                self.ids.insert(new.id);
                self.tenant_names.insert(new.name.as_str());
                self.tenants.push(new);
                Ok(())
            }
            Record::Profile(new) => {
                self.ids.insert(new.id);
                self.usernames.insert(full_name(new));
                self.profiles.push(new);
                Ok(())
            }
            Record::Login(new) => {
                let login = &new.login;
                let era = persistent_login::ended::era_of_new(txn, login.profile_id)?;
                self.login_ids.insert(login.id);
                self.logins.push((login, era));
                Ok(())
            }
            Record::Ticket(new) => {
                let mut state = TicketState::clone(new);
                state.era = ticket::ended::era_of_new(txn, state.profile_id)?;
                ticket::create(txn, &state)
            }
            Record::VerificationToken(new) => verification_token::create(txn, new),
        }
    }

    fn write(&mut self, txn: &WriteTxn) -> Result<(), Failure> {
        let Self {
            tenants,
            profiles,
            logins,
            ..
        } = mem::take(self);
        for tenant in tenants {
            tenant::put(txn, tenant)?;
        }
        if !profiles.is_empty() {
            profile::insert_all(txn, &profiles)?;
        }
        if !logins.is_empty() {
            persistent_login::create_imported(txn, &logins)?;
        }
        Ok(())
    }
}

fn full_name(profile: &Profile) -> (&str, &str) {
    (profile.tenant.as_str(), &profile.username)
}

/// What is in the way of `record`, if anything is.
///
/// # Errors
///
/// Of the storage, or of a record that does not decode.
pub fn obstacle(
    txn: &impl Read,
    rules: PutRules,
    keys: &KeyRing,
    record: &Record,
) -> Result<Option<Obstacle>, Failure> {
    match record {
        Record::AccessToken(new) => {
            let stored = access_token::by_digest(txn, new.id.digest())?;
            Ok(stored.map(|(_, stored)| exists(stored == new.token)))
        }
        Record::Tenant(new) => of_tenant(txn, rules, new),
        Record::Profile(new) => of_profile(txn, new),
        Record::Login(new) => of_login(txn, keys, &new.login),
        Record::Ticket(new) => of_ticket(txn, new),
        Record::VerificationToken(new) => match verification_token::get(txn, new.digest)? {
            Some(stored) => Ok(Some(exists(stored == **new))),
            None => Ok(owner(txn, &new.tenant, new.profile_id)?.err()),
        },
    }
}

fn of_tenant(txn: &impl Read, rules: PutRules, new: &Tenant) -> Result<Option<Obstacle>, Failure> {
    let Some(stored) = tenant::read(txn, &new.name)? else {
        let tenants = tenant::all(txn)?;
        let has_id = tenants.iter().any(|tenant| tenant.id == new.id);
        return Ok(has_id.then(|| exists(false)));
    };
    let is_same = *stored == *new;
    let may_replace = rules.replaces_plain_tenant && !is_same && stored.is_plain();
    if may_replace && profile::count::count(txn, &new.name)? == 0 {
        return Ok(None);
    }
    Ok(Some(if stored.id == new.id {
        exists(is_same)
    } else {
        Obstacle::NameTaken
    }))
}

fn of_profile(txn: &impl Read, new: &Profile) -> Result<Option<Obstacle>, Failure> {
    if tenant::get(txn, &new.tenant)?.is_none() {
        return Ok(Some(Obstacle::NoTenant));
    }
    if profile::status(txn, new.id)?.is_some() {
        let stored = profile::get(txn, new.id)?;
        let content = stored.map_or(Content::Other, |stored| compare_profiles(&stored, new));
        return Ok(Some(Obstacle::Exists(content)));
    }
    // What is left of it would take the new one with it when it is removed.
    if is_left(txn, new.id)? {
        return Ok(Some(Obstacle::Ended));
    }
    let owner = profile::id_by_username(txn, &new.tenant, &new.username)?;
    Ok(owner.map(|_| Obstacle::UsernameTaken))
}

/// Whether something is left of a deleted profile with this id: its record, its logins, or its attachments.
fn is_left(txn: &impl Read, id: ObjectId) -> Result<bool, Failure> {
    let has_ended = profile::ended::is_ended(txn, id)?;
    let has_logins = || Ok(login_block::get(txn, id)? == Some(LoginBlock::Gone));
    let has_attachments = || {
        let is_one_deleted = attachment::deleted::first(txn)?.is_some();
        Ok(is_one_deleted && attachment::count(txn, id, 1)? > 0)
    };
    Ok(has_ended || has_logins()? || has_attachments()?)
}

fn compare_profiles(stored: &Profile, new: &Profile) -> Content {
    if stored == new {
        Content::Same
    } else if stored.tenant == new.tenant
        && stored.created_on == new.created_on
        && stored.last_modified > new.last_modified
    {
        Content::Newer
    } else {
        Content::Other
    }
}

fn of_login(
    txn: &impl Read,
    keys: &KeyRing,
    new: &ImportedLogin,
) -> Result<Option<Obstacle>, Failure> {
    match persistent_login::get(txn, new.id)? {
        Some(stored) if persistent_login::ended::has_ended(txn, &stored)? => {
            Ok(Some(Obstacle::Ended))
        }
        Some(stored) => {
            let new = new.state(stored.era);
            Ok(Some(Obstacle::Exists(compare_logins(keys, &stored, &new))))
        }
        None => Ok(owner(txn, &new.tenant, new.profile_id)?.err()),
    }
}

fn compare_logins(keys: &KeyRing, stored: &LoginState, new: &LoginState) -> Content {
    let is_same = (&stored.tenant, stored.profile_id, stored.created)
        == (&new.tenant, new.profile_id, new.created);
    if !is_same {
        Content::Other
    } else if stored.chain.current > 0 {
        Content::Newer
    } else if stored.token(keys, 0) == new.token(keys, 0) {
        Content::Same
    } else {
        Content::Other
    }
}

fn of_ticket(txn: &impl Read, new: &TicketState) -> Result<Option<Obstacle>, Failure> {
    if let Some(stored) = ticket::get(txn, new.digest)? {
        let has_ended = ticket::ended::has_ended(txn, stored.profile_id, stored.era)?
            || ended_tenants::has_ended(txn, &stored.tenant, stored.era)?;
        if has_ended {
            return Ok(Some(Obstacle::Ended));
        }
        let is_same = (&stored.tenant, stored.profile_id) == (&new.tenant, new.profile_id);
        return Ok(Some(exists(is_same)));
    }
    Ok(match owner(txn, &new.tenant, new.profile_id)? {
        Err(obstacle) => Some(obstacle),
        Ok(profile) if !profile.enabled => Some(Obstacle::ProfileDisabled),
        Ok(_) => None,
    })
}

/// The profile that an entry belongs to, in its tenant.
fn owner(
    txn: &impl Read,
    tenant: &TenantName,
    profile_id: ObjectId,
) -> Result<Result<ProfileStatus, Obstacle>, Failure> {
    if tenant::get(txn, tenant)?.is_none() {
        return Ok(Err(Obstacle::NoTenant));
    }
    Ok(match profile::status(txn, profile_id)? {
        Some(profile) if profile.tenant == *tenant => Ok(profile),
        Some(_) => Err(Obstacle::OtherTenant),
        None => Err(Obstacle::NoProfile),
    })
}

fn exists(is_same: bool) -> Obstacle {
    Obstacle::Exists(if is_same {
        Content::Same
    } else {
        Content::Other
    })
}
