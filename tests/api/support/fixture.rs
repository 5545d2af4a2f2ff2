//! The data of the seed file that the test servers load.

use rememberd::testing::Timestamp;
use serde_json::{Value, json};

use crate::support::client::Login;

/// The initial time of the manual clock: the time in the example of the wire contract.
pub const NOW: Timestamp = Timestamp::from_millis(1_495_665_332_589);

/// A login of [`PROFILE`], created at [`NOW`].
pub const LOGIN: &str = "b68c0013-d7b2-4004-8463-d7ba03e15d94";
/// The initial token of [`LOGIN`].
pub const TOKEN: &str = "f390e222-c844-44a2-ad38-afa471527101";
/// A login of [`DISABLED_PROFILE`], created at [`NOW`].
pub const DISABLED_LOGIN: &str = "0d9f1c3e-7c52-4b8a-9c55-3c6f1b7a2e10";
/// A login of [`ACME_PROFILE`], created at [`NOW`].
pub const ACME_LOGIN: &str = "7e1b5c0a-2f64-4d19-8a3b-9f0c4d6e8b21";
/// A well-formed id that no login has.
pub const NO_LOGIN: &str = "00000000-0000-4000-8000-000000000000";

/// An enabled profile of the tenant `default`.
pub const PROFILE: &str = "5925a68def86951f895cf497";
/// A disabled profile of the tenant `default`.
pub const DISABLED_PROFILE: &str = "5925a68def86951f895cf498";
/// A profile of the tenant `acme.com`.
pub const ACME_PROFILE: &str = "5925a68def86951f895cf499";
/// A well-formed id that no profile has.
pub const NO_PROFILE: &str = "5925a68def86951f895cf4ff";

/// An access token that allows everything.
pub const ADMIN: &str = "e5f4a1d2-0c3b-4e6f-8a7d-1b2c3d4e5f60";
/// Allows MANAGE_TICKETS on `default`.
pub const TICKETS: &str = "may-manage-tickets";
/// Allows MANAGE_PROFILES on `default`.
pub const PROFILES: &str = "may-manage-profiles";
/// Allows MANAGE_PROFILES and READ_TENANT on `default`.
pub const READERS: &str = "may-read-profiles";
/// Allows all that signing in takes on `default`, by name.
pub const SIGN_IN: &str = "may-sign-in";
/// Allows MANAGE_TICKETS and MANAGE_PROFILES on `default`.
pub const BOTH: &str = "may-manage-both";
/// Allows everything on `acme.com`.
pub const ACME: &str = "may-do-everything-on-acme";
/// Has an entry for `default` that allows MANAGE_PROFILES, before one that allows everything.
pub const NARROW_FIRST: &str = "narrow-first";
/// Has an entry for `*` that allows nothing, before one that allows everything on `default`.
pub const NOTHING_FIRST: &str = "nothing-first";
/// Has no entry.
pub const POWERLESS: &str = "powerless";
/// Allows everything until [`EXPIRY`].
pub const EXPIRING: &str = "expiring";

/// When [`EXPIRING`] expires: 1 June 2017, noon.
pub const EXPIRY: Timestamp = Timestamp::from_millis(1_496_318_400_000);

/// A seed file with all of the above.
pub fn seed() -> Value {
    json!({
        "accesstoken": [
            access_token(ADMIN, json!([["*", "*"]])),
            access_token(TICKETS, json!([["default", "MANAGE_TICKETS"]])),
            access_token(PROFILES, json!([["default", "MANAGE_PROFILES"]])),
            access_token(BOTH, json!([["default", "MANAGE_TICKETS", "MANAGE_PROFILES"]])),
            access_token(READERS, json!([["default", "READ_TENANT", "MANAGE_PROFILES"]])),
            access_token(SIGN_IN, json!([["default", "MANAGE_TICKETS", "READ_TENANT", "MANAGE_PROFILES"]])),
            access_token(ACME, json!([["acme.com", "*"]])),
            access_token(NARROW_FIRST, json!([["default", "MANAGE_PROFILES"], ["*", "*"]])),
            access_token(NOTHING_FIRST, json!([["*"], ["default", "*"]])),
            access_token(POWERLESS, json!([])),
            {
                "_id": EXPIRING,
                "application": "shop",
                "tenantPermissions": [{"tenant": "*", "allowedActions": ["*"]}],
                "expiresOn": EXPIRY.as_millis(),
            },
        ],
        "tenant": [{"name": "default"}, {"name": "acme.com"}],
        "profile": [
            profile(PROFILE, "jdoe", "default", true),
            profile(DISABLED_PROFILE, "old", "default", false),
            profile(ACME_PROFILE, "jdoe", "acme.com", true),
        ],
        "persistentlogin": [
            login(LOGIN, TOKEN, PROFILE, "default", NOW),
            login(DISABLED_LOGIN, "d1f3a7c5-5c1e-4a57-b9a3-6e2d4c8b0a12", DISABLED_PROFILE, "default", NOW),
            login(ACME_LOGIN, "a2b4c6d8-1e3f-4a5b-8c7d-9e0f1a2b3c4d", ACME_PROFILE, "acme.com", NOW),
        ],
    })
}

/// The initial state of [`LOGIN`].
pub fn first_login() -> Login {
    Login {
        tenant: "default".to_owned(),
        profile_id: PROFILE.to_owned(),
        token: TOKEN.to_owned(),
        timestamp: NOW.as_millis(),
        id: LOGIN.to_owned(),
    }
}

/// A login in a seed file.
pub fn login(id: &str, token: &str, profile: &str, tenant: &str, created: Timestamp) -> Value {
    json!({
        "_id": id,
        "tenant": tenant,
        "profileId": profile,
        "token": token,
        "timestamp": created.as_millis(),
    })
}

fn profile(id: &str, username: &str, tenant: &str, enabled: bool) -> Value {
    json!({"_id": id, "username": username, "tenant": tenant, "enabled": enabled})
}

/// An access token in a seed file. Each of its permissions is a list of a tenant and the allowed actions.
fn access_token(id: &str, permissions: Value) -> Value {
    let permissions: Vec<Value> = permissions
        .as_array()
        .expect("a list of permissions")
        .iter()
        .map(|permission| {
            let texts = permission.as_array().expect("a tenant and its actions");
            json!({"tenant": texts[0], "allowedActions": texts[1..]})
        })
        .collect();
    json!({"_id": id, "application": "tests", "tenantPermissions": permissions})
}
