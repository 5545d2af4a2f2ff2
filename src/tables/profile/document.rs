//! Profiles as queries see them: the fields of what is stored, of which nothing is decoded that a query does not name.

use std::borrow::Cow;

use crate::clock::Timestamp;
use crate::domain::object_id::ObjectId;
use crate::domain::profile::Profile;
use crate::domain::query::value::{Fields, Value};
use crate::domain::tenant::TenantName;
use crate::error::Failure;
use crate::storage::transaction::Read;
use crate::tables::profile::record::{PROFILES, ProfileParts, decode, decode_parts};
use crate::tables::{ended_tenants, tenant};

/// A profile as a query sees it. What was never set is no field of it; its password and its tenant are none either.
pub struct Document<'d> {
    id: ObjectId,
    source: Source<'d>,
    /// The names of the attributes that the field `attributes` has as a whole.
    shown: &'d [String],
}

/// Where the fields are.
enum Source<'d> {
    /// In the index of usernames, which has no other ones.
    Username(&'d str),
    /// In the record.
    Record(ProfileParts<'d>, &'d [u8]),
    /// In the profile, which has sweeps of its tenant that its record lacks.
    Swept(Box<Profile>),
}

impl<'d> Document<'d> {
    /// What the index of usernames has of a profile.
    pub fn of_username(id: ObjectId, username: &'d str) -> Self {
        Self {
            id,
            source: Source::Username(username),
            shown: &[],
        }
    }

    /// The profile, if its record was read.
    ///
    /// # Errors
    ///
    /// [`Failure::Corrupt`].
    pub fn profile(self) -> Result<Option<Profile>, Failure> {
        match self.source {
            Source::Username(_) => Ok(None),
            Source::Record(_, record) => Ok(Some(decode(self.id, record)?.profile)),
            Source::Swept(profile) => Ok(Some(*profile)),
        }
    }

    fn roles(&self) -> Option<Value<'_>> {
        let roles: Vec<_> = match &self.source {
            Source::Username(_) => return None,
            Source::Record(parts, _) => parts.roles()?.map(text).collect(),
            Source::Swept(profile) => profile
                .roles
                .as_ref()?
                .iter()
                .map(|role| text(role))
                .collect(),
        };
        Some(Value::Array(roles))
    }

    fn attributes(&self) -> Option<Value<'_>> {
        let mut shown = Vec::new();
        let mut show = |name, json| {
            if self.shown.iter().any(|shown| shown == name)
                && let Some(value) = Value::from_json(json)
            {
                shown.push((Cow::Borrowed(name), value));
            }
        };
        match &self.source {
            Source::Username(_) => return None,
            Source::Record(parts, _) => parts
                .attributes()?
                .for_each(|(name, json)| show(name, json)),
            Source::Swept(profile) => {
                let attributes = profile.attributes.as_ref()?;
                attributes.iter().for_each(|(name, json)| show(name, json));
            }
        }
        Some(Value::Document(shown))
    }
}

impl Fields for Document<'_> {
    fn field(&self, name: &str) -> Option<Value<'_>> {
        if name == "_id" {
            return Some(Value::ObjectId(self.id));
        }
        let (username, email, verified, enabled, created_on, last_modified) = match &self.source {
            Source::Username(username) => return (name == "username").then(|| text(username)),
            Source::Record(parts, _) => (
                parts.head.username,
                parts.email,
                parts.verified,
                parts.head.enabled,
                parts.created_on,
                parts.last_modified,
            ),
            Source::Swept(profile) => (
                profile.username.as_str(),
                profile.email.as_str(),
                profile.verified,
                profile.enabled,
                profile.created_on,
                profile.last_modified,
            ),
        };
        match name {
            "username" => Some(text(username)),
            "email" => Some(text(email)),
            "verified" => Some(Value::Bool(verified)),
            "enabled" => Some(Value::Bool(enabled)),
            "createdOn" => Some(date(created_on)),
            "lastModified" => Some(date(last_modified)),
            "roles" => self.roles(),
            "attributes" => self.attributes(),
            _ => None,
        }
    }

    fn attribute(&self, name: &str) -> Option<Value<'_>> {
        let json = match &self.source {
            Source::Username(_) => None,
            Source::Record(parts, _) => {
                let found = parts.attributes()?.find(|(found, _)| *found == name);
                found.map(|(_, json)| json)
            }
            Source::Swept(profile) => profile.attributes.as_ref()?.get(name),
        };
        Value::from_json(json?)
    }
}

fn text(text: &str) -> Value<'_> {
    Value::Text(Cow::Borrowed(text))
}

fn date(time: Timestamp) -> Value<'static> {
    Value::Date(time.as_millis())
}

/// What `with` makes of the profile with this id, if there is one of this tenant. The field `attributes` as a whole has
/// those with the names `shown`.
///
/// # Errors
///
/// Of the storage, or of a record that does not decode; what `with` fails with.
pub fn with_document<T>(
    txn: &impl Read,
    tenant: &TenantName,
    id: ObjectId,
    shown: &[String],
    with: impl FnOnce(Document<'_>) -> Result<T, Failure>,
) -> Result<Option<T>, Failure> {
    let found = txn.get(&PROFILES, id.as_bytes(), |record| {
        let parts = decode_parts(record)?;
        let head = &parts.head;
        if head.tenant != *tenant || ended_tenants::has_ended(txn, &head.tenant, head.era)? {
            return Ok(None);
        }
        let swept = tenant::with_sweeps(txn, &head.tenant, |sweeps| {
            if head.tenant_revision >= sweeps.revision {
                return Ok(None);
            }
            let mut profile = Box::new(decode(id, record)?.profile);
            sweeps.apply_since(head.tenant_revision, &mut profile);
            Ok(Some(profile))
        })??;
        let source = match swept {
            Some(profile) => Source::Swept(profile),
            None => Source::Record(parts, record),
        };
        with(Document { id, source, shown }).map(Some)
    })?;
    Ok(found.flatten())
}
