//! Deleting a login.

use crate::support::fixture::{LOGIN, NO_LOGIN};
use crate::support::server::Server;

#[test]
fn a_deleted_login_is_not_found() {
    let server = Server::start();
    let client = server.client();
    let deleted = client.delete(LOGIN);
    deleted.assert_empty();
    assert_eq!(deleted.header("cache-control"), "no-store");
    client.read(LOGIN).assert_no_such_login(LOGIN);
    client.refresh(LOGIN).assert_no_such_login(LOGIN);
    client.delete(LOGIN).assert_empty();
}

#[test]
fn deleting_a_missing_login_succeeds() {
    let server = Server::start();
    for id in [NO_LOGIN, "not-a-uuid", "create"] {
        server.client().delete(id).assert_empty();
    }
}
