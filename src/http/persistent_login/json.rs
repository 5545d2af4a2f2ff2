//! The JSON of persistent logins.

use serde::{Serialize, Serializer};

use crate::domain::object_id::ObjectId;
use crate::domain::persistent_login::{PersistentLogin, PersistentLoginId};
use crate::error::Failure;
use crate::http::json_list;
use crate::http::response::{self, Response};
use crate::service::lazy_list::LazyList;
use crate::service::persistent_login::extension::{Extension, IssuedLogin};
use crate::service::persistent_login::list::{ListedLogin, RestOfLogins};
use crate::service::persistent_login::refresh::Refreshed;

/// A response with one login.
///
/// # Errors
///
/// As [`response::json`].
pub fn login(issued: &IssuedLogin) -> Result<Response, Failure> {
    with_extension(&issued.login, issued.extension.as_ref(), None)
}

/// A response with one login that was refreshed; extended, with how it got its token too.
///
/// # Errors
///
/// As [`response::json`].
pub fn refreshed(refreshed: &Refreshed) -> Result<Response, Failure> {
    let extension = refreshed.extension.as_ref();
    let outcome = extension.map(|_| refreshed.outcome.name());
    with_extension(&refreshed.login, extension, outcome)
}

fn with_extension(
    login: &PersistentLogin,
    extension: Option<&Extension>,
    outcome: Option<&str>,
) -> Result<Response, Failure> {
    let (mut profile_id, mut token, mut id) = ([0; 24], [0; 36], [0; 36]);
    response::json(&LoginBody {
        tenant: login.tenant.as_str(),
        profile_id: login.profile_id.encode(&mut profile_id),
        token: login.token.reveal().hyphenated().encode_lower(&mut token),
        timestamp: login.timestamp.as_millis(),
        id: login.id.uuid().hyphenated().encode_lower(&mut id),
        username: extension.map(|extension| extension.username.as_deref()),
        expires_on: extension.map(|extension| extension.expires.as_millis()),
        outcome,
    })
}

/// A response with a list of logins, without their tokens. A long one is sent in pieces.
///
/// # Errors
///
/// As [`response::json`]; failures of the storage.
pub fn list(logins: LazyList<RestOfLogins>) -> Result<Response, Failure> {
    json_list::response(logins, |json, login| {
        response::write_json(json, &ListedBody::new(login))
    })
}

/// A response with the number of logins that were deleted.
///
/// # Errors
///
/// As [`response::json`].
pub fn deleted(count: usize) -> Result<Response, Failure> {
    response::json(&DeletedBody { deleted: count })
}

/// The wire contract's form of a persistent login, in its field order.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct LoginBody<'a> {
    tenant: &'a str,
    profile_id: &'a str,
    token: &'a str,
    timestamp: i64,
    id: &'a str,
    // What follows is not in the wire contract, and only in an extended response.
    #[serde(skip_serializing_if = "Option::is_none")]
    username: Option<Option<&'a str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_on: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    outcome: Option<&'a str>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ListedBody<'a> {
    #[serde(serialize_with = "login_id")]
    id: PersistentLoginId,
    tenant: &'a str,
    #[serde(serialize_with = "object_id")]
    profile_id: ObjectId,
    label: Option<&'a str>,
    user_agent: Option<&'a str>,
    ip_address: Option<&'a str>,
    created_on: i64,
    last_used_on: i64,
    expires_on: i64,
}

impl<'a> ListedBody<'a> {
    fn new(listed: &'a ListedLogin) -> Self {
        Self {
            id: listed.id,
            tenant: listed.tenant.as_str(),
            profile_id: listed.profile_id,
            label: listed.device.label.as_deref(),
            user_agent: listed.device.user_agent.as_deref(),
            ip_address: listed.device.ip_address.as_deref(),
            created_on: listed.created.as_millis(),
            last_used_on: listed.last_used.as_millis(),
            expires_on: listed.expires.as_millis(),
        }
    }
}

#[derive(Serialize)]
struct DeletedBody {
    deleted: usize,
}

// Ids are encoded without `fmt`, which would take longer than the rest of a list.

fn login_id<S: Serializer>(id: &PersistentLoginId, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(id.uuid().hyphenated().encode_lower(&mut [0; 36]))
}

fn object_id<S: Serializer>(id: &ObjectId, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(id.encode(&mut [0; 24]))
}
