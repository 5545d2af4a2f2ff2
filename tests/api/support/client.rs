//! The HTTP client, and assertions on its responses.

use std::net::SocketAddr;

use serde::Deserialize;
use ureq::http::{HeaderMap, Request};
use ureq::{Agent, Body};

use crate::support::fixture;
use crate::support::server::PATIENCE;

/// The path of the endpoints.
pub const LOGINS: &str = "/crafter-profile/api/1/authentication/persistent_login";

/// The content type of forms.
pub const FORM: (&str, &str) = ("content-type", "application/x-www-form-urlencoded");

/// A client that presents an access token.
#[derive(Clone)]
pub struct Client {
    agent: Agent,
    base: String,
    caller: String,
}

impl Client {
    /// A client of the server at `address`, with the access token that allows everything.
    pub fn new(address: SocketAddr) -> Self {
        let agent = Agent::config_builder()
            .http_status_as_error(false)
            .allow_non_standard_methods(true)
            .timeout_global(Some(PATIENCE))
            .max_idle_connections_per_host(1)
            .build()
            .new_agent();
        Self {
            agent,
            base: format!("http://{address}"),
            caller: fixture::ADMIN.to_owned(),
        }
    }

    /// The same client with another access token.
    pub fn with_token(&self, access_token_id: &str) -> Self {
        Self {
            caller: access_token_id.to_owned(),
            ..self.clone()
        }
    }

    /// POST `create` for a profile.
    pub fn create(&self, profile_id: &str) -> Response {
        let form = format!("accessTokenId={}&profileId={profile_id}", self.caller);
        self.post(&format!("{LOGINS}/create"), &form)
    }

    /// GET a login.
    pub fn read(&self, id: &str) -> Response {
        self.get(&format!("{LOGINS}/{id}?accessTokenId={}", self.caller))
    }

    /// POST `refresh_token` for a login.
    pub fn refresh(&self, id: &str) -> Response {
        let form = format!("accessTokenId={}", self.caller);
        self.post(&format!("{LOGINS}/{id}/refresh_token"), &form)
    }

    /// POST `refresh_token` for a login, with the token that the user presented.
    pub fn refresh_with(&self, id: &str, token: &str) -> Response {
        let form = [("accessTokenId", self.caller.as_str()), ("token", token)];
        self.post(&format!("{LOGINS}/{id}/refresh_token"), &encode(&form))
    }

    /// As [`Client::refresh_with`], with the outcome in the response.
    pub fn refresh_extended(&self, id: &str, token: &str) -> Response {
        let form = [
            ("accessTokenId", self.caller.as_str()),
            ("token", token),
            ("extended", "true"),
        ];
        self.post(&format!("{LOGINS}/{id}/refresh_token"), &encode(&form))
    }

    /// POST `create` for a profile, with more parameters.
    pub fn create_with(&self, profile_id: &str, more: &[(&str, &str)]) -> Response {
        let form = [
            ("accessTokenId", self.caller.as_str()),
            ("profileId", profile_id),
        ];
        let form = encode(&[&form, more].concat());
        self.post(&format!("{LOGINS}/create"), &form)
    }

    /// GET `by_profile`, with more of a query: empty, or beginning with `&`.
    pub fn by_profile(&self, profile_id: &str, more: &str) -> Response {
        let caller = &self.caller;
        self.get(&format!(
            "{LOGINS}/by_profile?accessTokenId={caller}&profileId={profile_id}{more}"
        ))
    }

    /// POST `delete_by_profile`, with more of a form: empty, or beginning with `&`.
    pub fn delete_by_profile(&self, profile_id: &str, more: &str) -> Response {
        let form = format!("accessTokenId={}&profileId={profile_id}{more}", self.caller);
        self.post(&format!("{LOGINS}/delete_by_profile"), &form)
    }

    /// POST `delete` for a login.
    pub fn delete(&self, id: &str) -> Response {
        let form = format!("accessTokenId={}", self.caller);
        self.post(&format!("{LOGINS}/{id}/delete"), &form)
    }

    /// GET a path below the endpoints' with these parameters beside the access token.
    pub fn get_with(&self, path: &str, parameters: &[(&str, &str)]) -> Response {
        let query = self.encode(parameters);
        self.get(&format!("{LOGINS}/{path}?{query}"))
    }

    /// POST these parameters beside the access token to a path below the endpoints'.
    pub fn post_with(&self, path: &str, parameters: &[(&str, &str)]) -> Response {
        self.post(&format!("{LOGINS}/{path}"), &self.encode(parameters))
    }

    /// The form or query of the access token and these parameters.
    pub fn encode(&self, parameters: &[(&str, &str)]) -> String {
        let caller = [("accessTokenId", self.caller.as_str())];
        encode(&[&caller, parameters].concat())
    }

