//! Verification tokens: each use case.

mod create;
mod delete;
mod expire;
mod read;

use rememberd::testing::tables::mail_outbox;
use serde::Deserialize;

use crate::support::client::{Client, Response};
use crate::support::server::Server;

/// The path of the endpoints that are the profile's.
const PROFILES_PATH: &str = "/crafter-profile/api/1/profile";

/// A well-formed id that no verification token has.
pub const NO_TOKEN: &str = "00000000-0000-4000-8000-000000000002";

impl Client {
    /// POST `verification_token/create` for a profile.
    pub fn create_verification_token(&self, profile_id: &str) -> Response {
        let target = format!("{PROFILES_PATH}/{profile_id}/verification_token/create");
        self.post(&target, &self.encode(&[]))
    }

    /// GET a verification token.
    pub fn read_verification_token(&self, id: &str) -> Response {
        let query = self.encode(&[]);
        self.get(&format!("{PROFILES_PATH}/verification_token/{id}?{query}"))
    }

    /// POST `delete` for a verification token.
    pub fn delete_verification_token(&self, id: &str) -> Response {
        let target = format!("{PROFILES_PATH}/verification_token/{id}/delete");
        self.post(&target, &self.encode(&[]))
    }
}

impl Response {
    /// The verification token in the body, after asserting that the body is exactly the one of the contract.
    #[track_caller]
    pub fn verification_token(&self) -> VerificationToken {
        assert_eq!(self.status, 200, "{self:?}");
        assert_eq!(
            self.header("content-type"),
            "application/json;charset=UTF-8"
        );
        assert_eq!(self.header("cache-control"), "no-store");
        let token: VerificationToken = serde_json::from_str(&self.body).expect("a token");
        assert_eq!(self.body, token.json());
        token
    }

    /// Asserts that no verification token has this id.
    #[track_caller]
    pub fn assert_no_such_verification_token(&self, id: &str) {
        let message = format!("No verification token found for ID \"{id}\"");
        self.assert_error(404, "NO_SUCH_VERIFICATION_TOKEN", &message);
    }
}

/// A verification token as in a response.
#[derive(Deserialize, Clone, PartialEq, Eq, Debug)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct VerificationToken {
    pub tenant: String,
    pub profile_id: String,
    pub timestamp: i64,
    pub id: String,
}

impl VerificationToken {
    /// Its JSON in the contract.
    fn json(&self) -> String {
        format!(
            r#"{{"tenant":"{}","profileId":"{}","timestamp":{},"id":"{}"}}"#,
            self.tenant, self.profile_id, self.timestamp, self.id
        )
    }
}

/// A mail that is waiting to be sent.
#[derive(Debug)]
pub struct WaitingMail {
    /// What it is for.
    pub kind: String,
    /// Whom it is sent to.
    pub profile_id: String,
    /// Its link.
    pub link: String,
    /// The id of the verification token in the link.
    pub token_id: String,
}

impl Server {
    /// Takes the next mail out of the outbox; `None` if there is none.
    pub fn take_mail(&self) -> Option<WaitingMail> {
        let next = self.app.store.read(mail_outbox::next);
        let mail = next.expect("the outbox is readable")?;
        let keys = self.app.keys.get().expect("the database is open");
        let id = mail.sealed.open(keys, mail.token);
        let id = id.expect("the id is sealed by a key of the server");
        let (due, token) = (mail.due, mail.token);
        let removed = self
            .app
            .store
            .write(move |txn| mail_outbox::remove(txn, due, token));
        assert!(self.block_on(removed).expect("it is removed"));
        Some(WaitingMail {
            kind: mail.kind.to_string(),
            profile_id: mail.profile_id.to_string(),
            link: mail.url.link(id),
            token_id: id.reveal().to_string(),
        })
    }
}
