//! Loading a seed file into a new database, in a stream and in many transactions. The database is finished once all of
//! the file is in it: if the load is cut off, there is no database, and the next start begins anew.

pub mod findings;

use std::collections::HashSet;
use std::fmt;
use std::io::{Read as ReadBytes, Seek};
use std::sync::Arc;
use std::thread;

use crate::app::App;
use crate::domain::access_token::{ACTION_NAMES, ANY};
use crate::domain::object_id::ObjectId;
use crate::domain::tenant::TenantName;
use crate::error::Failure;
use crate::service::bootstrap::seed::findings::{EntryPath, Findings, SeedRules};
use crate::service::bootstrap::seed_error::SeedError;
use crate::service::bootstrap::seed_file::List;
use crate::service::bootstrap::seed_reader::SeedFile;
use crate::service::bootstrap::token_file::GeneratedToken;
use crate::service::import::batch::{self, Batch, BatchSender};
use crate::service::import::known_secret::KnownSecrets;
use crate::service::import::prepare::{Fault, NewAccessToken, Preparer, Record};
use crate::service::import::put::{Obstacle, PutRules};
use crate::storage::transaction::Read;
use crate::tables::{access_token, persistent_login, profile, tenant, ticket, verification_token};

/// The consequence of a key that everybody knows.
const FORGEABLE: &str = "if the application that issued their cookies still uses the default key of its security \
                         library, anybody can read and forge such a cookie; give it a key of its own";

/// What was loaded of a seed file.
#[derive(Default, Debug)]
pub struct Loaded {
    counts: SeedCounts,
    findings: Findings,
}

impl Loaded {
    /// How many entries there are.
    pub fn counts(&self) -> SeedCounts {
        SeedCounts {
            skipped: self.findings.skipped(),
            ..self.counts
        }
    }

    /// What is valid and does not do what it seems to or should not stay as it is: entries that are skipped,
    /// permissions for a tenant that is not there or for an action that there is not, and secrets that everybody knows.
    /// Only the first of a kind are here.
    pub fn warnings(&self) -> impl Iterator<Item = String> {
        let has_logins = self.counts.logins > 0;
        let imported = has_logins.then(|| format!("persistentlogin: {FORGEABLE}"));
        self.findings.texts().chain(imported)
    }
}

/// Why a seed file was not loaded.
#[derive(Debug)]
pub enum LoadError {
    /// An entry is not valid, or the file cannot be read.
    Refused(SeedError),
    /// The storage failed.
    Failed(Failure),
}

impl From<SeedError> for LoadError {
    fn from(error: SeedError) -> Self {
        Self::Refused(error)
    }
}

impl From<Failure> for LoadError {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

/// How many entries of each kind there are. Displayed as text for who loads them.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct SeedCounts {
    profiles: usize,
    logins: usize,
    tenants: usize,
    access_tokens: usize,
    tickets: usize,
    verification_tokens: usize,
    skipped: usize,
}

impl SeedCounts {
    /// How many entries there are, without those that are skipped.
    pub fn total(&self) -> usize {
        self.profiles
            + self.logins
            + self.tenants
            + self.access_tokens
            + self.tickets
            + self.verification_tokens
    }
}

impl SeedCounts {
    fn of(&mut self, list: List) -> &mut usize {
        match list {
            List::AccessToken => &mut self.access_tokens,
            List::Tenant => &mut self.tenants,
            List::Profile => &mut self.profiles,
            List::PersistentLogin => &mut self.logins,
            List::Ticket => &mut self.tickets,
            List::VerificationToken => &mut self.verification_tokens,
        }
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
        // Few files have them.
        let others = [
            (self.tickets, "ticket"),
            (self.verification_tokens, "verification token"),
        ];
        let others = others.into_iter().filter(|(count, _)| *count > 0);
        for (at, (count, name)) in counts.into_iter().chain(others).enumerate() {
            let comma = if at > 0 { ", " } else { "" };
            let plural = if count == 1 { "" } else { "s" };
            write!(formatter, "{comma}{count} {name}{plural}")?;
        }
        match self.skipped {
            0 => Ok(()),
            1 => formatter.write_str("; 1 entry skipped"),
            skipped => write!(formatter, "; {skipped} entries skipped"),
        }
    }
}

