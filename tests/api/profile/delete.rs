//! Deleting a profile.

use rememberd::testing::Event;

use crate::profile::changes::{assert_unchanged, json_of, post, server, setup};
use crate::profile::seed::{
    ADMIN, ANNA, CARL, MANAGE_PROFILES, NOTHING, PROFILES_ONLY, READ_TENANT, TENANT_ONLY, get,
};
use crate::support::fixture::NO_PROFILE;

#[test]
fn a_deleted_profile_is_gone_with_its_access() {
    let server = server();
    let client = server.client();
    let login = client.create(ANNA).login();
    let other = client.create(CARL).login();
    let commits = server.app.store.commits();
    post(&server, ADMIN, &format!("{ANNA}/delete"), &[]).assert_empty();
    assert_eq!(server.app.store.commits(), commits + 1);
    get(&server, ADMIN, ANNA, &[]).assert_no_such_profile(ANNA);
    client.read(&login.id).assert_no_such_login(&login.id);
    client.refresh(&login.id).assert_no_such_login(&login.id);
    client.create(ANNA).assert_no_such_profile(ANNA);
    assert_eq!(client.read(&other.id).login(), other);
    server.wait_for_writer();
    assert_eq!(server.app.audit.count(Event::DeleteProfile), 1);
    // Its username is free again, for another profile.
    let parameters = [
        ("tenantName", "corp"),
        ("username", "anna"),
        ("email", "a@b"),
        ("enabled", "true"),
    ];
    let created = json_of(&post(&server, ADMIN, "create", &parameters));
    assert_ne!(created["id"], ANNA);
    let server = setup().home(server.stop()).start();
    get(&server, ADMIN, ANNA, &[]).assert_no_such_profile(ANNA);
    server
        .client()
        .read(&login.id)
        .assert_no_such_login(&login.id);
}

#[test]
fn an_unknown_profile_is_deleted_already() {
    let server = server();
    let commits = server.app.store.commits();
    post(&server, ADMIN, &format!("{ANNA}/delete"), &[]).assert_empty();
    for id in [NO_PROFILE, "x", ANNA] {
        for token in [ADMIN, NOTHING] {
            post(&server, token, &format!("{id}/delete"), &[]).assert_empty();
        }
    }
    assert_eq!(server.app.store.commits(), commits + 1);
    let none = post(&server, "", &format!("{NO_PROFILE}/delete"), &[]);
    none.assert_error(
        403,
        "ACCESS_DENIED",
        "Access token ID param missing from request",
    );
}

#[test]
fn deleting_requires_manage_profiles_and_then_read_tenant() {
    let server = server();
    let delete = |token| post(&server, token, &format!("{ANNA}/delete"), &[]);
    assert_unchanged(&server, ANNA, || {
        delete(NOTHING).assert_denied(MANAGE_PROFILES, "corp");
        delete(TENANT_ONLY).assert_denied(MANAGE_PROFILES, "corp");
        delete(PROFILES_ONLY).assert_denied(READ_TENANT, "corp");
    });
}
