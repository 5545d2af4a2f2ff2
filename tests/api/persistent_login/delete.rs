//! Deleting a login.

use tempfile::TempDir;

use crate::support::fixture::{LOGIN, NO_LOGIN};
use crate::support::process::{DEMO_ACCESS_TOKEN, DEMO_SEED, Launch};
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

#[test]
fn a_delete_without_effect_for_its_id_is_logged_without_it() {
    let home = TempDir::new().expect("a temporary directory");
    let serving = Launch::serve(home.path()).seed(DEMO_SEED).start();
    let client = serving.client(DEMO_ACCESS_TOKEN);
    let bare = LOGIN.replace('-', "");
    for id in [NO_LOGIN, &bare, "secret-text"] {
        client.delete(id).assert_empty();
    }
    // Whether it is a UUID is nobody's business but a caller's.
    let stranger = client.with_token("nobody");
    assert_eq!(stranger.delete("secret-text").status, 403);
    assert_eq!(client.read(LOGIN).login().id, LOGIN);
    let log = serving.stop().stderr;
    // The first one, and a summary of the others at the stop.
    for line in [
        " WARN a delete has an id that is no UUID application=\"demo\"",
        " WARN more deletes have an id that is no UUID application=\"demo\" count=1 ",
    ] {
        assert_eq!(log.matches(line).count(), 1, "{line} in {log}");
    }
    for id in [&bare, "secret-text"] {
        assert!(!log.contains(id), "{log}");
    }
}