/// Loads `file`, if the database is empty; `None` if it is not. Before access tokens whose ids were generated are in
/// the database, `keep` gets all of them until then, and the number of those that it had before: nothing else has their
/// ids. An entry that belongs to a tenant or a profile that is not in the file is skipped, unless the rules are strict.
///
/// A large file takes long, so there is no timeout. After an error, a part of the file may be in the database.
///
/// # Errors
///
/// For the first invalid entry of a list, with its path in the file; failures of the storage, and those of `keep`.
pub async fn load<R>(
    app: &App,
    mut file: SeedFile<R>,
    rules: SeedRules,
    mut keep: impl FnMut(&[GeneratedToken], usize) -> Result<(), Failure>,
) -> Result<Option<Loaded>, LoadError>
where
    R: ReadBytes + Seek + Send + 'static,
{
    if !app.store.read(is_empty)? {
        return Ok(None);
    }
    let mut preparer = Preparer::new(app)?;
    let (mut sender, mut batches) = BatchSender::new();
    let read = move || {
        let mut tenant_ids = HashSet::new();
        for list in List::ALL {
            read_list(&mut file, list, &mut preparer, &mut tenant_ids, &mut sender)?;
        }
        Ok::<_, SeedError>(())
    };
    // If this is cut off, it ends with its next batch.
    let reading = thread::Builder::new().name("seed".to_owned()).spawn(read);
    let reading = reading
        .map_err(|error| Failure::Internal(format!("cannot start reading the file: {error}")))?;
    let mut loaded = Loaded::default();
    let mut generated: Vec<GeneratedToken> = Vec::new();
    while let Some((list, mut batch)) = batches.recv().await {
        if !batch.generated.is_empty() {
            let before = generated.len();
            generated.append(&mut batch.generated);
            keep(&generated, before)?;
        }
        let batch = Arc::new(batch);
        let rules_of_tables = PutRules {
            replaces_plain_tenant: false,
        };
        let left_out = batch::write(app, rules_of_tables, &batch).await?;
        note(app, rules, &mut loaded, list, &batch, &left_out)?;
    }
    // It has ended: its end of the channel is closed.
    let read = reading.join();
    read.map_err(|_| Failure::Internal("reading the seed file failed".to_owned()))??;
    Ok(Some(loaded))
}

/// Reads a list, checks each entry by itself, and sends them. The ids of tenants, which are few, are checked here: the
/// table has tenants under their names.
fn read_list<R: ReadBytes + Seek>(
    file: &mut SeedFile<R>,
    list: List,
    preparer: &mut Preparer,
    tenant_ids: &mut HashSet<ObjectId>,
    sender: &mut BatchSender<List>,
) -> Result<(), SeedError> {
    let mut refusal = None;
    let mut secrets = KnownSecrets::default();
    let list_name = list.name();
    file.each(list, |index, at, entry| {
        let path = EntryPath {
            list: list_name,
            index,
        };
        let batch = sender.batch();
        match preparer.prepare(entry) {
            Ok(Record::Tenant(tenant)) if !tenant_ids.insert(tenant.id) => {
                refusal = Some(path.refuse("_id", DUPLICATE));
            }
            Ok(record) => {
                if let Some((field, what)) = secrets.find(&record) {
                    batch.warnings.push((index, field, what));
                }
                batch.records.push((index, record));
            }
            Err(Fault::NoTenant) => batch.without_tenant.push(index),
            Err(Fault::Invalid { field, what }) => refusal = Some(path.refuse(field, what)),
        }
        batch.generated.append(&mut preparer.generated);
        refusal.is_none() && sender.send_if_full(list, at).is_ok()
    })?;
    // What is wrong with an earlier entry comes first.
    let _ = sender.send(list);
    refusal.map_or(Ok(()), Err)
}