    /// GET `target`, a path with an optional query. No access token is added.
    pub fn get(&self, target: &str) -> Response {
        self.send("GET", target, &[], None)
    }

    /// POST the form to `target`.
    pub fn post(&self, target: &str, form: &str) -> Response {
        self.send("POST", target, &[FORM], Some(form.as_bytes()))
    }

    /// Sends any request.
    pub fn send(
        &self,
        method: &str,
        target: &str,
        headers: &[(&str, &str)],
        body: Option<&[u8]>,
    ) -> Response {
        let mut request = Request::builder()
            .method(method)
            .uri(format!("{}{target}", self.base));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let response = match body {
            None => self.agent.run(request.body(()).expect("a request")),
            Some(body) => self.agent.run(request.body(body).expect("a request")),
        };
        let mut response = response.unwrap_or_else(|error| panic!("{method} {target}: {error}"));
        let response = Response {
            status: response.status().as_u16(),
            headers: response.headers().clone(),
            body: text(response.body_mut()),
        };
        assert_request_id(response.header("x-request-id"));
        response
    }
}

/// Asserts that this is the id of a request: each response has one.
#[track_caller]
pub fn assert_request_id(id: &str) {
    let is_digit = |digit: char| matches!(digit, '0'..='9' | 'a'..='f');
    assert!(id.len() == 16 && id.chars().all(is_digit), "{id:?}");
}

/// A form of these parameters.
pub fn encode(parameters: &[(&str, &str)]) -> String {
    form_urlencoded::Serializer::new(String::new())
        .extend_pairs(parameters)
        .finish()
}

fn text(body: &mut Body) -> String {
    let bytes = body.read_to_vec().expect("a whole body");
    String::from_utf8(bytes).expect("a body in UTF-8")
}

/// A response.
#[derive(Clone, Debug)]
pub struct Response {
    /// The status.
    pub status: u16,
    /// The header.
    pub headers: HeaderMap,
    /// The body's text.
    pub body: String,
}

