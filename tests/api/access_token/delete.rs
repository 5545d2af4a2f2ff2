//! Deleting access tokens.

use std::pin::pin;

use rememberd::testing::service::{access_token, persistent_login};
use rememberd::testing::{AccessRefusal, Caller, Event, LoginError, PersistentLoginRefusal};

use super::{MASTER, master, server, setup};
use crate::support::fixture::{ADMIN, BOTH, LOGIN, first_login};

#[test]
fn a_deleted_access_token_is_of_no_use_at_once() {
    let server = server();
    let client = master(&server);
    server.client().read(LOGIN).login();
    client.delete_token(ADMIN).assert_empty();
    server.client().read(LOGIN).assert_unknown_caller(ADMIN);
    server.client().refresh(LOGIN).assert_unknown_caller(ADMIN);
    client.read_token(ADMIN).assert_no_such_token(ADMIN);
    assert_eq!(server.app.audit.count(Event::DeleteAccessToken), 1);
    let server = setup().home(server.stop()).start();
    server.client().read(LOGIN).assert_unknown_caller(ADMIN);
    let both = server.client().with_token(BOTH);
    assert_eq!(both.read(LOGIN).login(), first_login());
}

#[test]
fn what_was_asked_for_before_is_refused() {
    let server = server();
    let caller = |id: &str| Caller::new(Some(id.to_owned()));
    let held = server.hold_writer();
    let mut deletion = pin!(access_token::delete(
        &server.app,
        caller(MASTER),
        ADMIN.to_owned()
    ));
    assert!(server.begin(deletion.as_mut()).is_pending());
    let refresh = persistent_login::refresh(&server.app, caller(ADMIN), LOGIN.to_owned(), None);
    let mut refresh = pin!(refresh);
    assert!(server.begin(refresh.as_mut()).is_pending());
    drop(held);
    let refused = server.block_on(refresh).expect_err("the caller is gone");
    let id = ADMIN.to_owned();
    let expected = PersistentLoginRefusal::Access(AccessRefusal::TokenUnknown { id });
    assert_eq!(refused, LoginError::Refused(expected));
    assert!(server.block_on(deletion).is_ok());
    let both = server.client().with_token(BOTH);
    assert_eq!(both.read(LOGIN).login(), first_login());
}

#[test]
fn what_does_not_exist_is_deleted_already() {
    let server = server();
    let client = master(&server);
    let commits = server.app.store.commits();
    for id in ["nobody", "all", "create", "z%C3%B6lf"] {
        client.delete_token(id).assert_empty();
    }
    assert_eq!(server.app.store.commits(), commits);
    assert_eq!(server.app.audit.count(Event::DeleteAccessToken), 0);
}

#[test]
fn a_master_may_delete_itself() {
    let server = server();
    let client = master(&server);
    client.delete_token(MASTER).assert_empty();
    client.delete_token(MASTER).assert_unknown_caller(MASTER);
}

#[test]
fn only_a_master_deletes() {
    let server = server();
    let commits = server.app.store.commits();
    // Before it is looked at whether it exists, and also itself.
    for id in [MASTER, ADMIN, "nobody"] {
        let refused = server.client().delete_token(id);
        refused.assert_no_master(&format!("action \"DELETE_TOKEN\" on {id}"));
    }
    let unknown = server.client().with_token("nobody");
    unknown.delete_token(MASTER).assert_unknown_caller("nobody");
    assert_eq!(server.app.store.commits(), commits);
    server.client().read(LOGIN).login();
}