const DUPLICATE: &str = "an earlier entry has the same one";

/// Notes what came of a batch.
///
/// # Errors
///
/// For the first entry that makes the file invalid.
fn note(
    app: &App,
    rules: SeedRules,
    loaded: &mut Loaded,
    list: List,
    batch: &Batch,
    left_out: &[(usize, Obstacle)],
) -> Result<(), LoadError> {
    let path = |index| EntryPath {
        list: list.name(),
        index,
    };
    let findings = &mut loaded.findings;
    let mut refused = left_out.iter().peekable();
    let mut without_tenant = batch.without_tenant.iter().peekable();
    for (place, (index, record)) in batch.records.iter().enumerate() {
        while let Some(index) = without_tenant.next_if(|without| *without < index) {
            findings.skip(rules, path(*index), "tenant", NO_TENANT)?;
        }
        let at = path(*index);
        let Some((_, obstacle)) = refused.next_if(|(refused, _)| *refused == place) else {
            *loaded.counts.of(list) += 1;
            match record {
                Record::Login(login) if login.is_future => findings.note_future(at, "timestamp"),
                Record::AccessToken(new) => {
                    app.store
                        .read(|txn| warn_of_permissions(txn, findings, at, new))?;
                }
                _ => {}
            }
            continue;
        };
        match obstacle {
            Obstacle::Exists(_) => {
                let field = if list == List::Tenant { "name" } else { "_id" };
                return Err(at.refuse(field, DUPLICATE).into());
            }
            Obstacle::NameTaken => return Err(at.refuse("name", DUPLICATE).into()),
            Obstacle::UsernameTaken => return Err(at.refuse("username", DUPLICATE).into()),
            Obstacle::OtherTenant => {
                let what = "the profile belongs to another tenant";
                return Err(at.refuse("tenant", what).into());
            }
            Obstacle::NoTenant => findings.skip(rules, at, "tenant", NO_TENANT)?,
            Obstacle::NoProfile => {
                let why = "there is no such profile in the file";
                findings.skip(rules, at, "profileId", why)?;
            }
            // Disabling a profile here would have ended it. The file is not wrong for that.
            Obstacle::ProfileDisabled => {
                let why = "its profile is disabled";
                findings.skip(SeedRules::default(), at, "profileId", why)?;
            }
            Obstacle::Ended => findings.skip(rules, at, "_id", "it was deleted here")?,
        }
    }
    for index in without_tenant {
        findings.skip(rules, path(*index), "tenant", NO_TENANT)?;
    }
    for (index, field, what) in &batch.warnings {
        findings.warn(format_args!("{}[{index}].{field}", list.name()), what);
    }
    Ok(())
}

const NO_TENANT: &str = "there is no such tenant in the file";

/// Warns of permissions for what there is not.
fn warn_of_permissions(
    txn: &impl Read,
    findings: &mut Findings,
    at: EntryPath,
    new: &NewAccessToken,
) -> Result<(), Failure> {
    let EntryPath { list, index } = at;
    for (number, permission) in new.token.tenant_permissions.iter().enumerate() {
        let path = |field| format!("{list}[{index}].tenantPermissions[{number}].{field}");
        let tenant = permission.tenant.as_str();
        let is_known = match TenantName::new(tenant) {
            Some(name) => tenant == ANY || tenant::get(txn, &name)?.is_some(),
            None => false,
        };
        if !is_known {
            let what = format_args!("there is no tenant {tenant:?} in the file");
            findings.warn(path("tenant"), what);
        }
        for action in permission.allowed_actions.iter().map(String::as_str) {
            if action != ANY && !ACTION_NAMES.contains(&action) {
                let known = ACTION_NAMES.join(", ");
                let what = format_args!(
                    "there is no action {action:?}; the actions are {known} and {ANY}"
                );
                findings.warn(path("allowedActions"), what);
            }
        }
    }
    Ok(())
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
        && persistent_login::is_empty(txn)?
        && ticket::count(txn)? == 0
        && verification_token::is_empty(txn)?)
}

#[cfg(test)]
mod properties;
