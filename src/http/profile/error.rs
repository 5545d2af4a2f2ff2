//! The errors of requests for profiles that are refused, and of others that are refused because of a profile.

use hyper::StatusCode;

use crate::http::error::{Describe, Description};
use crate::http::quote::quote;
use crate::service::profile::ProfileRefusal;
use crate::service::profile::refusal::ProfileRequestRefusal;

impl Describe for ProfileRequestRefusal {
    fn describe(&self) -> Description {
        let message = match self {
            Self::Access(refusal) => return refusal.describe(),
            Self::Profile(refusal) => return refusal.describe(),
            Self::ListTooLarge { max } => format!(
                "The list would be longer than {max} bytes; select fewer profiles with 'start' and 'count', or fewer \
                 attributes with 'attributeToReturn'"
            ),
            Self::ListTooLong => {
                "The list has too many profiles; select fewer with 'start' and 'count'".to_owned()
            }
            Self::TooManyExamined { max } => {
                format!("The tenant has more than {max} profiles to be looked at for this list")
            }
        };
        // Not 503, after which clients try again: it would take as much again, with the same result.
        Description {
            status: StatusCode::BAD_REQUEST,
            code: "OTHER",
            message: message.into(),
        }
    }
}

impl Describe for ProfileRefusal {
    fn describe(&self) -> Description {
        let (status, code, message) = match self {
            Self::NotFound { id } => (
                StatusCode::NOT_FOUND,
                "NO_SUCH_PROFILE",
                format!("No profile with ID \"{}\" found", quote(id)),
            ),
            Self::NoSuchUsername { tenant, username } => (
                StatusCode::NOT_FOUND,
                "NO_SUCH_PROFILE",
                format!(
                    "No profile found for tenant \"{}\" and username \"{}\"",
                    quote(tenant),
                    quote(username)
                ),
            ),
            Self::NoSuchTenant { name } => (
                StatusCode::NOT_FOUND,
                "NO_SUCH_TENANT",
                format!("No tenant with name \"{}\" found", quote(name)),
            ),
            Self::Disabled { id, tenant } => (
                StatusCode::FORBIDDEN,
                "DISABLED_PROFILE",
                format!(
                    "Profile \"{}\" of tenant \"{}\" is disabled",
                    quote(id),
                    quote(tenant)
                ),
            ),
        };
        Description {
            status,
            code,
            message: message.into(),
        }
    }
}
