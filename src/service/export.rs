//! Writing out what the server has, a page of a collection at a time, as documents that an import takes: by this server
//! or by MongoDB, whose types they have then.
//!
//! Tokens are in clear in them. What is stored as a digest alone, tickets and verification tokens, cannot be written
//! out.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::app::App;
use crate::audit::event::Event;
use crate::audit::subject::Subject;
use crate::clock::Timestamp;
use crate::domain::access_token::AccessToken;
use crate::domain::object_id::ObjectId;
use crate::domain::persistent_login::{Lifetime, PersistentLogin};
use crate::domain::profile::Profile;
use crate::domain::tenant::Tenant;
use crate::error::Failure;
use crate::service::bootstrap::seed_file::List;
use crate::service::context::OpContext;
use crate::storage::transaction::Read;
use crate::tables::persistent_login::ended;
use crate::tables::persistent_login::key::LoginKey;
use crate::tables::profile::login_block::{self, LoginBlock};
use crate::tables::{access_token, persistent_login, profile, tenant};

/// How many records a page is made of at most.
const PAGE_RECORDS: usize = 1_000;

/// How much the documents of a page take at least, in bytes, if there are enough of them.
const PAGE_BYTES: usize = 1 << 20;

/// Whose types documents have.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Format {
    /// JSON's: ids are text, dates are epoch milliseconds.
    Own,
    /// MongoDB's, in extended JSON.
    Mongo,
}

/// A part of a collection.
#[derive(Default, Debug)]
pub struct Page {
    /// The documents, as JSON.
    pub documents: Vec<String>,
    /// What was not written out, by the reason.
    pub skipped: BTreeMap<&'static str, u64>,
    /// The profiles whose password the original cannot verify.
    pub passwords: Vec<UnknownPassword>,
    /// Where the next page begins; `None` if this is the last.
    pub next: Option<String>,
}

/// A profile whose password the original cannot verify.
#[derive(Debug)]
pub struct UnknownPassword {
    /// Its id.
    pub id: String,
    /// Its tenant.
    pub tenant: String,
    /// Its username.
    pub username: String,
}

/// The page of a collection that begins at `from`, which an earlier page has named; the first one without it. `None`
/// if there is no such page. The first one is recorded in the audit log.
///
/// # Errors
///
/// Failures of the storage.
pub fn page(
    app: &App,
    list: List,
    format: Format,
    from: Option<&str>,
) -> Result<Option<Page>, Failure> {
    let page = app.store.read(|txn| match list {
        List::AccessToken => access_tokens(app, txn, format).map(Some),
        List::Tenant => tenants(txn, format).map(Some),
        List::Profile => profiles(txn, format, from),
        List::PersistentLogin => logins(app, txn, format, from),
        List::Ticket | List::VerificationToken => Ok(None),
    })?;
    if page.is_some() && from.is_none() {
        let documents = Subject::Documents {
            collection: list.name(),
            count: None,
        };
        OpContext::as_local_operator(app).record_subject_now(Event::Export, &documents);
    }
    Ok(page)
}

/// All of them: they are few, and in memory anyway.
fn access_tokens(app: &App, txn: &impl Read, format: Format) -> Result<Page, Failure> {
    let keys = app.keys.get()?;
    let mut page = Page::default();
    for digest in access_token::digests(txn)? {
        let Some((sealed, token)) = access_token::by_digest(txn, &digest)? else {
            continue;
        };
        match sealed.open(keys, &digest) {
            Some(id) => page
                .documents
                .push(access_token_document(format, id.reveal(), &token).to_string()),
            None => *page.skipped.entry(KEY_MISSING).or_default() += 1,
        }
    }
    Ok(page)
}

const KEY_MISSING: &str = "the key of its secret is missing";

fn access_token_document(format: Format, id: &str, token: &AccessToken) -> Value {
    let permissions = token.tenant_permissions.iter();
    let permissions = permissions.map(|permission| {
        json!({"tenant": permission.tenant, "allowedActions": permission.allowed_actions})
    });
    json!({
        "_id": id,
        "application": token.application,
        "master": token.master,
        "tenantPermissions": Vec::from_iter(permissions),
        "expiresOn": token.expires_on.map(|date| format.date(date)),
    })
}

/// All of them: they are few, and in memory anyway.
fn tenants(txn: &impl Read, format: Format) -> Result<Page, Failure> {
    let mut page = Page::default();
    for tenant in tenant::all(txn)? {
        page.documents
            .push(tenant_document(format, &tenant).to_string());
    }
    Ok(page)
}

fn tenant_document(format: Format, tenant: &Tenant) -> Value {
    let definitions = tenant.attribute_definitions.iter().map(|definition| {
        let permissions = definition.permissions.iter().map(|permission| {
            json!({"application": permission.application, "allowedActions": permission.allowed_actions})
        });
        json!({
            "permissions": Vec::from_iter(permissions),
            "name": definition.name,
            "metadata": definition.metadata,
            "defaultValue": definition.default_value,
        })
    });
    json!({
        "_id": format.id(tenant.id),
        "name": tenant.name.as_str(),
        "verifyNewProfiles": tenant.verify_new_profiles,
        "availableRoles": tenant.available_roles,
        "ssoEnabled": tenant.sso_enabled,
        "attributeDefinitions": Vec::from_iter(definitions),
        "cleanseAttributes": tenant.cleanse_attributes,
    })
}

