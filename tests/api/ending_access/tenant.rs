//! A tenant that is deleted.

use crate::ending_access::{Access, MANY, authenticate, post, setup};
use crate::support::fixture::{ACME_PROFILE, PROFILE};

#[test]
fn deleting_a_tenant_ends_the_access_of_its_profiles_for_good() {
    for count in [1, MANY] {
        let server = setup().flag("--password-hash=contract").start();
        let client = server.client();
        let update = format!("profile/{ACME_PROFILE}/update");
        assert_eq!(
            post(&client, &update, &[("password", "secret")]).status,
            200
        );
        let access = Access::give(&client, ACME_PROFILE, count);
        let other = Access::give(&client, PROFILE, 1);
        let signed_in = authenticate(&client, "acme.com", "jdoe", "secret");
        signed_in.ticket();
        let commits = server.app.store.commits();
        post(&client, "tenant/acme.com/delete", &[]).assert_empty();
        assert_eq!(server.app.store.commits(), commits + 1);
        let assert_gone = |client: &_| {
            access.assert_ended(client);
            other.assert_works(client);
            authenticate(client, "acme.com", "jdoe", "secret").assert_error(
                401,
                "BAD_CREDENTIALS",
                "Invalid username and/or password",
            );
            client
                .create(ACME_PROFILE)
                .assert_no_such_profile(ACME_PROFILE);
            client
                .create_ticket(ACME_PROFILE)
                .assert_no_such_profile(ACME_PROFILE);
        };
        assert_gone(&client);
        // Another tenant of the same name has none of it.
        let json = r#"{"name":"acme.com"}"#;
        let target = format!(
            "/crafter-profile/api/1/tenant/create?{}",
            client.encode(&[])
        );
        let created = client.send(
            "POST",
            &target,
            &[("content-type", "application/json")],
            Some(json.as_bytes()),
        );
        assert_eq!(created.status, 200, "{created:?}");
        assert_gone(&client);
        let server = setup().home(server.stop()).start();
        assert_gone(&server.client());
    }
}
