//! The persistent-login endpoints: decode, one service call, encode.

use std::fmt::Display;

use serde::{Serialize, Serializer};
use uuid::Uuid;

use crate::app::App;
use crate::domain::object_id::ObjectId;
use crate::domain::persistent_login::PersistentLogin;
use crate::http::request::Input;
use crate::http::response::Fault;
use crate::http::route::PersistentLoginRoute;
use crate::http::{Answer, response};
use crate::service::{access, persistent_login};

/// Answers a request for `route`.
///
/// # Errors
///
/// What the service of the same name refuses or fails with, and a missing parameter once the caller
/// is known.
pub async fn answer(
    app: &App,
    route: PersistentLoginRoute,
    input: &Input,
) -> Result<Answer, Fault> {
    let caller = input.caller();
    match route {
        PersistentLoginRoute::Create => {
            access::admit(app, &caller)?;
            let profile_id = input.required("profileId")?.into_owned();
            encode(&persistent_login::create(app, caller, profile_id).await?)
        }
        PersistentLoginRoute::Read(id) => encode(&persistent_login::read(app, caller, id)?),
        PersistentLoginRoute::Refresh(id) => {
            encode(&persistent_login::refresh(app, caller, id).await?)
        }
        PersistentLoginRoute::Delete(id) => {
            persistent_login::delete(app, caller, id).await?;
            Ok(response::empty())
        }
    }
}

fn encode(login: &PersistentLogin) -> Result<Answer, Fault> {
    response::json(&Body {
        tenant: login.tenant.as_str(),
        profile_id: login.profile_id,
        token: login.token.reveal(),
        timestamp: login.timestamp.as_millis(),
        id: login.id.uuid(),
    })
}

/// The wire contract's form of a persistent login, in its field order.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Body<'a> {
    tenant: &'a str,
    #[serde(serialize_with = "display")]
    profile_id: ObjectId,
    #[serde(serialize_with = "display")]
    token: Uuid,
    timestamp: i64,
    #[serde(serialize_with = "display")]
    id: Uuid,
}

fn display<S: Serializer>(value: &impl Display, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(value)
}
