//! The errors of requests for tenants that are refused.

use hyper::StatusCode;

use crate::domain::tenant::TENANTS_MAX;
use crate::http::error::{Describe, Description};
use crate::http::quote::quote;
use crate::service::tenant::refusal::TenantRefusal;

impl Describe for TenantRefusal {
    fn describe(&self) -> Description {
        let (status, code, message) = match self {
            Self::Access(refusal) => return refusal.describe(),
            Self::NotFound { name } => (
                StatusCode::NOT_FOUND,
                "NO_SUCH_TENANT",
                format!("No tenant with name \"{}\" found", quote(name)),
            ),
            Self::Exists { name } => (
                StatusCode::CONFLICT,
                "TENANT_EXISTS",
                format!("The tenant \"{}\" already exists", quote(name)),
            ),
            Self::Invalid(why) => (
                StatusCode::BAD_REQUEST,
                "OTHER",
                format!("The tenant is invalid: {why}"),
            ),
            Self::TooManyTenants => (
                StatusCode::BAD_REQUEST,
                "OTHER",
                format!("There are {TENANTS_MAX} tenants already, and there may not be more"),
            ),
            Self::TooManyChanges => (
                StatusCode::SERVICE_UNAVAILABLE,
                "OTHER",
                "Earlier changes are still being carried out on the tenant's profiles; nothing was changed; try again"
                    .to_owned(),
            ),
        };
        Description {
            status,
            code,
            message: message.into(),
        }
    }
}
