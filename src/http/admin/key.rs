//! The secret keys.

use hyper::{Method, StatusCode};
use serde::Serialize;

use crate::app::App;
use crate::http::error::{ApiError, Describe, Description, OTHER, RouteError};
use crate::http::method::{get, post};
use crate::http::params::Params;
use crate::http::resource::ResourceRoute;
use crate::http::response::{self, Response};
use crate::service::admin::key::{self, KeyRefusal};

/// The routes under `/admin/1/key`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum KeyRoute {
    /// GET ``
    List,
    /// POST `rotate`
    Rotate,
    /// POST `drop`
    Drop,
}

impl ResourceRoute for KeyRoute {
    const IS_LOCAL: bool = true;

    fn parse(method: &Method, segments: &[&str]) -> Result<Self, RouteError> {
        match segments {
            [] => get(method, || Self::List),
            ["rotate"] => post(method, || Self::Rotate),
            ["drop"] => post(method, || Self::Drop),
            _ => Err(RouteError::NoSuchPath),
        }
    }

    fn name(&self) -> &'static str {
        match self {
            Self::List => "admin/key",
            Self::Rotate => "admin/key/rotate",
            Self::Drop => "admin/key/drop",
        }
    }

    async fn handle(self, app: &App, params: &Params) -> Result<Response, ApiError> {
        match self {
            Self::List => {
                let keys = key::list(app).await?;
                let keys = keys.iter().map(|key| KeyBody {
                    number: key.number,
                    is_newest: key.is_newest,
                    logins: key.logins,
                });
                Ok(response::json(&keys.collect::<Vec<_>>())?)
            }
            Self::Rotate => {
                let number = key::rotate(app).await?;
                Ok(response::json(&RotatedBody { number })?)
            }
            Self::Drop => {
                let number = params.required("number")?;
                let number = number
                    .parse()
                    .map_err(|_| ApiError::invalid("number", "is not the number of a key"))?;
                let ends_logins = params.boolean("endsLogins")?.unwrap_or(false);
                let logins = key::drop(app, number, ends_logins).await?;
                Ok(response::json(&DroppedBody { number, logins })?)
            }
        }
    }
}

impl Describe for KeyRefusal {
    fn describe(&self) -> Description {
        let (status, message) = match self {
            Self::NotFound(number) => (StatusCode::NOT_FOUND, format!("There is no key {number}")),
            Self::Newest(number) => (
                StatusCode::CONFLICT,
                format!("Key {number} is the newest one: rotate the keys first"),
            ),
            Self::Needed { number, logins } => (
                StatusCode::CONFLICT,
                format!("{logins} logins need key {number} and would end"),
            ),
            Self::File(cause) => (
                StatusCode::CONFLICT,
                format!("The key file cannot be written, and nothing was changed: {cause}"),
            ),
            Self::LeftInFile { number, cause } => (
                StatusCode::CONFLICT,
                format!(
                    "Key {number} is not used any more, and the logins that need it have ended, but it could not be \
                     removed from the key file, and the next start would use it again; remove its line: {cause}"
                ),
            ),
            Self::InUse(number) => (
                StatusCode::SERVICE_UNAVAILABLE,
                format!(
                    "Requests or background work with the former keys have not ended in time, and nothing was \
                     changed; drop key {number} later"
                ),
            ),
            Self::Busy(number) => (
                StatusCode::SERVICE_UNAVAILABLE,
                format!(
                    "Requests or background work with the former keys have not ended in time; key {number} is used \
                     from the next start on"
                ),
            ),
        };
        Description {
            status,
            code: OTHER,
            message: message.into(),
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct KeyBody {
    number: u32,
    is_newest: bool,
    logins: u64,
}

#[derive(Serialize)]
struct RotatedBody {
    number: u32,
}

#[derive(Serialize)]
struct DroppedBody {
    number: u32,
    logins: u64,
}
