//! A profile that gets another password.

use rememberd::testing::Event;

use crate::ending_access::{Access, MANY, authenticate, post, setup};
use crate::support::fixture::{ACME_PROFILE, PROFILE};

const UPDATE: &str = "profile/5925a68def86951f895cf497/update";

#[test]
fn another_password_ends_all_access_for_good() {
    for count in [1, MANY] {
        let server = setup().flag("--password-hash=contract").start();
        let client = server.client();
        let set = |password| {
            let changed = post(&client, UPDATE, &[("password", password)]);
            assert_eq!(changed.status, 200, "{changed:?}");
        };
        set("first");
        let mut access = Access::give(&client, PROFILE, count);
        let other = Access::give(&client, ACME_PROFILE, 1);
        let signed_in = authenticate(&client, "default", "jdoe", "first");
        access.tickets.push(signed_in.ticket());
        access.assert_works(&client);
        set("second");
        access.assert_ended(&client);
        other.assert_works(&client);
        authenticate(&client, "default", "jdoe", "first").assert_error(
            401,
            "BAD_CREDENTIALS",
            "Invalid username and/or password",
        );
        let new = authenticate(&client, "default", "jdoe", "second").ticket();
        assert_eq!(client.read_ticket(&new.id).ticket().id, new.id);
        access.assert_ended(&client);
        server.wait_for_writer();
        assert_eq!(server.app.audit.count(Event::ChangePassword), 2);
        let server = setup().home(server.stop()).start();
        access.assert_ended(&server.client());
        assert_eq!(server.client().read_ticket(&new.id).ticket().id, new.id);
    }
}
