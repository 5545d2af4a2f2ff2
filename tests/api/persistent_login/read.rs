//! Reading a login.

use crate::support::client::{LOGINS, Login};
use crate::support::fixture::{ADMIN, LOGIN, NO_LOGIN, first_login};
use crate::support::server::Server;

#[test]
fn a_read_has_no_side_effect() {
    let server = Server::start();
    let commits = server.app.store.commits();
    for _ in 0..3 {
        assert_eq!(server.client().read(LOGIN).login(), first_login());
    }
    assert_eq!(server.app.store.commits(), commits);
}

#[test]
fn an_unknown_login_is_not_found() {
    let server = Server::start();
    let client = server.client();
    let bare = LOGIN.replace('-', "");
    for id in [NO_LOGIN, "not-a-uuid", "acme.com", bare.as_str()] {
        client.read(id).assert_no_such_login(id);
        client.refresh(id).assert_no_such_login(id);
    }
}

#[test]
fn a_get_of_create_reads_the_login_with_that_id() {
    let server = Server::start();
    server
        .client()
        .read("create")
        .assert_no_such_login("create");
    let target = format!("{LOGINS}/create.json?accessTokenId={ADMIN}");
    server.client().get(&target).assert_no_such_login("create");
}

#[test]
fn head_returns_the_headers_of_get_without_a_body() {
    let server = Server::start();
    let client = server.client();
    for id in [LOGIN, NO_LOGIN, "create"] {
        let get = client.read(id);
        let target = format!("{LOGINS}/{id}?accessTokenId={ADMIN}");
        let head = client.send("HEAD", &target, &[], None);
        assert_eq!(head.status, get.status);
        assert_eq!(head.body, "");
        for name in ["content-type", "content-length", "cache-control"] {
            assert_eq!(head.header(name), get.header(name), "{name}");
        }
    }
}

#[test]
fn a_selector_does_not_filter_the_response() {
    let server = Server::start();
    let target = format!("{LOGINS}/{LOGIN}?accessTokenId={ADMIN}&selector=token");
    let read: Login = server.client().get(&target).login();
    assert_eq!(read, first_login());
}
