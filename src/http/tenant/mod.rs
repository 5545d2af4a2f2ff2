//! The endpoints of tenants: decode, one service call, encode.

pub mod route;

mod error;
mod input;
mod json;

use hyper::Method;

use crate::app::App;
use crate::domain::tenant::change::TenantChange;
use crate::http::caller::caller;
use crate::http::error::{ApiError, RouteError};
use crate::http::params::{ListKind, Params};
use crate::http::resource::ResourceRoute;
use crate::http::response::{self, Response};
use crate::http::tenant::route::TenantRoute;
use crate::service::caller::admit;
use crate::service::tenant::create::create;
use crate::service::tenant::delete::delete;
use crate::service::tenant::read;
use crate::service::tenant::update::update;

impl ResourceRoute for TenantRoute {
    fn parse(method: &Method, segments: &[&str]) -> Result<Self, RouteError> {
        route::parse(method, segments)
    }

    fn name(&self) -> &'static str {
        route::name(self)
    }

    fn is_answer_json(&self) -> bool {
        !matches!(self, Self::Delete(_))
    }

    fn takes_document(&self) -> bool {
        match self {
            Self::Create | Self::Update | Self::AddDefinitions(_) | Self::UpdateDefinitions(_) => {
                true
            }
            Self::Count
            | Self::ListAll
            | Self::Read(_)
            | Self::Delete(_)
            | Self::VerifyNewProfiles(_)
            | Self::AddRoles(_)
            | Self::RemoveRoles(_)
            | Self::RemoveDefinitions(_) => false,
        }
    }

    /// What concerns more than the caller is decoded after the caller has been admitted: an unknown caller is refused
    /// as such, whatever else its request lacks.
    async fn handle(self, app: &App, params: &Params) -> Result<Response, ApiError> {
        let caller = caller(&app.config.requests, params)?;
        let (name, change) = match self {
            Self::Read(name) => return Ok(json::tenant(&*read::read(app, &caller, &name)?)?),
            Self::Count => return Ok(response::json(&read::count(app, &caller)?)?),
            Self::ListAll => return Ok(json::list(read::all(app, &caller)?)?),
            Self::Create => {
                admit(app, &caller)?;
                let created = create(app, caller, input::tenant(params)?).await?;
                return Ok(json::tenant(&created)?);
            }
            Self::Delete(name) => {
                delete(app, caller, name).await?;
                return Ok(response::empty());
            }
            Self::Update => {
                admit(app, &caller)?;
                let input = input::tenant(params)?;
                let name = input.name.as_str().to_owned();
                (name, TenantChange::Replace(Box::new(input)))
            }
            Self::VerifyNewProfiles(name) => {
                admit(app, &caller)?;
                let verify = params.required_boolean("verify")?;
                (name, TenantChange::VerifyNewProfiles(verify))
            }
            Self::AddRoles(name) => {
                admit(app, &caller)?;
                let roles = params.required_list("role", ListKind::Collection)?;
                (name, TenantChange::AddRoles(roles))
            }
            Self::RemoveRoles(name) => {
                admit(app, &caller)?;
                let roles = params.required_list("role", ListKind::Collection)?;
                (name, TenantChange::RemoveRoles(roles))
            }
            Self::AddDefinitions(name) => {
                admit(app, &caller)?;
                let definitions = input::definitions(params)?;
                (name, TenantChange::AddDefinitions(definitions))
            }
            Self::UpdateDefinitions(name) => {
                admit(app, &caller)?;
                let definitions = input::definitions(params)?;
                (name, TenantChange::UpdateDefinitions(definitions))
            }
            Self::RemoveDefinitions(name) => {
                admit(app, &caller)?;
                let names = params.required_list("attributeName", ListKind::Collection)?;
                (name, TenantChange::RemoveDefinitions(names))
            }
        };
        Ok(json::tenant(&*update(app, caller, name, change).await?)?)
    }
}
