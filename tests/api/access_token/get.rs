//! Looking at an access token.

use std::time::Duration;

use super::{MASTER, TOKENS, master, server};
use crate::support::fixture::{ADMIN, BOTH, EXPIRING, EXPIRY, NOW};

#[test]
fn a_master_sees_each_access_token() {
    let server = server();
    let client = master(&server);
    client.read_token(MASTER).assert_token(
        r#"{"application":"console","master":true,"tenantPermissions":[],"expiresOn":null,"id":"the-master"}"#,
    );
    client.read_token(BOTH).assert_token(
        "{\"application\":\"tests\",\"master\":false,\"tenantPermissions\":[{\"allowedActions\":[\"MANAGE_TICKETS\",\
         \"MANAGE_PROFILES\"],\"tenant\":\"default\"}],\"expiresOn\":null,\"id\":\"may-manage-both\"}",
    );
    // Also after it has expired.
    let later = EXPIRY.as_millis() - NOW.as_millis();
    server
        .app
        .clock
        .advance(Duration::from_millis(later as u64));
    let expired = client.read_token(EXPIRING);
    assert!(
        expired
            .body
            .contains(&format!("\"expiresOn\":{}", EXPIRY.as_millis())),
        "{expired:?}"
    );
}

#[test]
fn an_unknown_access_token_is_not_found() {
    let server = server();
    let client = master(&server);
    for id in ["nobody", "create", "THE-MASTER"] {
        client.read_token(id).assert_no_such_token(id);
    }
    let encoded = client.read_token("a%2Fb");
    encoded.assert_other_error(400);
}

#[test]
fn only_a_master_looks() {
    let server = server();
    // Before it is looked at whether it exists.
    for id in [MASTER, ADMIN, "nobody"] {
        let refused = server.client().read_token(id);
        refused.assert_no_master(&format!("action \"READ_TOKEN\" on {id}"));
    }
    let unknown = server.client().with_token("nobody");
    unknown.read_token(MASTER).assert_unknown_caller("nobody");
}

#[test]
fn head_returns_no_body() {
    let server = server();
    let target = format!("{TOKENS}/{ADMIN}?accessTokenId={MASTER}");
    let head = server.client().send("HEAD", &target, &[], None);
    assert_eq!((head.status, head.body.as_str()), (200, ""));
}
