//! An access token that is deleted.

use crate::ending_access::{Access, post, setup};
use crate::support::fixture::{BOTH, PROFILE};

#[test]
fn deleting_an_access_token_ends_its_use_at_once() {
    let mut seed = crate::support::fixture::seed();
    seed["accesstoken"][0]["master"] = true.into();
    let server = setup().seed(seed).start();
    let client = server.client();
    let access = Access::give(&client, PROFILE, 1);
    let other = client.with_token(BOTH);
    access.assert_works(&other);
    post(&client, &format!("access_token/{BOTH}/delete"), &[]).assert_empty();
    let unknown = format!("No access token found for ID \"{BOTH}\"");
    let (login, ticket) = (&access.logins[0], &access.tickets[0]);
    for refused in [
        other.read(&login.id),
        other.refresh(&login.id),
        other.delete(&login.id),
        other.create(PROFILE),
        other.read_ticket(&ticket.id),
        other.create_ticket(PROFILE),
        other.invalidate(&ticket.id),
    ] {
        refused.assert_error(403, "ACCESS_DENIED", &unknown);
    }
    access.assert_works(&client);
    let server = setup().home(server.stop()).start();
    let other = server.client().with_token(BOTH);
    other
        .read(&login.id)
        .assert_error(403, "ACCESS_DENIED", &unknown);
}
