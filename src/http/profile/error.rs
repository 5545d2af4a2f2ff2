//! The errors of requests that are refused because of a profile.

use hyper::StatusCode;

use crate::http::error::{Describe, Description};
use crate::service::profile::ProfileRefusal;

impl Describe for ProfileRefusal {
    fn describe(&self) -> Description {
        let (status, code, message) = match self {
            Self::NotFound { id } => (
                StatusCode::NOT_FOUND,
                "NO_SUCH_PROFILE",
                format!("No profile with ID \"{id}\" found"),
            ),
            Self::NoSuchUsername { tenant, username } => (
                StatusCode::NOT_FOUND,
                "NO_SUCH_PROFILE",
                format!("No profile found for tenant \"{tenant}\" and username \"{username}\""),
            ),
            Self::NoSuchTenant { name } => (
                StatusCode::NOT_FOUND,
                "NO_SUCH_TENANT",
                format!("No tenant with name \"{name}\" found"),
            ),
            Self::Disabled { id, tenant } => (
                StatusCode::FORBIDDEN,
                "DISABLED_PROFILE",
                format!("Profile \"{id}\" of tenant \"{tenant}\" is disabled"),
            ),
        };
        Description {
            status,
            code,
            message: message.into(),
        }
    }
}
