//! Decodes what the requests for persistent logins say of profiles and devices.

use std::borrow::Cow;

use crate::domain::device::{self, Device, DeviceUpdate};
use crate::domain::profile::Username;
use crate::domain::tenant::TenantName;
use crate::http::error::ApiError;
use crate::http::params::Params;
use crate::service::profile::{ExpectedOwner, ProfileSelector};

/// The profile that a request names: by `profileId`, or by `tenantName` and `username`.
///
/// # Errors
///
/// Both or neither are there, or one of them is invalid.
pub fn profile(params: &Params) -> Result<ProfileSelector, ApiError> {
    let names = ["tenantName", "username"];
    if names.iter().all(|name| params.first(name).is_none()) {
        let id = params.required("profileId")?;
        return Ok(ProfileSelector::Id(id.into_owned()));
    }
    if params.first("profileId").is_some() {
        return Err(ApiError::invalid(
            "profileId",
            "excludes 'tenantName' and 'username'",
        ));
    }
    let tenant = TenantName::new(params.required("tenantName")?);
    let tenant = tenant.ok_or_else(|| ApiError::invalid("tenantName", "is empty"))?;
    let username = Username::new(params.required("username")?)
        .map_err(|why| ApiError::invalid("username", why.to_string()))?;
    Ok(ProfileSelector::Username(tenant, username))
}

/// Whether the profile is to be created if there is none with its username.
///
/// # Errors
///
/// It is neither true nor false, or the profile is named by an id.
pub fn creates_profile(params: &Params, profile: &ProfileSelector) -> Result<bool, ApiError> {
    let creates_profile = params.boolean("createProfile")?.unwrap_or(false);
    match profile {
        ProfileSelector::Id(_) if creates_profile => Err(ApiError::invalid(
            "createProfile",
            "requires 'tenantName' and 'username'",
        )),
        ProfileSelector::Id(_) | ProfileSelector::Username(..) => Ok(creates_profile),
    }
}

/// Whose login a request takes it for, if it says so by `profileId`, `tenantName` or `username`.
pub fn expected_owner(params: &Params) -> Option<Box<ExpectedOwner>> {
    let text = |name| params.text(name).map(Cow::into_owned);
    let expected = ExpectedOwner {
        profile_id: text("profileId"),
        tenant: text("tenantName"),
        username: text("username"),
    };
    let is_given =
        expected.profile_id.is_some() || expected.tenant.is_some() || expected.username.is_some();
    is_given.then(|| Box::new(expected))
}

/// What is known of the device that a login is created on.
pub fn device(params: &Params) -> Device {
    let DeviceUpdate {
        user_agent,
        ip_address,
    } = device_update(params);
    Device {
        label: text(params, "label", device::LABEL_CHARS_MAX),
        user_agent,
        ip_address,
    }
}

/// What a refresh shows of the device, if anything. Boxed because most refreshes show nothing.
pub fn device_shown(params: &Params) -> Option<Box<DeviceUpdate>> {
    let update = device_update(params);
    let is_shown = update.user_agent.is_some() || update.ip_address.is_some();
    is_shown.then(|| Box::new(update))
}

fn device_update(params: &Params) -> DeviceUpdate {
    DeviceUpdate {
        user_agent: text(params, "userAgent", device::USER_AGENT_CHARS_MAX),
        ip_address: text(params, "ipAddress", device::IP_ADDRESS_CHARS_MAX),
    }
}

fn text(params: &Params, name: &'static str, chars_max: usize) -> Option<String> {
    device::clean(&params.text(name)?, chars_max)
}
