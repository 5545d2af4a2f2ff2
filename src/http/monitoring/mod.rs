//! The state of the process, for who has the management token.

pub mod route;

pub mod json;

use std::borrow::Cow;
use std::fs;
use std::time::Instant;

use hyper::{Method, StatusCode};

use crate::app::App;
use crate::http::error::{ApiError, Description, OTHER, RouteError};
use crate::http::monitoring::route::MonitoringRoute;
use crate::http::params::Params;
use crate::http::resource::ResourceRoute;
use crate::http::response::Response;

/// What the operating system says of this process.
pub const PROCESS_STATUS: &str = "/proc/self/status";

/// The parameter with the management token.
const TOKEN: &str = "token";

impl ResourceRoute for MonitoringRoute {
    const IS_PUBLIC: bool = true;

    const IGNORES_ACCEPT: bool = false;

    fn parse(method: &Method, segments: &[&str]) -> Result<Self, RouteError> {
        route::parse(method, segments)
    }

    fn name(&self) -> &'static str {
        route::name(*self)
    }

    async fn handle(self, app: &App, params: &Params) -> Result<Response, ApiError> {
        check_token(app, params)?;
        let response = match self {
            Self::Status => json::status(&app.started, Instant::now()),
            // It is no file on a disk, so that reading it does not wait.
            Self::Memory => json::memory(&fs::read_to_string(PROCESS_STATUS).unwrap_or_default()),
            Self::Version => json::version(),
        };
        Ok(response?)
    }
}

/// Checks the management token, which is a parameter or in the `Authorization` header. Until one is configured there is
/// none, however well known ("Deliberate differences").
fn check_token(app: &App, params: &Params) -> Result<(), ApiError> {
    let Some(token) = app.management_token.get() else {
        return Err(refused(
            StatusCode::NOT_FOUND,
            OTHER,
            "Monitoring is disabled: no management token is configured",
        ));
    };
    if app.config.requests.refuse_url_secrets && params.is_in_query(TOKEN) {
        let problem = "must not be in the URL: send the header field 'Authorization: Bearer TOKEN'";
        return Err(ApiError::invalid(TOKEN, problem));
    }
    let presented = match params.bearer() {
        Some(bearer) if params.first(TOKEN).is_none() => Cow::Borrowed(bearer),
        _ => params.required(TOKEN)?,
    };
    if !token.is(&presented) {
        return Err(refused(
            StatusCode::UNAUTHORIZED,
            "ACCESS_DENIED",
            "Management authorization failed, invalid token.",
        ));
    }
    Ok(())
}

fn refused(status: StatusCode, code: &'static str, message: &'static str) -> ApiError {
    ApiError::Refused(Description {
        status,
        code,
        message: message.into(),
    })
}
