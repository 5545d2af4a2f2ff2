//! The endpoints that return one profile.

use crate::app::App;
use crate::http::error::ApiError;
use crate::http::params::Params;
use crate::http::profile::{json, parameters};
use crate::http::response::Response;
use crate::service::caller::Caller;
use crate::service::profile::read;

pub fn by_id(app: &App, caller: Caller, params: &Params, id: String) -> Result<Response, ApiError> {
    let projection = parameters::projection(params);
    Ok(json::profile(&read::read(app, caller, id)?, &projection)?)
}

pub fn attributes(
    app: &App,
    caller: Caller,
    params: &Params,
    id: String,
) -> Result<Response, ApiError> {
    let projection = parameters::projection(params);
    let profile = read::read(app, caller, id)?;
    Ok(json::attributes(&profile, &projection)?)
}
