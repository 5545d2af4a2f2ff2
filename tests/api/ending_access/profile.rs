//! A profile that is disabled or deleted.

use rememberd::testing::Event;

use crate::ending_access::{Access, MANY, post, setup};
use crate::support::fixture::{ACME_PROFILE, PROFILE};
use crate::support::server::Setup;

/// The calls that disable [`PROFILE`].
fn disable() -> [(String, Vec<(&'static str, &'static str)>); 2] {
    [
        (format!("profile/{PROFILE}/disable"), Vec::new()),
        (
            format!("profile/{PROFILE}/update"),
            vec![("enabled", "false")],
        ),
    ]
}

#[test]
fn disabling_ends_all_access_for_good() {
    for count in [1, MANY] {
        for (path, parameters) in disable() {
            let server = setup().start();
            let client = server.client();
            let access = Access::give(&client, PROFILE, count);
            let other = Access::give(&client, ACME_PROFILE, 1);
            access.assert_works(&client);
            let commits = server.app.store.commits();
            assert_eq!(post(&client, &path, &parameters).status, 200);
            assert_eq!(server.app.store.commits(), commits + 1);
            access.assert_ended(&client);
            client
                .create(PROFILE)
                .assert_disabled_profile(PROFILE, "default");
            client
                .create_ticket(PROFILE)
                .assert_disabled_profile(PROFILE, "default");

            let enabled = post(&client, &format!("profile/{PROFILE}/enable"), &[]);
            assert_eq!(enabled.status, 200, "{enabled:?}");
            access.assert_ended(&client);
            access.assert_not_listed(&client, &[]);
            let new = Access::give(&client, PROFILE, 1);
            access.assert_ended(&client);
            new.assert_works(&client);
            other.assert_works(&client);
            assert_eq!(server.app.audit.count(Event::DisableProfile), 1);

            let server = setup().home(server.stop()).start();
            let client = server.client();
            access.assert_ended(&client);
            new.assert_works(&client);
            other.assert_works(&client);
        }
    }
}

#[test]
fn deleting_ends_all_access_for_good() {
    for count in [1, MANY] {
        let server = setup().start();
        let client = server.client();
        let access = Access::give(&client, PROFILE, count);
        let other = Access::give(&client, ACME_PROFILE, 1);
        let commits = server.app.store.commits();
        post(&client, &format!("profile/{PROFILE}/delete"), &[]).assert_empty();
        assert_eq!(server.app.store.commits(), commits + 1);
        access.assert_ended(&client);
        other.assert_works(&client);
        client.create(PROFILE).assert_no_such_profile(PROFILE);
        client
            .create_ticket(PROFILE)
            .assert_no_such_profile(PROFILE);
        let server = setup().home(server.stop()).start();
        access.assert_ended(&server.client());
        other.assert_works(&server.client());
    }
}

#[test]
fn a_login_that_an_end_excepted_is_ended_by_a_later_one() {
    let server = setup().start();
    let client = server.client();
    let access = Access::give(&client, PROFILE, MANY);
    let kept = &access.logins[3];
    let except = format!("&except={}", kept.id);
    client
        .delete_by_profile(PROFILE, &except)
        // The one of the fixture too.
        .assert_deleted(MANY);
    assert_eq!(client.read(&kept.id).login(), *kept);
    let disabled = post(&client, &format!("profile/{PROFILE}/disable"), &[]);
    assert_eq!(disabled.status, 200);
    access.assert_ended(&client);
    // An exception does not bring it back.
    post(&client, &format!("profile/{PROFILE}/enable"), &[]);
    client.delete_by_profile(PROFILE, &except).assert_deleted(0);
    access.assert_ended(&client);
}

#[test]
fn other_changes_of_a_profile_end_nothing() {
    let server = Setup::new().start();
    let client = server.client();
    let access = Access::give(&client, PROFILE, 2);
    for (call, parameters) in [
        ("enable", &[][..]),
        (
            "update",
            &[("email", "x@example.com"), ("username", "other")],
        ),
        ("update", &[("enabled", "true"), ("password", "")]),
        ("roles/add", &[("role", "USER")]),
        ("roles/remove", &[("role", "USER")]),
    ] {
        let changed = post(&client, &format!("profile/{PROFILE}/{call}"), parameters);
        assert_eq!(changed.status, 200, "{changed:?}");
        access.assert_works(&client);
    }
}
