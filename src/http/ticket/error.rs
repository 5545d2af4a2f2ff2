//! The errors of requests for tickets that are refused.

use hyper::StatusCode;

use crate::http::error::{Describe, Description};
use crate::http::quote::quote;
use crate::service::ticket::refusal::TicketRefusal;

impl Describe for TicketRefusal {
    fn describe(&self) -> Description {
        match self {
            Self::Access(refusal) => refusal.describe(),
            Self::Profile(refusal) => refusal.describe(),
            Self::NotFound { id } => Description {
                status: StatusCode::NOT_FOUND,
                code: "NO_SUCH_TICKET",
                message: format!("No ticket with ID \"{}\" found", quote(id)).into(),
            },
        }
    }
}
