//! Tickets: each use case.

mod create;
mod expire;
mod invalidate;
mod read;

use serde::Deserialize;

use crate::support::client::{Client, Response};

/// The path of the endpoints.
pub const TICKETS_PATH: &str = "/crafter-profile/api/1/authentication/ticket";

/// A well-formed id that no ticket has.
pub const NO_TICKET: &str = "00000000-0000-4000-8000-000000000001";

impl Client {
    /// POST `create` for a profile.
    pub fn create_ticket(&self, profile_id: &str) -> Response {
        let form = self.encode(&[("profileId", profile_id)]);
        self.post(&format!("{TICKETS_PATH}/create"), &form)
    }

    /// GET a ticket.
    pub fn read_ticket(&self, id: &str) -> Response {
        self.get(&format!("{TICKETS_PATH}/{id}?{}", self.encode(&[])))
    }

    /// POST `invalidate` for a ticket.
    pub fn invalidate(&self, id: &str) -> Response {
        let form = self.encode(&[]);
        self.post(&format!("{TICKETS_PATH}/{id}/invalidate"), &form)
    }
}

impl Response {
    /// The ticket in the body, after asserting that the body is exactly the one of the contract.
    #[track_caller]
    pub fn ticket(&self) -> Ticket {
        assert_eq!(self.status, 200, "{self:?}");
        assert_eq!(
            self.header("content-type"),
            "application/json;charset=UTF-8"
        );
        assert_eq!(self.header("cache-control"), "no-store");
        let ticket: Ticket = serde_json::from_str(&self.body).expect("a ticket");
        assert_eq!(self.body, ticket.json());
        ticket
    }

    /// Asserts that no ticket has this id.
    #[track_caller]
    pub fn assert_no_such_ticket(&self, id: &str) {
        let message = format!("No ticket with ID \"{id}\" found");
        self.assert_error(404, "NO_SUCH_TICKET", &message);
    }
}

/// A ticket as in a response.
#[derive(Deserialize, Clone, PartialEq, Eq, Debug)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Ticket {
    pub tenant: String,
    pub profile_id: String,
    pub last_request_time: i64,
    pub id: String,
}

impl Ticket {
    /// Its JSON in the contract.
    fn json(&self) -> String {
        format!(
            r#"{{"tenant":"{}","profileId":"{}","lastRequestTime":{},"id":"{}"}}"#,
            self.tenant, self.profile_id, self.last_request_time, self.id
        )
    }
}
