//! The endpoints of profiles: decode, one service call, encode.

pub mod list;
pub mod route;

mod error;
mod input;
mod json;
mod parameters;
mod query;
mod read;
mod write;

use hyper::Method;

use crate::app::App;
use crate::http::caller::caller;
use crate::http::error::{ApiError, RouteError};
use crate::http::params::Params;
use crate::http::profile::route::ProfileRoute;
use crate::http::resource::ResourceRoute;
use crate::http::response::Response;

impl ResourceRoute for ProfileRoute {
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
        matches!(self, Self::UpdateAttributes(_))
    }

    /// Parameters that concern more than the caller are read after the caller has been admitted: an unknown
    /// caller is refused as such, whatever else its request lacks.
    async fn handle(self, app: &App, params: &Params) -> Result<Response, ApiError> {
        let caller = caller(&app.config.requests, params)?;
        match self {
            Self::Read(id) => read::by_id(app, caller, params, id),
            Self::ReadAttributes(id) => read::attributes(app, caller, params, id),
            Self::ReadByUsername => read::by_username(app, caller, params),
            Self::ReadByTicket => read::by_ticket(app, caller, params),
            Self::Count => list::count(app, caller, params),
            Self::ListByIds => list::by_ids(app, caller, params).await,
            Self::ListRange => list::range(app, caller, params).await,
            Self::ListByRole => list::by_role(app, caller, params).await,
            Self::ListByExistingAttribute => list::by_existing_attribute(app, caller, params).await,
            Self::ListByAttributeValue => list::by_attribute_value(app, caller, params).await,
            Self::OneByQuery => query::one_by_query(app, caller, params).await,
            Self::ListByQuery => query::by_query(app, caller, params).await,
            Self::CountByQuery => query::count_by_query(app, caller, params).await,
            Self::Create => write::create(app, caller, params).await,
            Self::Update(id) => write::update(app, caller, params, id).await,
            Self::Enable(id) => write::set_enabled(app, caller, params, id, true).await,
            Self::Disable(id) => write::set_enabled(app, caller, params, id, false).await,
            Self::AddRoles(id) => write::add_roles(app, caller, params, id).await,
            Self::RemoveRoles(id) => write::remove_roles(app, caller, params, id).await,
            Self::UpdateAttributes(id) => write::update_attributes(app, caller, params, id).await,
            Self::RemoveAttributes(id) => write::remove_attributes(app, caller, params, id).await,
            Self::Verify => write::verify(app, caller, params).await,
            Self::ChangePassword => write::change_password(app, caller, params).await,
            Self::ResetPassword(id) => write::reset_password(app, caller, params, id).await,
            Self::Delete(id) => write::delete(app, caller, id).await,
        }
    }
}
