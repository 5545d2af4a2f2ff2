//! A query for profiles of a tenant, once its caller may ask it.

use std::sync::Arc;

use crate::app::App;
use crate::clock::Timestamp;
use crate::domain::access_token::AccessToken;
use crate::domain::attribute_access::AttributeAction;
use crate::domain::object_id::ObjectId;
use crate::domain::profile::Profile;
use crate::domain::query::Query;
use crate::domain::query::error::QueryError;
use crate::domain::query::value::{Fields, Value};
use crate::domain::tenant::{Tenant, TenantName, definition};
use crate::error::Failure;
use crate::service::access::require_profiles;
use crate::service::caller::Caller;
use crate::service::profile::ProfileRefusal;
use crate::service::profile::list::source::{Candidate, Source};
use crate::service::profile::refusal::ProfileRequestRefusal;
use crate::service::profile::request::Checked;
use crate::service::transaction;
use crate::storage::transaction::Read;
use crate::tables::profile::document::{Document, with_document};
use crate::tables::{ended_tenants, tenant};

/// The field that has the attributes.
const ATTRIBUTES: &str = "attributes";

/// The fields that the index of usernames has.
const INDEXED: [&str; 2] = ["_id", "username"];

/// A query, and the tenant whose profiles it is for.
pub(super) struct ProfileQuery {
    pub(super) tenant: TenantName,
    query: Query,
    /// Whether the index of usernames has all that it names.
    is_indexed: bool,
    /// The names of the attributes that the caller's application may read, if it names all attributes as a whole.
    readable: Vec<String>,
}

impl ProfileQuery {
    /// The query with this text for profiles of the tenant with this name.
    ///
    /// # Errors
    ///
    /// Refuses an invalid caller, one without MANAGE_PROFILES and then READ_TENANT on the tenant, and a tenant that
    /// does not exist, in this order; then a query that is malformed or names a field that none may name, or an
    /// attribute that the caller's application may not read.
    pub(super) fn new(app: &App, caller: &Caller, tenant: &str, text: &str) -> Checked<Self> {
        let now = app.clock.now().time();
        let (token, tenant) = transaction::read(app, |txn| authorize(txn, caller, now, tenant))?;
        let query = Query::parse(text).map_err(ProfileRequestRefusal::QueryInvalid)?;
        let is_indexed = query.needs().all(|field| INDEXED.contains(&field));
        let readable = readable(&query, &tenant, &token)?;
        Ok(Self {
            is_indexed,
            tenant: tenant.name.clone(),
            readable,
            query,
        })
    }

    /// Whether it matches every profile, without looking at any field.
    pub(super) fn matches_all(&self) -> bool {
        self.query.needs().next().is_none() && self.query.matches(&NoFields)
    }

    /// Where the profiles are that may match.
    pub(super) fn source<'a>(&self, app: &'a App) -> Source<'a> {
        Source::of_query(app, &self.tenant, &self.query, !self.is_indexed)
    }

    /// The profile, if there is one and it matches.
    pub(super) fn find(
        &self,
        txn: &impl Read,
        candidate: &Candidate<'_>,
    ) -> Checked<Option<Profile>> {
        if let Some(false) = self.is_match_by_index(candidate)? {
            return Ok(None);
        }
        let found = self.with_document(txn, candidate.id, |document| {
            if self.query.matches(&document) {
                document.profile()
            } else {
                Ok(None)
            }
        });
        let found = found?.flatten();
        self.check_work().map(|()| found)
    }

    /// Whether there is such a profile and it matches.
    pub(super) fn is_match(&self, txn: &impl Read, candidate: &Candidate<'_>) -> Checked<bool> {
        // The index has what is left of profiles that ended with their tenant.
        if let Some(is_match) = self.is_match_by_index(candidate)?
            && (!is_match || ended_tenants::all(txn)?.of(&self.tenant)?.is_none())
        {
            return Ok(is_match);
        }
        let found = self.with_document(txn, candidate.id, |document| {
            Ok(self.query.matches(&document))
        });
        let found = found?.unwrap_or(false);
        self.check_work().map(|()| found)
    }

    /// Whether a profile of the index matches, if that can be told without its record.
    fn is_match_by_index(&self, candidate: &Candidate<'_>) -> Checked<Option<bool>> {
        let Some(username) = candidate.username.filter(|_| self.is_indexed) else {
            return Ok(None);
        };
        let document = Document::of_username(candidate.id, username);
        let is_match = self.query.matches(&document);
        self.check_work().map(|()| Some(is_match))
    }

    /// Refuses the query if the profile that was matched last was too much work.
    fn check_work(&self) -> Checked<()> {
        if self.query.was_too_much_work() {
            return Err(ProfileRequestRefusal::QueryInvalid(QueryError::TooMuchWork).into());
        }
        Ok(())
    }

    fn with_document<T>(
        &self,
        txn: &impl Read,
        id: ObjectId,
        with: impl FnOnce(Document<'_>) -> Result<T, Failure>,
    ) -> Result<Option<T>, Failure> {
        with_document(txn, &self.tenant, id, &self.readable, with)
    }
}

/// The caller and the tenant with this name, if the caller may ask for its profiles.
fn authorize(
    txn: &impl Read,
    caller: &Caller,
    now: Timestamp,
    name: &str,
) -> Checked<(Arc<AccessToken>, Arc<Tenant>)> {
    let token = caller.identify(txn, now)?;
    require_profiles(&token, name)?;
    let found = match TenantName::new(name) {
        Some(name) => tenant::get(txn, &name)?,
        None => None,
    };
    let name = name.to_owned();
    let tenant = found.ok_or(ProfileRefusal::NoSuchTenant { name })?;
    Ok((token, tenant))
}

/// What a query sees that looks at no field.
struct NoFields;

impl Fields for NoFields {
    fn field(&self, _: &str) -> Option<Value<'_>> {
        None
    }

    fn attribute(&self, _: &str) -> Option<Value<'_>> {
        None
    }
}

/// The names of the attributes that `caller` may read, if the query names the attributes as a whole.
///
/// # Errors
///
/// Refuses a query that names one that the caller may not read: by many queries it could be found out.
fn readable(query: &Query, tenant: &Tenant, caller: &AccessToken) -> Checked<Vec<String>> {
    let definitions = &tenant.attribute_definitions;
    let mut names_all = false;
    for path in query.fields() {
        let mut parts = path.splitn(3, '.');
        if parts.next() != Some(ATTRIBUTES) {
            continue;
        }
        let Some(name) = parts.next() else {
            names_all = true;
            continue;
        };
        let may_read = definition(definitions, name)
            .is_some_and(|definition| definition.allows(AttributeAction::Read, caller));
        if !may_read {
            let name = name.to_owned();
            return Err(ProfileRequestRefusal::QueryAttributeDenied { name }.into());
        }
    }
    if !names_all {
        return Ok(Vec::new());
    }
    let readable = definitions
        .iter()
        .filter(|definition| definition.allows(AttributeAction::Read, caller));
    Ok(readable.map(|definition| definition.name.clone()).collect())
}
