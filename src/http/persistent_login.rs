//! The persistent-login endpoints: decode, one service call, encode.

use serde::{Serialize, Serializer};

use crate::app::App;
use crate::domain::device::{self, Device};
use crate::domain::object_id::ObjectId;
use crate::domain::persistent_login::{PersistentLogin, PersistentLoginId, Token};
use crate::http::request::Input;
use crate::http::response::Fault;
use crate::http::route::PersistentLoginRoute;
use crate::http::{Answer, response};
use crate::service::caller;
use crate::service::persistent_login::create::create;
use crate::service::persistent_login::delete::{delete, delete_by_profile};
use crate::service::persistent_login::list::{ListedLogin, list_by_profile};
use crate::service::persistent_login::read::read;
use crate::service::persistent_login::refresh::refresh;

/// How many logins a list has if the request does not say.
const LIST_COUNT_DEFAULT: usize = 100;

/// How many logins a list may have.
const LIST_COUNT_MAX: usize = 1_000;

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
            caller::admit(app, &caller)?;
            let profile_id = input.required("profileId")?.into_owned();
            let device = device(input)?;
            encode(&create(app, caller, profile_id, device).await?)
        }
        PersistentLoginRoute::Read(id) => encode(&read(app, caller, id)?),
        PersistentLoginRoute::Refresh(id) => {
            let presented = match input.parameter("token") {
                Some(text) => {
                    caller::admit(app, &caller)?;
                    Some(presented(&text)?)
                }
                None => None,
            };
            encode(&refresh(app, caller, id, presented).await?)
        }
        PersistentLoginRoute::Delete(id) => {
            delete(app, caller, id).await?;
            Ok(response::empty())
        }
        PersistentLoginRoute::ListByProfile => {
            caller::admit(app, &caller)?;
            let profile_id = input.required("profileId")?.into_owned();
            let start = input.number("start", usize::MAX)?.unwrap_or(0);
            let count = input.number("count", LIST_COUNT_MAX)?;
            let count = count.unwrap_or(LIST_COUNT_DEFAULT);
            let page = list_by_profile(app, caller, profile_id, start, count)?;
            response::json(&page.iter().map(ListedBody::new).collect::<Vec<_>>())
        }
        PersistentLoginRoute::DeleteByProfile => {
            caller::admit(app, &caller)?;
            let profile_id = input.required("profileId")?.into_owned();
            let except = input.parameter("except");
            let except = except.map(|id| login_id("except", &id)).transpose()?;
            let deleted = delete_by_profile(app, caller, profile_id, except).await?;
            response::json(&DeletedBody { deleted })
        }
    }
}

fn presented(text: &str) -> Result<Token, Fault> {
    Token::parse_presented(text).ok_or_else(|| not_a_uuid("token"))
}

fn login_id(name: &'static str, text: &str) -> Result<PersistentLoginId, Fault> {
    PersistentLoginId::parse(text).ok_or_else(|| not_a_uuid(name))
}

fn not_a_uuid(name: &'static str) -> Fault {
    Fault::ParameterInvalid {
        name,
        what: "is not a UUID".to_owned(),
    }
}

fn device(input: &Input) -> Result<Device, Fault> {
    let text = |name: &'static str, chars_max| {
        let value = input.parameter(name).filter(|text| !text.is_empty());
        match value {
            None => Ok(None),
            Some(text) => match device::fit(&text, chars_max) {
                Ok(()) => Ok(Some(text.into_owned())),
                Err(unfit) => Err(Fault::ParameterInvalid {
                    name,
                    what: unfit.to_string(),
                }),
            },
        }
    };
    Ok(Device {
        label: text("label", device::LABEL_CHARS_MAX)?,
        user_agent: text("userAgent", device::USER_AGENT_CHARS_MAX)?,
        ip_address: text("ipAddress", device::IP_ADDRESS_CHARS_MAX)?,
    })
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

/// A login in a list, without its token.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ListedBody<'a> {
    #[serde(serialize_with = "login_id_text")]
    id: PersistentLoginId,
    tenant: &'a str,
    #[serde(serialize_with = "object_id_text")]
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

// Ids are written without the formatter, which takes longer than everything else in a list.

fn login_id_text<S: Serializer>(id: &PersistentLoginId, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(id.uuid().hyphenated().encode_lower(&mut [0; 36]))
}

fn object_id_text<S: Serializer>(id: &ObjectId, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(id.encode(&mut [0; 24]))
}

/// How many logins were deleted.
#[derive(Serialize)]
struct DeletedBody {
    deleted: usize,
}
