//! The errors of requests for attachments that are refused.

use hyper::StatusCode;

use crate::http::error::{Describe, Description, OTHER};
use crate::http::quote::quote;
use crate::service::attachment::refusal::AttachmentRefusal;

impl Describe for AttachmentRefusal {
    fn describe(&self) -> Description {
        let (status, message) = match self {
            Self::Profile(refusal) => return refusal.describe(),
            Self::NotFound { name } => (
                StatusCode::NOT_FOUND,
                format!("No attachment with name \"{}\" found", quote(name)),
            ),
            Self::NameInvalid(problem) => (StatusCode::BAD_REQUEST, problem.to_string()),
            Self::ContentDiffers { named, found } => {
                let named = named.essence();
                let found = match found {
                    Some(found) => found.essence(),
                    None => "no image that attachments may be",
                };
                (
                    StatusCode::BAD_REQUEST,
                    format!("The name of the attachment says {named}, and its content is {found}"),
                )
            }
            Self::TooMany { max } => (
                StatusCode::BAD_REQUEST,
                format!("A profile can have {max} attachments at most"),
            ),
        };
        Description {
            status,
            code: OTHER,
            message: message.into(),
        }
    }
}
