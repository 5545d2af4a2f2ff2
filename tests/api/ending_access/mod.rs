//! What ends the access of a profile: none of its logins and tickets works from then on, whatever happens afterwards.

mod access_token;
mod clean_up;
mod password;
mod profile;
mod tenant;

use crate::support::client::{Client, Login, Response};
use crate::support::server::Setup;
use crate::ticket::Ticket;

/// More than the transaction removes that ends them.
const MANY: usize = 70;

/// Logins and tickets of a profile.
struct Access {
    profile_id: String,
    logins: Vec<Login>,
    tickets: Vec<Ticket>,
}

impl Access {
    /// Creates `count` of each.
    fn give(client: &Client, profile_id: &str, count: usize) -> Self {
        Self {
            profile_id: profile_id.to_owned(),
            logins: (0..count)
                .map(|_| client.create(profile_id).login())
                .collect(),
            tickets: (0..count)
                .map(|_| client.create_ticket(profile_id).ticket())
                .collect(),
        }
    }

    /// Asserts that each of them works.
    #[track_caller]
    fn assert_works(&self, client: &Client) {
        for login in &self.logins {
            assert_eq!(client.read(&login.id).login().id, login.id);
        }
        for ticket in &self.tickets {
            assert_eq!(client.read_ticket(&ticket.id).ticket().id, ticket.id);
        }
    }

    /// Asserts that none of them works in any call.
    #[track_caller]
    fn assert_ended(&self, client: &Client) {
        for login in &self.logins {
            client.read(&login.id).assert_no_such_login(&login.id);
            client.refresh(&login.id).assert_no_such_login(&login.id);
            client
                .refresh_with(&login.id, &login.token)
                .assert_no_such_login(&login.id);
        }
        for ticket in &self.tickets {
            client
                .read_ticket(&ticket.id)
                .assert_no_such_ticket(&ticket.id);
            let path = format!(
                "profile/by_ticket?{}",
                client.encode(&[("ticketId", &ticket.id)])
            );
            let message = format!("No ticket with ID \"{}\" found", ticket.id);
            get(client, &path).assert_error(400, "NO_SUCH_TICKET", &message);
        }
    }

    /// Asserts that none is listed, beside `others`.
    #[track_caller]
    fn assert_not_listed(&self, client: &Client, others: &[&str]) {
        let listed = client.by_profile(&self.profile_id, "").listed_ids();
        assert_eq!(listed, others);
    }
}

/// Room for [`MANY`] logins of a profile.
fn setup() -> Setup {
    Setup::new().flag("--logins-per-profile-max=200")
}

/// GET a path of the API, with its query.
fn get(client: &Client, path_and_query: &str) -> Response {
    client.get(&format!("/crafter-profile/api/1/{path_and_query}"))
}

/// POST these parameters to a path of the API.
fn post(client: &Client, path: &str, parameters: &[(&str, &str)]) -> Response {
    let form = client.encode(parameters);
    client.post(&format!("/crafter-profile/api/1/{path}"), &form)
}

/// Signs in.
fn authenticate(client: &Client, tenant: &str, username: &str, password: &str) -> Response {
    let parameters = [
        ("tenantName", tenant),
        ("username", username),
        ("password", password),
    ];
    post(client, "authentication/authenticate", &parameters)
}
