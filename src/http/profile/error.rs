//! The errors of requests for profiles that are refused, and of others that are refused because of a profile.

use hyper::StatusCode;

use crate::http::error::{Describe, Description, OTHER};
use crate::http::quote::quote;
use crate::service::profile::ProfileRefusal;
use crate::service::profile::refusal::ProfileRequestRefusal;

impl Describe for ProfileRequestRefusal {
    fn describe(&self) -> Description {
        let (status, code, message) = match self {
            Self::Access(refusal) => return refusal.describe(),
            Self::Profile(refusal) => return refusal.describe(),
            Self::VerificationToken(refusal) => return refusal.describe(),
            Self::EmailInvalid { email } => (
                StatusCode::BAD_REQUEST,
                "INVALID_EMAIL_ADDRESS",
                // The sentence has no end in the contract either.
                format!(
                    "The specified email address \"{}\" is in an invalid",
                    quote(email)
                ),
            ),
            Self::UsernameTaken { username } => (
                StatusCode::CONFLICT,
                "PROFILE_EXISTS",
                format!("A profile with name \"{}\" already exists", quote(username)),
            ),
            Self::AttributeNotDefined { name, tenant } => (
                StatusCode::BAD_REQUEST,
                "ATTRIBUTE_NOT_DEFINED",
                format!(
                    "Attribute definition for attribute \"{}\" not found in tenant \"{}\"",
                    quote(name),
                    quote(tenant)
                ),
            ),
            Self::TooManyRoles { max } => (
                StatusCode::BAD_REQUEST,
                OTHER,
                format!("A profile can have {max} roles at most"),
            ),
            Self::RoleTooLong { max } => (
                StatusCode::BAD_REQUEST,
                OTHER,
                format!("A role can have {max} bytes at most"),
            ),
            Self::AttributesTooLarge { max } => (
                StatusCode::BAD_REQUEST,
                OTHER,
                format!("The attributes of a profile can take {max} bytes at most"),
            ),
            // Not 404, as where the ticket itself is asked for.
            Self::NoSuchTicket { id } => (
                StatusCode::BAD_REQUEST,
                "NO_SUCH_TICKET",
                format!("No ticket with ID \"{}\" found", quote(id)),
            ),
            Self::NoProfileOfTicket { id } => (
                StatusCode::NOT_FOUND,
                "NO_SUCH_PROFILE",
                format!("No profile found for ticket \"{}\"", quote(id)),
            ),
            Self::ListTooLarge { max } => too_much(format!(
                "The list would be longer than {max} bytes; select fewer profiles with 'start' and 'count', or fewer \
                 attributes with 'attributeToReturn'"
            )),
            Self::ListTooLong => too_much(
                "The list has too many profiles; select fewer with 'start' and 'count'".to_owned(),
            ),
            Self::TooManyExamined { max } => too_much(format!(
                "The tenant has more than {max} profiles to be looked at for this request"
            )),
            Self::QueryInvalid(error) => invalid_query(error.to_string()),
            Self::QueryAttributeDenied { name } => invalid_query(format!(
                "Attribute \"{}\" is not allowed in query",
                quote(name)
            )),
            Self::NoProfileOfQuery { tenant, query } => (
                StatusCode::NOT_FOUND,
                "NO_SUCH_PROFILE",
                format!(
                    "No profile found for tenant \"{}\" and query \"{}\"",
                    quote(tenant),
                    quote(query)
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

fn invalid_query(message: String) -> (StatusCode, &'static str, String) {
    (StatusCode::BAD_REQUEST, "INVALID_QUERY", message)
}

/// Not 503, after which clients try again: it would take as much again, with the same result.
fn too_much(message: String) -> (StatusCode, &'static str, String) {
    (StatusCode::BAD_REQUEST, OTHER, message)
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
