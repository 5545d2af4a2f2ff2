//! Decodes what the requests that change profiles say of them.

use std::borrow::Cow;

use hyper::StatusCode;
use serde_json::{Map, Value};

use crate::domain::email::EMAIL_BYTES_MAX;
use crate::domain::given_attributes::GivenAttributes;
use crate::domain::mail::LinkUrl;
use crate::domain::password::Password;
use crate::domain::profile::Username;
use crate::domain::tenant::TenantName;
use crate::http::error::{ApiError, Description};
use crate::http::params::Params;

/// The name of the tenant that a request concerns.
///
/// # Errors
///
/// It is missing or empty.
pub fn tenant(params: &Params) -> Result<TenantName, ApiError> {
    let name = TenantName::new(params.required("tenantName")?);
    name.ok_or_else(|| ApiError::invalid("tenantName", "is empty"))
}

/// A username.
///
/// # Errors
///
/// Why it is invalid.
pub fn username(text: &str) -> Result<Username, ApiError> {
    Username::new(text).map_err(|why| ApiError::invalid("username", why.to_string()))
}

/// A mail address, of which only the length is checked.
///
/// # Errors
///
/// It is too long.
pub fn email(text: Cow<'_, str>) -> Result<String, ApiError> {
    if text.len() > EMAIL_BYTES_MAX {
        let problem = format!("is longer than {EMAIL_BYTES_MAX} bytes");
        return Err(ApiError::invalid("email", problem));
    }
    Ok(text.into_owned())
}

/// The password, unless there is none or an empty one: with that anybody could sign in.
///
/// # Errors
///
/// It is too long.
pub fn password(params: &Params) -> Result<Option<Password>, ApiError> {
    let text = params.text("password").filter(|text| !text.is_empty());
    text.map(|text| {
        Password::new(text).map_err(|why| ApiError::invalid("password", why.to_string()))
    })
    .transpose()
}

/// The password in the parameter `newPassword`, which is required.
///
/// # Errors
///
/// It is missing, empty or too long.
pub fn new_password(params: &Params) -> Result<Password, ApiError> {
    const NAME: &str = "newPassword";
    let text = params.required(NAME)?;
    if text.is_empty() {
        return Err(ApiError::invalid(NAME, "is empty"));
    }
    Password::new(text).map_err(|why| ApiError::invalid(NAME, why.to_string()))
}

/// The URL `text` of the parameter `name`, to which a mail links.
///
/// # Errors
///
/// It is none.
pub fn link_url(name: &'static str, text: Cow<'_, str>) -> Result<LinkUrl, ApiError> {
    LinkUrl::parse(text).map_err(|why| ApiError::invalid(name, why.to_string()))
}

/// The attributes in the parameter `attributes`; none if it is missing, empty or null.
///
/// # Errors
///
/// It is no JSON object.
pub fn attributes(params: &Params) -> Result<GivenAttributes, ApiError> {
    let json = params.text("attributes").unwrap_or_default();
    match json.trim_ascii() {
        "" | "null" => Ok(GivenAttributes::default()),
        json => GivenAttributes::parse(json).ok_or_else(malformed),
    }
}

/// The attributes that the body is.
///
/// # Errors
///
/// As [`Params::json`] of an object.
pub fn attributes_document(params: &Params) -> Result<GivenAttributes, ApiError> {
    let document = params.document()?;
    let text = str::from_utf8(document).ok();
    if let Some(given) = text.and_then(GivenAttributes::parse) {
        return Ok(given);
    }
    // It is parsed again for what is wrong with it. Null would be taken for no members.
    let _: Map<String, Value> = params.json()?;
    let problem = "The JSON body is invalid: it is not an object";
    Err(ApiError::DocumentInvalid(problem.to_owned()))
}

fn malformed() -> ApiError {
    ApiError::Refused(Description {
        status: StatusCode::BAD_REQUEST,
        code: "PARAM_DESERIALIZATION_ERROR",
        message: "Unable to correctly deserialize attributes from JSON string".into(),
    })
}