fn profiles(txn: &impl Read, format: Format, from: Option<&str>) -> Result<Option<Page>, Failure> {
    let after = match from.map(ObjectId::parse) {
        None => None,
        Some(Some(id)) => Some(id),
        Some(None) => return Ok(None),
    };
    let mut page = Page::default();
    let ids = profile::ids_after(txn, after, PAGE_RECORDS)?;
    let is_last = ids.len() < PAGE_RECORDS;
    let mut bytes = 0;
    for (at, id) in ids.iter().enumerate() {
        // What ended with its tenant is none.
        let Some(profile) = profile::get(txn, *id)? else {
            continue;
        };
        let document = profile_document(format, &profile)?;
        bytes += document.len();
        page.documents.push(document);
        if profile
            .password
            .as_ref()
            .is_some_and(|hash| hash.cost().is_some())
        {
            page.passwords.push(UnknownPassword {
                id: id.to_string(),
                tenant: profile.tenant.as_str().to_owned(),
                username: profile.username,
            });
        }
        if bytes >= PAGE_BYTES && at + 1 < ids.len() {
            page.next = Some(id.to_string());
            return Ok(Some(page));
        }
    }
    page.next = ids.last().filter(|_| !is_last).map(ObjectId::to_string);
    Ok(Some(page))
}

fn profile_document(format: Format, profile: &Profile) -> Result<String, Failure> {
    let mut document = json!({
        "_id": format.id(profile.id),
        "username": profile.username,
        "email": profile.email,
        "verified": profile.verified,
        "enabled": profile.enabled,
        "createdOn": format.date(profile.created_on),
        "lastModified": format.date(profile.last_modified),
        "tenant": profile.tenant.as_str(),
    });
    if let Some(password) = &profile.password {
        document["password"] = password.to_text().into();
    }
    if let Some(roles) = &profile.roles {
        document["roles"] = json!(roles);
    }
    if let Some(attributes) = &profile.attributes {
        let mut values = serde_json::Map::new();
        for (name, value) in attributes.iter() {
            let value = serde_json::from_str(value).map_err(|error| {
                Failure::Corrupt(format!("profile: an attribute is no JSON: {error}"))
            })?;
            values.insert(name.to_owned(), value);
        }
        document["attributes"] = values.into();
    }
    Ok(document.to_string())
}

fn logins(
    app: &App,
    txn: &impl Read,
    format: Format,
    from: Option<&str>,
) -> Result<Option<Page>, Failure> {
    let after = match from.map(login_key) {
        None => None,
        Some(Some(key)) => Some(key),
        Some(None) => return Ok(None),
    };
    let (keys, now) = (app.keys.get()?, app.clock.now());
    let lifetime = Lifetime {
        max_age: app.config.logins.persistent_login_max_age,
        idle_max: app.config.logins.persistent_login_idle_max,
    };
    let mut page = Page::default();
    let mut logins = Vec::new();
    let last = persistent_login::walk(txn, after, PAGE_RECORDS, |login| logins.push(login))?;
    for login in &logins {
        let why = if ended::has_ended(txn, login)? {
            Some("it has ended")
        } else if login.is_expired(&now, lifetime) {
            Some("it has expired")
        } else {
            match login_block::get(txn, login.profile_id)? {
                Some(LoginBlock::Gone) => Some("its profile is gone"),
                // There, it would be valid.
                Some(LoginBlock::Disabled) if format == Format::Mongo => {
                    Some("its profile is disabled")
                }
                Some(LoginBlock::Disabled) | None => None,
            }
        };
        match (why, login.issue(keys, &now.timeline)) {
            (None, Some(issued)) => {
                page.documents
                    .push(login_document(format, &issued).to_string());
            }
            (why, _) => *page.skipped.entry(why.unwrap_or(KEY_MISSING)).or_default() += 1,
        }
    }
    page.next = last.map(|key| {
        key.to_bytes()
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect()
    });
    Ok(Some(page))
}

/// The key in the hexadecimal digits of its bytes.
fn login_key(text: &str) -> Option<LoginKey> {
    let mut bytes = [0; 28];
    if text.len() != 2 * bytes.len() || !text.is_ascii() {
        return None;
    }
    for (at, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from_str_radix(&text[2 * at..2 * at + 2], 16).ok()?;
    }
    Some(LoginKey::from_bytes(&bytes))
}

fn login_document(format: Format, login: &PersistentLogin) -> Value {
    json!({
        "_id": login.id.to_string(),
        "tenant": login.tenant.as_str(),
        "profileId": login.profile_id.to_string(),
        "token": login.token.reveal().to_string(),
        "timestamp": format.date(login.timestamp),
    })
}

impl Format {
    fn id(self, id: ObjectId) -> Value {
        match self {
            Self::Own => id.to_string().into(),
            Self::Mongo => json!({ "$oid": id.to_string() }),
        }
    }

    fn date(self, date: Timestamp) -> Value {
        let millis = date.as_millis();
        match self {
            Self::Own => millis.into(),
            Self::Mongo => json!({"$date": {"$numberLong": millis.to_string()}}),
        }
    }
}
