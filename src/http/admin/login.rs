//! Persistent logins, as the local operator finds and ends them.

use hyper::{Method, StatusCode};
use serde::Serialize;

use crate::app::App;
use crate::http::error::{ApiError, Description, OTHER, RouteError};
use crate::http::method::{get, post};
use crate::http::params::Params;
use crate::http::quote::quote;
use crate::http::resource::ResourceRoute;
use crate::http::response::{self, Response};
use crate::service::admin::find_login::find_login;
use crate::service::caller::Caller;
use crate::service::persistent_login::end_together::end_together;

/// The routes under `/admin/1/login`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum AdminLoginRoute {
    /// GET `find`
    Find,
    /// POST `end_all`
    EndAll,
}

impl ResourceRoute for AdminLoginRoute {
    const IS_LOCAL: bool = true;

    fn parse(method: &Method, segments: &[&str]) -> Result<Self, RouteError> {
        match segments {
            ["find"] => get(method, || Self::Find),
            ["end_all"] => post(method, || Self::EndAll),
            _ => Err(RouteError::NoSuchPath),
        }
    }

    fn name(&self) -> &'static str {
        match self {
            Self::Find => "admin/login/find",
            Self::EndAll => "admin/login/end_all",
        }
    }

    async fn handle(self, app: &App, params: &Params) -> Result<Response, ApiError> {
        match self {
            Self::Find => {
                let fingerprint = params.required("fingerprint")?.to_lowercase();
                let found = find_login(app, &fingerprint).await?;
                let found = found.ok_or_else(|| not_found(&fingerprint))?;
                Ok(response::json(&FoundBody {
                    id: found.id.uuid().to_string(),
                    tenant: found.tenant.as_str(),
                    profile_id: found.profile_id.to_string(),
                    username: found.username.as_deref(),
                    created_on: found.created.as_millis(),
                    last_used_on: found.last_used.as_millis(),
                    is_valid: found.is_valid,
                })?)
            }
            Self::EndAll => {
                let tenant = params.text("tenantName").map(|name| name.into_owned());
                // What is missing by a slip must not end everything.
                if tenant.is_none() && params.boolean("all")? != Some(true) {
                    return Err(ApiError::invalid(
                        "all",
                        "must be true, or tenantName be given",
                    ));
                }
                end_together(app, Caller::LocalOperator, tenant.clone()).await?;
                Ok(response::json(&EndedBody {
                    tenant: tenant.as_deref(),
                })?)
            }
        }
    }
}

fn not_found(fingerprint: &str) -> ApiError {
    ApiError::Refused(Description {
        status: StatusCode::NOT_FOUND,
        code: OTHER,
        message: format!(
            "No persistent login has the fingerprint \"{}\"",
            quote(fingerprint)
        )
        .into(),
    })
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct FoundBody<'a> {
    id: String,
    tenant: &'a str,
    profile_id: String,
    username: Option<&'a str>,
    created_on: i64,
    last_used_on: i64,
    is_valid: bool,
}

#[derive(Serialize)]
struct EndedBody<'a> {
    tenant: Option<&'a str>,
}