impl Response {
    /// A header field's value; empty if it is not there.
    pub fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .map_or("", |value| value.to_str().expect("a value in ASCII"))
    }

    /// The login in the body, after asserting that the body is exactly the one of the contract.
    #[track_caller]
    pub fn login(&self) -> Login {
        assert_eq!(self.status, 200, "{self:?}");
        self.assert_json();
        let login: Login = serde_json::from_str(&self.body).expect("a login");
        assert_eq!(self.body, login.json());
        login
    }

    /// The listed logins in the body, after asserting that they have exactly the documented fields.
    #[track_caller]
    pub fn list(&self) -> Vec<Listed> {
        assert_eq!(self.status, 200, "{self:?}");
        self.assert_json();
        let list: Vec<Listed> = serde_json::from_str(&self.body).expect("a list of logins");
        let json: Vec<String> = list.iter().map(Listed::json).collect();
        assert_eq!(self.body, format!("[{}]", json.join(",")));
        list
    }

    /// The ids of the listed logins.
    #[track_caller]
    pub fn listed_ids(&self) -> Vec<String> {
        self.list().into_iter().map(|listed| listed.id).collect()
    }

    /// Asserts that this many logins were deleted.
    #[track_caller]
    pub fn assert_deleted(&self, count: usize) {
        let body = format!(r#"{{"deleted":{count}}}"#);
        assert_eq!((self.status, &self.body), (200, &body));
        self.assert_json();
    }

    /// Asserts that the token was refused as none of the login's, and that nothing was revoked.
    #[track_caller]
    pub fn assert_unknown_token(&self) {
        let message = "The token is not one of this persistent login; nothing was revoked";
        self.assert_error(401, "BAD_CREDENTIALS", message);
    }

    /// Asserts that the token was reused, and the logins that were revoked for it.
    #[track_caller]
    pub fn assert_reuse(&self, revoked: &str) {
        let message =
            format!("The token was used already, so a copy of it is in other hands; {revoked}");
        self.assert_error(401, "BAD_CREDENTIALS", &message);
    }

    /// Asserts that the value of the parameter `name` is refused.
    #[track_caller]
    pub fn assert_bad_parameter(&self, name: &str) {
        self.assert_other_error(400);
        let begin = format!(r#"{{"errorCode":"OTHER","message":"Parameter '{name}' "#);
        assert!(self.body.starts_with(&begin), "{self:?}");
    }

    /// Asserts that this is the contract's empty response.
    #[track_caller]
    pub fn assert_empty(&self) {
        assert_eq!(self.status, 200, "{self:?}");
        assert_eq!(self.header("content-length"), "0");
        assert!(!self.headers.contains_key("content-type"), "{self:?}");
        assert_eq!(self.body, "");
    }

    /// Asserts that this is exactly this error.
    #[track_caller]
    pub fn assert_error(&self, status: u16, code: &str, message: &str) {
        let message = serde_json::to_string(message).expect("a text has JSON");
        let body = format!(r#"{{"errorCode":"{code}","message":{message}}}"#);
        assert_eq!((self.status, &self.body), (status, &body));
        self.assert_json();
        assert_eq!(self.header("x-content-type-options"), "nosniff");
    }

    /// Asserts that this is an error with this status and the code `OTHER`, with any message.
    #[track_caller]
    pub fn assert_other_error(&self, status: u16) {
        #[derive(Deserialize, Debug)]
        #[serde(rename_all = "camelCase", deny_unknown_fields)]
        struct Error {
            message: String,
        }
        assert_eq!(self.status, status, "{self:?}");
        self.assert_json();
        assert_eq!(self.header("x-content-type-options"), "nosniff");
        let rest = self.body.strip_prefix(r#"{"errorCode":"OTHER","#);
        let rest = rest.unwrap_or_else(|| panic!("{self:?}"));
        let error: Error = serde_json::from_str(&format!("{{{rest}")).expect("an error");
        assert!(!error.message.is_empty(), "{self:?}");
    }

    /// Asserts that no persistent login has this id.
    #[track_caller]
    pub fn assert_no_such_login(&self, id: &str) {
        let message = format!("No persistent login with ID \"{id}\" found");
        self.assert_error(404, "NO_SUCH_PERSISTENT_LOGIN", &message);
    }

    /// Asserts that no profile has this id.
    #[track_caller]
    pub fn assert_no_such_profile(&self, id: &str) {
        let message = format!("No profile with ID \"{id}\" found");
        self.assert_error(404, "NO_SUCH_PROFILE", &message);
    }

    /// Asserts that the access token does not allow `action` on `tenant`.
    #[track_caller]
    pub fn assert_denied(&self, action: &str, tenant: &str) {
        let message = format!(
            "Current subject does not have permission to execute action \"{action}\" on tenant \"{tenant}\""
        );
        self.assert_error(403, "ACTION_DENIED", &message);
    }

    /// Asserts that this profile is disabled.
    #[track_caller]
    pub fn assert_disabled_profile(&self, id: &str, tenant: &str) {
        let message = format!("Profile \"{id}\" of tenant \"{tenant}\" is disabled");
        self.assert_error(403, "DISABLED_PROFILE", &message);
    }

    #[track_caller]
    fn assert_json(&self) {
        assert_eq!(
            self.header("content-type"),
            "application/json;charset=UTF-8"
        );
        assert_eq!(self.header("cache-control"), "no-store");
        let is_in_pieces = self.header("transfer-encoding") == "chunked";
        let length = self.body.len().to_string();
        let length = if is_in_pieces { "" } else { &length };
        assert_eq!(self.header("content-length"), length, "{self:?}");
    }
}

/// A persistent login as in a response.
#[derive(Deserialize, Clone, PartialEq, Eq, Debug)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Login {
    pub tenant: String,
    pub profile_id: String,
    pub token: String,
    pub timestamp: i64,
    pub id: String,
}

impl Login {
    /// The same login with another token.
    pub fn with_token(&self, token: &str) -> Self {
        Self {
            token: token.to_owned(),
            ..self.clone()
        }
    }

    /// Its JSON in the contract.
    fn json(&self) -> String {
        let Self {
            tenant,
            profile_id,
            token,
            timestamp,
            id,
        } = self;
        format!(
            r#"{{"tenant":"{tenant}","profileId":"{profile_id}","token":"{token}","timestamp":{timestamp},"id":"{id}"}}"#
        )
    }
}

/// A persistent login in a list: without its token.
#[derive(Deserialize, Clone, PartialEq, Eq, Debug)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Listed {
    pub id: String,
    pub tenant: String,
    pub profile_id: String,
    pub label: Option<String>,
    pub user_agent: Option<String>,
    pub ip_address: Option<String>,
    pub created_on: i64,
    pub last_used_on: i64,
    pub expires_on: i64,
}

impl Listed {
    /// Its JSON in a list.
    fn json(&self) -> String {
        let text = |value: &Option<String>| serde_json::to_string(value).expect("it has JSON");
        format!(
            r#"{{"id":"{}","tenant":"{}","profileId":"{}","label":{},"userAgent":{},"ipAddress":{},"createdOn":{},"lastUsedOn":{},"expiresOn":{}}}"#,
            self.id,
            self.tenant,
            self.profile_id,
            text(&self.label),
            text(&self.user_agent),
            text(&self.ip_address),
            self.created_on,
            self.last_used_on,
            self.expires_on,
        )
    }
}
