//! The endpoints that return lists of profiles, or how many there are.

use crate::app::App;
use crate::domain::profile_filter::ProfileFilter;
use crate::http::error::ApiError;
use crate::http::params::{ListKind, Params};
use crate::http::profile::{json, parameters};
use crate::http::response::{self, Response};
use crate::service::caller::{Caller, admit};
use crate::service::profile::list::wanted::{ListRequest, Listed, Page};
use crate::service::profile::{count, list};

pub fn count(app: &App, caller: Caller, params: &Params) -> Result<Response, ApiError> {
    admit(app, &caller)?;
    let tenant = params.required("tenantName")?.into_owned();
    Ok(response::json(&count::count(app, caller, tenant)?)?)
}

pub async fn by_ids(app: &App, caller: Caller, params: &Params) -> Result<Response, ApiError> {
    admit(app, &caller)?;
    let listed = Listed::WithIds(params.required_list("id", ListKind::List)?);
    list(app, caller, params, listed, Page::WHOLE).await
}

pub async fn range(app: &App, caller: Caller, params: &Params) -> Result<Response, ApiError> {
    admit(app, &caller)?;
    let listed = of_tenant(params, |_| Ok(ProfileFilter::All))?;
    list(app, caller, params, listed, parameters::page(params)?).await
}

pub async fn by_role(app: &App, caller: Caller, params: &Params) -> Result<Response, ApiError> {
    admit(app, &caller)?;
    let listed = of_tenant(params, |params| {
        Ok(ProfileFilter::Role(text(params, "role")?))
    })?;
    list(app, caller, params, listed, Page::WHOLE).await
}

pub async fn by_existing_attribute(
    app: &App,
    caller: Caller,
    params: &Params,
) -> Result<Response, ApiError> {
    admit(app, &caller)?;
    let listed = of_tenant(params, |params| {
        Ok(ProfileFilter::Attribute(text(params, "attributeName")?))
    })?;
    list(app, caller, params, listed, Page::WHOLE).await
}

pub async fn by_attribute_value(
    app: &App,
    caller: Caller,
    params: &Params,
) -> Result<Response, ApiError> {
    admit(app, &caller)?;
    let listed = of_tenant(params, |params| {
        let name = text(params, "attributeName")?;
        Ok(ProfileFilter::AttributeValue(
            name,
            text(params, "attributeValue")?,
        ))
    })?;
    list(app, caller, params, listed, Page::WHOLE).await
}

/// The next profiles of the tenant `tenantName`, at most `count`: those with usernames after `from`, or the first ones.
pub async fn after(
    app: &App,
    caller: Caller,
    params: &Params,
    count: usize,
) -> Result<Response, ApiError> {
    let listed = Listed::After {
        tenant: text(params, "tenantName")?,
        username: params.first("from").unwrap_or_default().to_owned(),
    };
    let page = Page {
        start: 0,
        count: Some(count),
    };
    list(app, caller, params, listed, page).await
}

/// A list of the page of what is listed, sorted as the request says.
pub async fn list(
    app: &App,
    caller: Caller,
    params: &Params,
    listed: Listed,
    page: Page,
) -> Result<Response, ApiError> {
    let projection = parameters::projection(params);
    let wanted = ListRequest {
        listed,
        order: parameters::order(params)?,
        page,
        projection: projection.clone(),
    };
    let profiles = list::list(app, caller, wanted).await?;
    Ok(json::list(profiles, projection)?)
}

fn of_tenant(
    params: &Params,
    filter: impl FnOnce(&Params) -> Result<ProfileFilter, ApiError>,
) -> Result<Listed, ApiError> {
    let tenant = text(params, "tenantName")?;
    Ok(Listed::OfTenant(tenant, filter(params)?))
}

fn text(params: &Params, name: &'static str) -> Result<String, ApiError> {
    Ok(params.required(name)?.into_owned())
}
