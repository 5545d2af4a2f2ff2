//! The endpoints that take a query.

use crate::app::App;
use crate::http::error::ApiError;
use crate::http::params::Params;
use crate::http::profile::{json, list, parameters};
use crate::http::response::{self, Response};
use crate::service::caller::{Caller, admit};
use crate::service::profile::list::wanted::Listed;
use crate::service::profile::list::{count_by_query, one_by_query};

pub async fn by_query(app: &App, caller: Caller, params: &Params) -> Result<Response, ApiError> {
    admit(app, &caller)?;
    let (tenant, query) = tenant_and_query(params)?;
    let listed = Listed::Matching { tenant, query };
    list::list(app, caller, params, listed, parameters::page(params)?).await
}

pub async fn one_by_query(
    app: &App,
    caller: Caller,
    params: &Params,
) -> Result<Response, ApiError> {
    admit(app, &caller)?;
    let (tenant, query) = tenant_and_query(params)?;
    let profile = one_by_query::one_by_query(app, caller, tenant, query).await?;
    Ok(json::profile(&profile, &parameters::projection(params))?)
}

pub async fn count_by_query(
    app: &App,
    caller: Caller,
    params: &Params,
) -> Result<Response, ApiError> {
    admit(app, &caller)?;
    let (tenant, query) = tenant_and_query(params)?;
    let count = count_by_query::count_by_query(app, caller, tenant, query).await?;
    Ok(response::json(&count)?)
}

/// The name of the tenant and the text of the query, which may be empty.
fn tenant_and_query(params: &Params) -> Result<(String, String), ApiError> {
    let tenant = params.required("tenantName")?.into_owned();
    let query = params.required("query")?.into_owned();
    Ok((tenant, query))
}
