//! Decodes the parameters of requests for profiles. Those that an endpoint does not know are ignored, unless they are
//! nearly what a profile is created with or changed to: a `pasword` that is ignored leaves the old one valid.

use crate::domain::profile_order::ProfileOrder;
use crate::domain::projection::Projection;
use crate::http::error::ApiError;
use crate::http::known_params::{CONTRACT, KnownParams, Others};
use crate::http::params::Params;
use crate::service::profile::list::wanted::Page;

/// The parameters that a profile is created with.
pub const CREATE: KnownParams = KnownParams {
    names: &[
        "accessTokenId",
        "tenantName",
        "username",
        "email",
        "enabled",
        "password",
        "role",
        "attributes",
        "verificationUrl",
    ],
    once: &[],
    others: Others::Ignored(CONTRACT),
};

/// The parameters that a profile is changed by.
pub const UPDATE: KnownParams = KnownParams {
    names: &[
        "accessTokenId",
        "username",
        "email",
        "enabled",
        "password",
        "role",
        "attributes",
        "attributeToReturn",
    ],
    once: &[],
    others: Others::Ignored(CONTRACT),
};

/// The attributes that a read is to show.
pub fn projection(params: &Params) -> Projection {
    Projection::of_paths(&to_return(params))
}

/// The attributes that the answer to a change is to show.
pub fn names(params: &Params) -> Projection {
    Projection::of_names(&to_return(params))
}

/// How a list is to be sorted, if it is.
///
/// # Errors
///
/// The order is neither ascending nor descending, or by something that lists are not sorted by.
pub fn order(params: &Params) -> Result<Option<ProfileOrder>, ApiError> {
    let direction = params.sort_order()?;
    let by = params.text("sortBy").filter(|by| !by.is_empty());
    let Some(by) = by else {
        return Ok(None);
    };
    let order = ProfileOrder::new(&by, direction);
    let refused = || ApiError::invalid("sortBy", "is nothing that lists may be sorted by");
    order.map(Some).ok_or_else(refused)
}

/// The part of a list that is wanted: all of it without a `start`.
///
/// # Errors
///
/// What is no integer.
pub fn page(params: &Params) -> Result<Page, ApiError> {
    let (start, count) = (params.integer("start")?, params.integer("count")?);
    let Some(start) = start else {
        return Ok(Page::WHOLE);
    };
    let count = count.map(i32::unsigned_abs).filter(|&count| count > 0);
    Ok(Page {
        start: usize::try_from(start).unwrap_or(0),
        count: count.map(|count| count as usize),
    })
}

fn to_return(params: &Params) -> Vec<String> {
    params.list("attributeToReturn").unwrap_or_default()
}
