//! Access tokens that expire.

use std::time::Duration;

use serde_json::json;

use super::{master, server};
use crate::support::fixture::{LOGIN, NOW};

#[test]
fn an_access_token_is_of_no_use_from_its_expiry_on() {
    let server = server();
    let expiry = NOW.plus(Duration::from_secs(10));
    let document = json!({
        "id": "short",
        "application": "kiosk",
        "master": true,
        "tenantPermissions": [{"tenant": "*", "allowedActions": ["*"]}],
        "expiresOn": expiry.as_millis(),
    });
    let created = master(&server).create_token(&document);
    assert_eq!(created.status, 200, "{created:?}");
    let short = server.client().with_token("short");
    server.app.clock.advance(Duration::from_millis(9_999));
    short.read(LOGIN).login();
    server.app.clock.advance(Duration::from_millis(1));
    let message = "Access token \"short\" for application \"kiosk\" expired on 05/24/2017";
    let refused = [
        short.read(LOGIN),
        short.refresh(LOGIN),
        short.read_token("all"),
        short.create_token(&document),
        short.delete_token("short"),
    ];
    for response in refused {
        response.assert_error(403, "ACCESS_DENIED", message);
    }
}
