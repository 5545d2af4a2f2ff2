//! Backups that the local operator asks for.

use std::path::PathBuf;

use hyper::{Method, StatusCode};
use serde_json::{Value, json};

use crate::app::App;
use crate::http::error::{ApiError, Describe, Description, OTHER, RouteError};
use crate::http::method::{get, post};
use crate::http::params::Params;
use crate::http::resource::ResourceRoute;
use crate::http::response::{self, Response};
use crate::service::backup::refusal::BackupRefusal;
use crate::service::backup::start::start;
use crate::tables::backup::status::{Ended, Running, Stage};

/// The routes under `/admin/1/backup`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum BackupRoute {
    /// POST ``: begins one.
    Start,
    /// GET `{number}`: how far it is, or what came of it.
    Read {
        /// Its number.
        number: u64,
    },
}

impl ResourceRoute for BackupRoute {
    const IS_LOCAL: bool = true;

    fn parse(method: &Method, segments: &[&str]) -> Result<Self, RouteError> {
        match segments {
            [] => post(method, || Self::Start),
            [number] => {
                let number = number.parse().map_err(|_| RouteError::NoSuchPath)?;
                get(method, || Self::Read { number })
            }
            _ => Err(RouteError::NoSuchPath),
        }
    }

    fn name(&self) -> &'static str {
        match self {
            Self::Start => "admin/backup/start",
            Self::Read { .. } => "admin/backup/read",
        }
    }

    async fn handle(self, app: &App, params: &Params) -> Result<Response, ApiError> {
        match self {
            Self::Start => {
                let file = PathBuf::from(params.required("file")?.as_ref());
                let replaces = params.boolean("force")?.unwrap_or(false);
                let number = start(app, file, replaces)?;
                Ok(response::json(&json!({ "number": number }))?)
            }
            Self::Read { number } => {
                let running = app.backups.running();
                let running = running.filter(|running| running.number == number);
                let found = match (running, app.backups.ended(number)) {
                    (_, Some(ended)) => of_ended(&ended),
                    (Some(running), None) => of_running(&running),
                    (None, None) => return Err(RouteError::NoSuchPath.into()),
                };
                Ok(response::json(&found)?)
            }
        }
    }
}

fn of_running(running: &Running) -> Value {
    let stage = match running.stage {
        Stage::Copying => "copying",
        Stage::Verifying => "verifying",
    };
    json!({
        "state": stage,
        "table": running.table,
        "done": running.done,
        "of": running.of,
    })
}

fn of_ended(ended: &Ended) -> Value {
    match &ended.outcome {
        Ok(made) => json!({
            "state": "made",
            "file": ended.file.display().to_string(),
            "entries": made.entries,
            "bytes": made.bytes,
            "millis": made.millis,
            "keyFile": made.key_file.display().to_string(),
            "hasKeys": made.has_keys,
            "missingKeys": made.missing_keys,
        }),
        // Whoever owns the data directory asks: the cause has nothing that is not theirs.
        Err(failure) => json!({ "state": "failed", "cause": failure.to_string() }),
    }
}

impl Describe for BackupRefusal {
    fn describe(&self) -> Description {
        let (status, message) = match self {
            Self::Busy => (
                StatusCode::CONFLICT,
                "another backup is being made, or the server is stopping",
            ),
            Self::RelativePath => (StatusCode::BAD_REQUEST, "the path must be absolute"),
        };
        Description {
            status,
            code: OTHER,
            message: message.into(),
        }
    }
}
