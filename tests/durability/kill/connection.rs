//! The requests of the clients over HTTP.

use rememberd::testing::{
    ObjectId, PersistentLoginId, TenantName, Timestamp, Token, service::demo,
};
use serde_json::Value;
use ureq::Agent;

use crate::support::login::Login;
use crate::support::process;

/// The endpoints of persistent logins. Each method returns `None` if no response arrived.
pub struct Connection {
    agent: Agent,
    resource: String,
}

impl Connection {
    pub fn new(address: &str) -> Self {
        Self {
            agent: process::agent(None),
            resource: format!("{address}/api/1/authentication/persistent_login"),
        }
    }

    pub fn create(&self, profile_id: ObjectId) -> Option<Login> {
        let (status, body) = self.post("create", &[("profileId", &profile_id.to_string())])?;
        assert_eq!(status, 200, "{body}");
        Some(login(&body))
    }

    /// The time of the last use and the id of each login of the profile.
    pub fn list(&self, profile_id: ObjectId) -> Option<Vec<(i64, PersistentLoginId)>> {
        let request = self
            .agent
            .get(format!("{}/by_profile", self.resource))
            .query("accessTokenId", demo::ACCESS_TOKEN_ID)
            .query("profileId", profile_id.to_string());
        let (status, body) = received(request.call())?;
        assert_eq!(status, 200, "{body}");
        let json: Value = serde_json::from_str(&body).expect("the response is JSON");
        let logins = json.as_array().expect("it is a list").iter();
        let listed = logins.map(|login| {
            let id = login["id"].as_str().and_then(PersistentLoginId::parse);
            let used = login["lastUsedOn"].as_i64();
            (used.expect("a number"), id.expect("a UUID"))
        });
        Some(listed.collect())
    }

    pub fn read(&self, id: PersistentLoginId) -> Option<Option<Login>> {
        let url = format!("{}/{id}", self.resource);
        let request = self
            .agent
            .get(url)
            .query("accessTokenId", demo::ACCESS_TOKEN_ID);
        let (status, body) = received(request.call())?;
        match status {
            200 => Some(Some(login(&body))),
            404 => Some(None),
            _ => panic!("{id} cannot be read: {status} {body}"),
        }
    }

    /// Returns the status and the body.
    pub fn refresh(
        &self,
        id: PersistentLoginId,
        presented: Option<Token>,
    ) -> Option<(u16, String)> {
        let path = format!("{id}/refresh_token");
        match presented.map(|token| token.reveal().to_string()) {
            Some(token) => self.post(&path, &[("token", &token)]),
            None => self.post(&path, &[]),
        }
    }

    pub fn delete_by_profile(
        &self,
        profile_id: ObjectId,
        except: PersistentLoginId,
    ) -> Option<usize> {
        let (profile_id, except) = (profile_id.to_string(), except.to_string());
        let parameters = [("profileId", &*profile_id), ("except", &*except)];
        let (status, body) = self.post("delete_by_profile", &parameters)?;
        assert_eq!(status, 200, "{body}");
        let json: Value = serde_json::from_str(&body).expect("the response is JSON");
        let deleted = json["deleted"].as_u64().expect("a number");
        Some(usize::try_from(deleted).expect("they are few"))
    }

    pub fn delete(&self, id: PersistentLoginId) -> Option<()> {
        let (status, body) = self.post(&format!("{id}/delete"), &[])?;
        assert_eq!(status, 200, "{body}");
        Some(())
    }

    fn post(&self, path: &str, parameters: &[(&str, &str)]) -> Option<(u16, String)> {
        let token = ("accessTokenId", demo::ACCESS_TOKEN_ID);
        let form = parameters.iter().copied().chain([token]);
        received(
            self.agent
                .post(format!("{}/{path}", self.resource))
                .send_form(form),
        )
    }
}

/// The status and body, if the whole response arrived.
fn received(
    response: Result<ureq::http::Response<ureq::Body>, ureq::Error>,
) -> Option<(u16, String)> {
    let mut response = response.ok()?;
    let body = response.body_mut().read_to_string().ok()?;
    Some((response.status().as_u16(), body))
}

/// The login in the body of a response.
pub fn login(body: &str) -> Login {
    let json: Value = serde_json::from_str(body).expect("the response is JSON");
    let text = |field: &str| json[field].as_str().expect(field);
    Login {
        id: PersistentLoginId::parse(text("id")).expect("a UUID"),
        tenant: TenantName::new(text("tenant")).expect("a name"),
        profile_id: ObjectId::parse(text("profileId")).expect("an id"),
        token: Token::parse(text("token")).expect("a UUID"),
        timestamp: Timestamp::from_millis(json["timestamp"].as_i64().expect("a number")),
        rotation: None,
    }
}
