//! The endpoints that return one profile.

use crate::app::App;
use crate::http::error::ApiError;
use crate::http::params::Params;
use crate::http::profile::{json, parameters};
use crate::http::response::Response;
use crate::service::caller::{Caller, admit};
use crate::service::profile::read;

pub fn by_id(app: &App, caller: Caller, params: &Params, id: String) -> Result<Response, ApiError> {
    let profile = read::read(app, caller, id)?;
    Ok(json::profile(&profile, &parameters::projection(params))?)
}

pub fn attributes(
    app: &App,
    caller: Caller,
    params: &Params,
    id: String,
) -> Result<Response, ApiError> {
    let profile = read::read(app, caller, id)?;
    Ok(json::attributes(&profile, &parameters::projection(params))?)
}

pub fn by_username(app: &App, caller: Caller, params: &Params) -> Result<Response, ApiError> {
    let names = params.required("tenantName").and_then(|tenant| {
        let username = params.required("username")?;
        Ok((tenant.into_owned(), username.into_owned()))
    });
    let (tenant, username) = names.or_else(|missing| {
        admit(app, &caller)?;
        Err(missing)
    })?;
    let profile = read::read_by_username(app, caller, tenant, username)?;
    Ok(json::profile(&profile, &parameters::projection(params))?)
}

pub fn by_ticket(app: &App, caller: Caller, params: &Params) -> Result<Response, ApiError> {
    let ticket = params.required("ticketId").or_else(|missing| {
        admit(app, &caller)?;
        Err(missing)
    })?;
    let profile = read::read_by_ticket(app, caller, ticket.into_owned())?;
    Ok(json::profile(&profile, &parameters::projection(params))?)
}
