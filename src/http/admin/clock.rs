//! The believed time and the host's clock.

use hyper::Method;
use serde::Serialize;

use crate::app::App;
use crate::http::error::{ApiError, RouteError};
use crate::http::method::{get, post};
use crate::http::params::Params;
use crate::http::resource::ResourceRoute;
use crate::http::response::{self, Response};
use crate::jobs::clock::accept;

/// The routes under `/admin/1/clock`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ClockRoute {
    /// GET ``
    Read,
    /// POST `accept`
    Accept,
}

impl ResourceRoute for ClockRoute {
    const IS_LOCAL: bool = true;

    fn parse(method: &Method, segments: &[&str]) -> Result<Self, RouteError> {
        match segments {
            [] => get(method, || Self::Read),
            ["accept"] => post(method, || Self::Accept),
            _ => Err(RouteError::NoSuchPath),
        }
    }

    fn name(&self) -> &'static str {
        match self {
            Self::Read => "admin/clock",
            Self::Accept => "admin/clock/accept",
        }
    }

    async fn handle(self, app: &App, _: &Params) -> Result<Response, ApiError> {
        if self == Self::Accept {
            accept(app).await?;
        }
        let status = app.clock.status();
        let believed = app.clock.now().time().as_millis();
        Ok(response::json(&ClockBody {
            believed_time: believed,
            host_time: believed.saturating_add(status.difference_millis),
            host_ahead_millis: status.difference_millis,
            synchronized: status.is_synchronized,
            agrees: status.agrees(),
        })?)
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ClockBody {
    believed_time: i64,
    host_time: i64,
    host_ahead_millis: i64,
    synchronized: bool,
    agrees: bool,
}
