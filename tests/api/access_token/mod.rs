//! Access tokens: what they allow, and each use case of them.

mod all;
mod create;
mod delete;
mod expire;
mod get;
mod permissions;

use serde_json::{Value, json};

use crate::support::client::{Client, Response};
use crate::support::fixture;
use crate::support::server::{Server, Setup};

/// The path of the endpoints.
const TOKENS: &str = "/crafter-profile/api/1/access_token";

/// An access token that is a master and has no permission.
const MASTER: &str = "the-master";

/// The content type of JSON documents.
const JSON: (&str, &str) = ("content-type", "application/json");

/// A server that has a master too.
fn server() -> Server {
    setup().start()
}

fn setup() -> Setup {
    let mut seed = fixture::seed();
    let tokens = seed["accesstoken"].as_array_mut().expect("a list");
    tokens.push(json!({"_id": MASTER, "application": "console", "master": true}));
    Setup::new().seed(seed)
}

/// A client that presents the master.
fn master(server: &Server) -> Client {
    server.client().with_token(MASTER)
}

impl Client {
    /// POST `create` with a JSON document.
    fn create_token(&self, document: &Value) -> Response {
        self.post_document(&document.to_string())
    }

    fn post_document(&self, document: &str) -> Response {
        let target = format!("{TOKENS}/create?{}", self.encode(&[]));
        self.send("POST", &target, &[JSON], Some(document.as_bytes()))
    }

    /// GET an access token, with an id that may be in a path.
    fn read_token(&self, id: &str) -> Response {
        self.get(&format!("{TOKENS}/{id}?{}", self.encode(&[])))
    }

    /// POST `delete` for an access token, with an id that may be in a path.
    fn delete_token(&self, id: &str) -> Response {
        self.post(&format!("{TOKENS}/{id}/delete"), &self.encode(&[]))
    }
}

impl Response {
    /// Asserts that this is exactly this JSON.
    #[track_caller]
    fn assert_token(&self, json: &str) {
        assert_eq!((self.status, self.body.as_str()), (200, json));
        assert_eq!(
            self.header("content-type"),
            "application/json;charset=UTF-8"
        );
        assert_eq!(self.header("cache-control"), "no-store");
    }

    /// Asserts that the caller is no master; `what` is what it may not do.
    #[track_caller]
    fn assert_no_master(&self, what: &str) {
        let message = format!("Current subject does not have permission to execute {what}");
        self.assert_error(403, "ACTION_DENIED", &message);
    }

    /// Asserts that no access token has this id.
    #[track_caller]
    fn assert_no_such_token(&self, id: &str) {
        let message = format!("No access token found for ID \"{id}\"");
        self.assert_error(404, "NO_SUCH_ACCESS_TOKEN_ID", &message);
    }

    /// Asserts that the caller's access token is unknown.
    #[track_caller]
    fn assert_unknown_caller(&self, id: &str) {
        let message = format!("No access token found for ID \"{id}\"");
        self.assert_error(403, "ACCESS_DENIED", &message);
    }

    /// Asserts that the JSON document is refused with this message.
    #[track_caller]
    fn assert_bad_document(&self, message: &str) {
        self.assert_error(400, "OTHER", message);
    }
}
