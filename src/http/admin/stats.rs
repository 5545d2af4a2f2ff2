//! What the server is, and how much there is in its database.

use std::time::Instant;

use hyper::Method;
use serde::Serialize;

use crate::app::App;
use crate::http::error::{ApiError, RouteError};
use crate::http::method::get;
use crate::http::params::Params;
use crate::http::resource::ResourceRoute;
use crate::http::response::{self, Response};
use crate::service::admin::stats::stats;
use crate::tables::upgrade::SCHEMA_VERSION;

/// The routes under `/admin/1/stats`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum StatsRoute {
    /// GET ``
    Read,
}

impl ResourceRoute for StatsRoute {
    const IS_LOCAL: bool = true;

    fn parse(method: &Method, segments: &[&str]) -> Result<Self, RouteError> {
        match segments {
            [] => get(method, || Self::Read),
            _ => Err(RouteError::NoSuchPath),
        }
    }

    fn name(&self) -> &'static str {
        "admin/stats"
    }

    async fn handle(self, app: &App, _: &Params) -> Result<Response, ApiError> {
        let stats = stats(app)?;
        let uptime = Instant::now().saturating_duration_since(app.started.instant);
        Ok(response::json(&StatsBody {
            version: env!("CARGO_PKG_VERSION"),
            schema_version: SCHEMA_VERSION,
            uptime_seconds: uptime.as_secs(),
            access_tokens: stats.access_tokens,
            tenants: stats.tenants,
            profiles: stats.profiles,
            persistent_logins: stats.persistent_logins,
            tickets: stats.tickets,
            verification_tokens: stats.verification_tokens,
            queued_mails: stats.queued_mails,
        })?)
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct StatsBody {
    version: &'static str,
    schema_version: u64,
    uptime_seconds: u64,
    access_tokens: u64,
    tenants: u64,
    profiles: u64,
    persistent_logins: u64,
    tickets: u64,
    verification_tokens: u64,
    queued_mails: u64,
}
