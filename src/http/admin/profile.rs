//! Profiles, as the local operator lists them, and sees and ends their locks.

use hyper::Method;
use serde::Serialize;

use crate::app::App;
use crate::clock::Timestamp;
use crate::domain::object_id::ObjectId;
use crate::http::error::{ApiError, RouteError};
use crate::http::method::{get, post};
use crate::http::params::Params;
use crate::http::profile::list;
use crate::http::resource::ResourceRoute;
use crate::http::response::{self, Response};
use crate::service::admin::lock;
use crate::service::caller::Caller;

/// How many profiles of a list a response has at most.
const LIST_PROFILES: usize = 500;

/// The routes under `/admin/1/profile`. Ids are text of the client that has not been parsed yet.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum AdminProfileRoute {
    /// GET `list`
    List,
    /// GET `locked`
    ListLocked,
    /// GET `{id}/lock`
    ReadLock(String),
    /// POST `{id}/unlock`
    Unlock(String),
}

impl ResourceRoute for AdminProfileRoute {
    const IS_LOCAL: bool = true;

    fn parse(method: &Method, segments: &[&str]) -> Result<Self, RouteError> {
        match segments {
            ["list"] => get(method, || Self::List),
            ["locked"] => get(method, || Self::ListLocked),
            [id, "lock"] => get(method, || Self::ReadLock((*id).to_owned())),
            [id, "unlock"] => post(method, || Self::Unlock((*id).to_owned())),
            _ => Err(RouteError::NoSuchPath),
        }
    }

    fn name(&self) -> &'static str {
        match self {
            Self::List => "admin/profile/list",
            Self::ListLocked => "admin/profile/locked",
            Self::ReadLock(_) => "admin/profile/lock",
            Self::Unlock(_) => "admin/profile/unlock",
        }
    }

    async fn handle(self, app: &App, params: &Params) -> Result<Response, ApiError> {
        match self {
            Self::List => list::after(app, Caller::LocalOperator, params, LIST_PROFILES).await,
            Self::ListLocked => {
                let after = params.first("from").map(|text| {
                    ObjectId::parse(text).ok_or_else(|| ApiError::invalid("from", "is no id"))
                });
                let page = lock::locked(app, after.transpose()?)?;
                let locked = page.locked.into_iter().map(|(id, until)| LockedBody {
                    id: id.to_string(),
                    locked_until: until.as_millis(),
                });
                Ok(response::json(&PageBody {
                    locked: locked.collect(),
                    next: page.next.map(|id| id.to_string()),
                })?)
            }
            Self::ReadLock(id) => {
                let until = lock::locked_until(app, id)?;
                Ok(response::json(&LockBody {
                    locked_until: until.map(Timestamp::as_millis),
                })?)
            }
            Self::Unlock(id) => {
                lock::unlock(app, id).await?;
                Ok(response::json(&LockBody { locked_until: None })?)
            }
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct LockBody {
    locked_until: Option<i64>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct LockedBody {
    id: String,
    locked_until: i64,
}

#[derive(Serialize)]
struct PageBody {
    locked: Vec<LockedBody>,
    next: Option<String>,
}
