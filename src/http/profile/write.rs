//! The endpoints that change a profile.

use crate::app::App;
use crate::domain::projection::Projection;
use crate::http::error::ApiError;
use crate::http::params::{ListKind, Params};
use crate::http::profile::{input, json, parameters};
use crate::http::response::{self, Response};
use crate::service::caller::{Caller, admit};
use crate::service::profile::attributes;
use crate::service::profile::change_password;
use crate::service::profile::create::{self, NewProfile};
use crate::service::profile::delete;
use crate::service::profile::enable;
use crate::service::profile::reset_password;
use crate::service::profile::roles;
use crate::service::profile::update::{self, ProfileUpdate};
use crate::service::profile::verify;

pub async fn create(app: &App, caller: Caller, params: &Params) -> Result<Response, ApiError> {
    admit(app, &caller)?;
    parameters::CREATE.check(params)?;
    let new = NewProfile {
        tenant: input::tenant(params)?,
        username: input::username(&params.required("username")?)?,
        email: input::email(params.required("email")?)?,
        is_enabled: params.required_boolean("enabled")?,
        password: input::password(params)?,
        roles: params.list("role"),
        verification_url: params
            .text("verificationUrl")
            .filter(|url| !url.is_empty())
            .map(|url| input::link_url("verificationUrl", url))
            .transpose()?,
        attributes: input::attributes(params)?,
    };
    let created = create::create(app, caller, new).await?;
    Ok(json::profile(&created, &Projection::All)?)
}

pub async fn update(
    app: &App,
    caller: Caller,
    params: &Params,
    id: String,
) -> Result<Response, ApiError> {
    admit(app, &caller)?;
    parameters::UPDATE.check(params)?;
    let text = |name| params.text(name).filter(|text| !text.is_empty());
    let update = ProfileUpdate {
        username: text("username")
            .map(|text| input::username(&text))
            .transpose()?,
        password: input::password(params)?,
        email: text("email").map(input::email).transpose()?,
        is_enabled: params.boolean("enabled")?,
        roles: params.list("role"),
        attributes: input::attributes(params)?,
    };
    let updated = update::update(app, caller, id, update).await?;
    Ok(json::profile(&updated, &parameters::names(params))?)
}

pub async fn set_enabled(
    app: &App,
    caller: Caller,
    params: &Params,
    id: String,
    is_enabled: bool,
) -> Result<Response, ApiError> {
    let changed = enable::set_enabled(app, caller, id, is_enabled).await?;
    Ok(json::profile(&changed, &parameters::names(params))?)
}

pub async fn add_roles(
    app: &App,
    caller: Caller,
    params: &Params,
    id: String,
) -> Result<Response, ApiError> {
    admit(app, &caller)?;
    let added = params.required_list("role", ListKind::Collection)?;
    let changed = roles::add_roles(app, caller, id, added).await?;
    Ok(json::profile(&changed, &parameters::names(params))?)
}

pub async fn remove_roles(
    app: &App,
    caller: Caller,
    params: &Params,
    id: String,
) -> Result<Response, ApiError> {
    admit(app, &caller)?;
    let removed = params.required_list("role", ListKind::Collection)?;
    let changed = roles::remove_roles(app, caller, id, removed).await?;
    Ok(json::profile(&changed, &parameters::names(params))?)
}

pub async fn update_attributes(
    app: &App,
    caller: Caller,
    params: &Params,
    id: String,
) -> Result<Response, ApiError> {
    admit(app, &caller)?;
    let given = input::attributes_document(params)?;
    let changed = attributes::update_attributes(app, caller, id, given).await?;
    Ok(json::profile(&changed, &parameters::names(params))?)
}

pub async fn remove_attributes(
    app: &App,
    caller: Caller,
    params: &Params,
    id: String,
) -> Result<Response, ApiError> {
    admit(app, &caller)?;
    let names = params.required_list("attributeName", ListKind::Collection)?;
    let changed = attributes::remove_attributes(app, caller, id, names).await?;
    Ok(json::profile(&changed, &parameters::names(params))?)
}

pub async fn verify(app: &App, caller: Caller, params: &Params) -> Result<Response, ApiError> {
    admit(app, &caller)?;
    let token_id = params.required("verificationTokenId")?.into_owned();
    let verified = verify::verify(app, caller, token_id).await?;
    Ok(json::profile(&verified, &parameters::names(params))?)
}

pub async fn change_password(
    app: &App,
    caller: Caller,
    params: &Params,
) -> Result<Response, ApiError> {
    admit(app, &caller)?;
    let token_id = params.required("resetTokenId")?.into_owned();
    let password = input::new_password(params)?;
    let changed = change_password::change_password(app, caller, token_id, password).await?;
    Ok(json::profile(&changed, &parameters::names(params))?)
}

pub async fn reset_password(
    app: &App,
    caller: Caller,
    params: &Params,
    id: String,
) -> Result<Response, ApiError> {
    const URL: &str = "resetPasswordUrl";
    admit(app, &caller)?;
    let url = input::link_url(URL, params.required(URL)?)?;
    let profile = reset_password::reset_password(app, caller, id, url).await?;
    Ok(json::profile(&profile, &parameters::names(params))?)
}

pub async fn delete(app: &App, caller: Caller, id: String) -> Result<Response, ApiError> {
    delete::delete(app, caller, id).await?;
    Ok(response::empty())
}
