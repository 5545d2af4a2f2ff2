//! Whether the process is alive, and whether it should be sent requests.

use hyper::{Method, StatusCode};
use serde_json::{Value, json};

use crate::app::{App, Phase};
use crate::clock::date;
use crate::http::error::{ApiError, RouteError};
use crate::http::method;
use crate::http::params::Params;
use crate::http::resource::ResourceRoute;
use crate::http::response::{self, Response};
use crate::storage::engine::damage::DamagedPlace;
use crate::storage::engine::guarded_file::FileRange;

/// The routes under `/health`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum HealthRoute {
    /// GET `live`
    Live,
    /// GET `ready`
    Ready,
}

impl ResourceRoute for HealthRoute {
    const IS_PUBLIC: bool = true;

    fn parse(method: &Method, segments: &[&str]) -> Result<Self, RouteError> {
        match segments {
            ["live"] => method::get(method, || Self::Live),
            ["ready"] => method::get(method, || Self::Ready),
            _ => Err(RouteError::NoSuchPath),
        }
    }

    fn name(&self) -> &'static str {
        match self {
            Self::Live => "health/live",
            Self::Ready => "health/ready",
        }
    }

    async fn handle(self, app: &App, _params: &Params) -> Result<Response, ApiError> {
        let (status, json) = match self {
            Self::Live => (StatusCode::OK, json!({"status": "live"})),
            Self::Ready if app.is_ready() => {
                let mut details = json!({"status": "ready", "clock": clock(app)});
                let unreadable = app.store.damage();
                if !unreadable.is_empty() {
                    details["unreadable"] = unreadable.iter().map(part).collect();
                }
                let last_good = app.backups.last_good();
                // With a schedule, that there is none has to be seen.
                if last_good.is_some() || app.config.backup.backup_dir.is_some() {
                    details["backup"] = json!({"lastGood": last_good.map(date::rfc_3339)});
                }
                (StatusCode::OK, details)
            }
            // While starting or draining, and after a storage failure.
            Self::Ready => {
                let details =
                    json!({"status": "not ready", "reason": reason(app), "clock": clock(app)});
                (StatusCode::SERVICE_UNAVAILABLE, details)
            }
        };
        Ok(response::with_status(status, json.to_string()))
    }
}

/// Why the server is not ready.
fn reason(app: &App) -> &'static str {
    match app.phase() {
        Phase::Starting => "starting",
        Phase::Serving => "storage",
        Phase::Draining => "stopping",
    }
}

/// How far the host's clock is believed.
fn clock(app: &App) -> Value {
    let status = app.clock.status();
    json!({
        "synchronized": status.is_synchronized,
        "hostAheadMillis": status.difference_millis,
        "agrees": status.agrees(),
    })
}

/// A part of the database that cannot be read.
fn part(place: &DamagedPlace) -> Value {
    match place.range {
        Some(FileRange { offset, length }) => {
            json!({"table": place.table, "offset": offset, "bytes": length})
        }
        None => json!({"table": place.table}),
    }
}
