//! Deleting all logins of a profile, or all but one.

use crate::persistent_login::by_profile::{SECOND, server_with};
use crate::support::client::{Client, LOGINS};
use crate::support::fixture::{
    ACME_LOGIN, ADMIN, DISABLED_LOGIN, DISABLED_PROFILE, LOGIN, NO_LOGIN, PROFILE,
};
use crate::support::server::{Server, Setup};

/// The ids of those logins that still exist.
fn remaining(client: &Client, ids: &[String]) -> Vec<String> {
    let exists = |id: &&String| client.read(id).status == 200;
    ids.iter().filter(exists).cloned().collect()
}

#[test]
fn all_logins_of_a_profile_are_deleted() {
    let (server, ids) = server_with(3);
    let client = server.client();
    client.delete_by_profile(PROFILE, "").assert_deleted(4);
    assert!(remaining(&client, &ids).is_empty());
    for id in &ids {
        client.refresh(id).assert_no_such_login(id);
    }
    assert_eq!(client.by_profile(PROFILE, "").list(), []);
    for id in [DISABLED_LOGIN, ACME_LOGIN] {
        assert_eq!(client.read(id).login().id, id);
    }
    client.delete_by_profile(PROFILE, "").assert_deleted(0);
    let fresh = client.create(PROFILE).login();
    assert_eq!(client.by_profile(PROFILE, "").listed_ids(), [fresh.id]);
    let server = Setup::new().home(server.stop()).start();
    assert!(remaining(&server.client(), &ids).is_empty());
}

#[test]
fn the_logins_of_a_disabled_profile_may_be_deleted() {
    let server = Server::start();
    let client = server.client();
    client
        .delete_by_profile(DISABLED_PROFILE, "")
        .assert_deleted(1);
    client
        .read(DISABLED_LOGIN)
        .assert_no_such_login(DISABLED_LOGIN);
}

#[test]
fn one_login_may_be_excepted() {
    let (server, ids) = server_with(3);
    let client = server.client();
    let kept = client.read(&ids[2]).login();
    let except = format!("&except={}", kept.id);
    client.delete_by_profile(PROFILE, &except).assert_deleted(3);
    assert_eq!(remaining(&client, &ids), [kept.id.as_str()]);
    client.delete_by_profile(PROFILE, &except).assert_deleted(0);
    assert_eq!(client.read(&kept.id).login(), kept);
    client.refresh_with(&kept.id, &kept.token).login();
}

#[test]
fn an_invalid_exception_is_refused_without_effect() {
    let (server, ids) = server_with(2);
    let client = server.client();
    let upper = LOGIN.to_uppercase();
    for except in ["", "x", PROFILE, &upper, &LOGIN.replace('-', "")] {
        let response = client.delete_by_profile(PROFILE, &format!("&except={except}"));
        response.assert_bad_parameter("except");
    }
    assert_eq!(remaining(&client, &ids), ids);
}

#[test]
fn excepting_a_login_of_another_profile_keeps_none() {
    for except in [NO_LOGIN, ACME_LOGIN] {
        let (server, ids) = server_with(1);
        let client = server.client();
        let response = client.delete_by_profile(PROFILE, &format!("&except={except}"));
        response.assert_deleted(2);
        assert!(remaining(&client, &ids).is_empty());
        assert_eq!(client.read(ACME_LOGIN).login().id, ACME_LOGIN);
    }
}

#[test]
fn an_expired_login_is_deleted_but_not_counted() {
    let server = Setup::new().flag("--persistent-login-max-age=10s").start();
    let client = server.client();
    server.app.clock.advance(5 * SECOND);
    client.create(PROFILE).login();
    server.app.clock.advance(5 * SECOND);
    client.delete_by_profile(PROFILE, "").assert_deleted(1);
    // With the longer default age it would be valid again.
    let server = Setup::new().home(server.stop()).start();
    server.client().read(LOGIN).assert_no_such_login(LOGIN);
}

#[test]
fn a_get_of_delete_by_profile_reads_the_login_with_that_id() {
    let server = Server::start();
    let client = server.client();
    for suffix in ["", ".json"] {
        let target =
            format!("{LOGINS}/delete_by_profile{suffix}?accessTokenId={ADMIN}&profileId={PROFILE}");
        client
            .get(&target)
            .assert_no_such_login("delete_by_profile");
    }
    assert_eq!(client.read(LOGIN).login().id, LOGIN);
}
