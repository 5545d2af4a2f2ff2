//! What was ended is removed in the background, with the small rows that ended it.

use std::sync::Arc;

use rememberd::testing::service::{persistent_login, ticket};
use rememberd::testing::{jobs, tables};

use crate::ending_access::{Access, MANY, post, setup};
use crate::support::fixture::PROFILE;
use crate::support::server::{Server, wait_until};

fn stored(server: &Server) -> (u64, u64) {
    let counted = server.app.store.read(|txn| {
        let logins = tables::persistent_login::count(txn)?;
        Ok((logins, tables::ticket::count(txn)?))
    });
    counted.expect("the store is open")
}

#[test]
fn many_ended_logins_and_tickets_are_removed_in_the_background() {
    let server = setup()
        .flag("--cleaner-interval=1ms")
        .flag("--cleaner-batch-max=16")
        .start();
    let client = server.client();
    let before = stored(&server);
    let access = Access::give(&client, PROFILE, MANY);
    post(&client, &format!("profile/{PROFILE}/delete"), &[]).assert_empty();
    assert!(stored(&server).0 > before.0);
    server.spawn(jobs::run(Arc::clone(&server.app)));
    wait_until("what was ended is removed", || {
        // The login of the fixture too.
        stored(&server) == (before.0 - 1, before.1) && !is_pending(&server)
    });
    access.assert_ended(&client);
}

#[test]
fn few_are_removed_at_once() {
    let server = setup().start();
    let client = server.client();
    let before = stored(&server);
    let access = Access::give(&client, PROFILE, 3);
    post(&client, &format!("profile/{PROFILE}/disable"), &[]);
    assert_eq!(stored(&server), (before.0 - 1, before.1));
    assert!(!is_pending(&server));
    access.assert_ended(&client);
}

/// Whether something was ended and may be there still.
fn is_pending(server: &Server) -> bool {
    let logins = persistent_login::ended_profiles(&server.app);
    let tickets = ticket::ended_profiles(&server.app);
    let pending = [logins, tickets].map(|profiles| profiles.expect("the store is open"));
    pending != [vec![], vec![]]
}
