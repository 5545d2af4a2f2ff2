//! What applications do from an empty database on: sign-in, auto-login by a cookie, sign-out, each call as the client
//! makes it.

mod by_mail;
mod security_library;
mod site_engine;

use std::time::Duration;

use serde_json::{Value, json};

use crate::support::client::{Client, Login, Response, encode};
use crate::support::server::{Server, Setup};

const API: &str = "/crafter-profile/api/1";

/// How many times each client comes back.
const VISITS: usize = 10;

/// The time between two visits, in which every ticket expires.
const ABSENCE: Duration = Duration::from_secs(3_600);

const MASTER: &str = "0b6b7d0c-58ab-4c1e-92a1-f3d0a1f0d2ce";
const APPLICATION: &str = "7a3d4c52-5f9e-4a3e-8f7c-6a1b5e0c9d21";

/// The calls of an application, as its client library makes them: each path ends in `.json`, and the access token is a
/// parameter.
struct Application {
    client: Client,
}

/// A profile, as far as a client looks at it.
struct ClientProfile {
    id: String,
    username: String,
}

impl Application {
    /// An application that has been set up on an empty database by the administration: its access token, a tenant, and
    /// a profile of it.
    fn set_up(server: &Server) -> Self {
        let client = server.client();
        let post_json = |path: &str, body: Value| {
            let target = format!("{API}{path}.json?accessTokenId={MASTER}");
            let json = ("content-type", "application/json");
            let response = client.send("POST", &target, &[json], Some(body.to_string().as_bytes()));
            assert_eq!(response.status, 200, "{response:?}");
        };
        let tenant = json!({
            "name": "shop",
            "availableRoles": ["USER"],
            "ssoEnabled": false,
            "verifyNewProfiles": false,
        });
        post_json("/tenant/create", tenant);
        post_json(
            "/access_token/create",
            json!({
                "id": APPLICATION,
                "application": "shop",
                "master": false,
                "tenantPermissions": [{
                    "tenant": "shop",
                    "allowedActions": ["READ_TENANT", "MANAGE_PROFILES", "MANAGE_TICKETS"],
                }],
                "expiresOn": null,
            }),
        );
        let application = Self { client };
        application.post(
            "/profile/create",
            &[
                ("tenantName", "shop"),
                ("username", "ann"),
                ("password", "correct horse"),
                ("email", "ann@shop.example"),
                ("enabled", "true"),
                ("role", "USER"),
            ],
        );
        application
    }

    fn authenticate(&self) -> Ticket {
        ticket(&self.post(
            "/authentication/authenticate",
            &[
                ("tenantName", "shop"),
                ("username", "ann"),
                ("password", "correct horse"),
            ],
        ))
    }

    fn profile(&self, id: &str) -> ClientProfile {
        let response = self.get(&format!("/profile/{id}"));
        assert_eq!(response.status, 200, "{response:?}");
        let profile: Value = serde_json::from_str(&response.body).expect("a profile");
        ClientProfile {
            id: profile["id"].as_str().expect("a text").to_owned(),
            username: profile["username"].as_str().expect("a text").to_owned(),
        }
    }

    fn create_ticket(&self, profile_id: &str) -> Ticket {
        ticket(&self.post(
            "/authentication/ticket/create",
            &[("profileId", profile_id)],
        ))
    }

    fn ticket(&self, id: &str) -> Response {
        self.get(&format!("/authentication/ticket/{id}"))
    }

    fn invalidate_ticket(&self, id: &str) {
        self.post(&format!("/authentication/ticket/{id}/invalidate"), &[])
            .assert_empty();
    }

    fn create_login(&self, profile_id: &str) -> Login {
        self.post(
            "/authentication/persistent_login/create",
            &[("profileId", profile_id)],
        )
        .login()
    }

    fn login(&self, id: &str) -> Response {
        self.get(&format!("/authentication/persistent_login/{id}"))
    }

    fn refresh_login(&self, id: &str) -> Login {
        self.post(
            &format!("/authentication/persistent_login/{id}/refresh_token"),
            &[],
        )
        .login()
    }

    fn delete_login(&self, id: &str) {
        self.post(
            &format!("/authentication/persistent_login/{id}/delete"),
            &[],
        )
        .assert_empty();
    }

    fn get(&self, path: &str) -> Response {
        self.client
            .get(&format!("{API}{path}.json?accessTokenId={APPLICATION}"))
    }

    #[track_caller]
    fn post(&self, path: &str, parameters: &[(&str, &str)]) -> Response {
        let form = encode(&[&[("accessTokenId", APPLICATION)], parameters].concat());
        let response = self.client.post(&format!("{API}{path}.json"), &form);
        assert_eq!(response.status, 200, "{response:?}");
        response
    }
}

/// A ticket, as far as a client looks at it.
struct Ticket {
    id: String,
    profile_id: String,
    last_request_time: i64,
}

/// The ticket in a response, after asserting that the body is exactly the one of the contract.
#[track_caller]
fn ticket(response: &Response) -> Ticket {
    assert_eq!(response.status, 200, "{response:?}");
    let body: Value = serde_json::from_str(&response.body).expect("a ticket");
    let text = |name: &str| body[name].as_str().expect("a text").to_owned();
    let ticket = Ticket {
        id: text("id"),
        profile_id: text("profileId"),
        last_request_time: body["lastRequestTime"].as_i64().expect("a number"),
    };
    let expected = format!(
        r#"{{"tenant":"shop","profileId":"{}","lastRequestTime":{},"id":"{}"}}"#,
        ticket.profile_id, ticket.last_request_time, ticket.id
    );
    assert_eq!(response.body, expected);
    ticket
}

/// A server with an empty database but for the access token of the administration.
fn empty_server(flags: &[&str]) -> Server {
    let seed = json!({"accesstoken": [{
        "_id": MASTER,
        "application": "console",
        "master": true,
        "tenantPermissions": [{"tenant": "*", "allowedActions": ["*"]}],
    }]});
    let setup = flags
        .iter()
        .fold(Setup::new().seed(seed), |setup, flag| setup.flag(flag));
    setup.start()
}
