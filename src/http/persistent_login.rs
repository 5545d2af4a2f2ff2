//! The persistent-login endpoints: decode, one service call, encode.

use serde::Serialize;

use crate::app::App;
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
    let (mut profile_id, mut token, mut id) = ([0; 24], [0; 36], [0; 36]);
    response::json(&Body {
        tenant: login.tenant.as_str(),
        profile_id: login.profile_id.encode(&mut profile_id),
        token: login.token.reveal().hyphenated().encode_lower(&mut token),
        timestamp: login.timestamp.as_millis(),
        id: login.id.uuid().hyphenated().encode_lower(&mut id),
    })
}

/// The wire contract's form of a persistent login, in its field order.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Body<'a> {
    tenant: &'a str,
    profile_id: &'a str,
    token: &'a str,
    timestamp: i64,
    id: &'a str,
}
