//! Signing in with a password.

mod authenticate;
mod concurrency;
mod delay;
mod lock;
mod passwords;

use rememberd::testing::{ObjectId, Password, Profile, tables::profile};
use serde_json::{Value, json};

use crate::support::client::{Client, Response};
use crate::support::fixture::{self, PROFILE};
use crate::support::server::{Server, Setup};

/// The path of the endpoint.
pub const AUTHENTICATE: &str = "/crafter-profile/api/1/authentication/authenticate";

/// The hash of [`PASSWORD`] in the contract's format, which other software computed.
const CONTRACT: &str = "kjQbm75rGEhNQUDiOLNjY99ojqgc316VrnedkxCnWSc=|AwMDAwMDAwMDAwMDAwMDAw==";

/// The hash of [`PASSWORD`] with other parameters than the settings.
const COSTLIER: &str =
    "$argon2id$v=19$m=256,t=2,p=2$c29tZXNhbHQ$bQk8UB/VmZZF4Oo79iDXuL5/0ttZwg2f/5U52iv1cDc";

/// The password of `jdoe` and `old` of the tenant `default`. The others have none.
const PASSWORD: &str = "password";

/// Settings with which a hash takes no time, and profiles with passwords.
fn setup() -> Setup {
    Setup::new()
        .flag("--password-hash-memory=64KiB")
        .seed(seed())
}

/// As [`setup`], and without a delay of failures.
fn without_delay() -> Setup {
    setup().flag("--sign-in-delay=0s")
}

fn seed() -> Value {
    let mut seed = fixture::seed();
    for index in [0, 1] {
        seed["profile"][index]["password"] = json!(CONTRACT);
    }
    seed
}

/// The password `text`.
fn password(text: &str) -> Password {
    Password::new(text).expect("it is short")
}

/// The profile of `jdoe`, as it is stored.
fn stored(server: &Server) -> Profile {
    let id = ObjectId::parse(PROFILE).expect("an id");
    let found = server.app.store.read(|txn| profile::get(txn, id));
    found.expect("it is read").expect("it exists")
}

impl Client {
    /// POST `authenticate` for a user of the tenant `default`.
    pub fn sign_in(&self, username: &str, password: &str) -> Response {
        self.sign_in_to("default", username, password)
    }

    fn sign_in_to(&self, tenant: &str, username: &str, password: &str) -> Response {
        let parameters = [
            ("tenantName", tenant),
            ("username", username),
            ("password", password),
        ];
        self.post(AUTHENTICATE, &self.encode(&parameters))
    }
}

impl Response {
    /// Asserts that the user is unknown or has another password.
    #[track_caller]
    fn assert_bad_credentials(&self) {
        self.assert_error(401, "BAD_CREDENTIALS", "Invalid username and/or password");
    }

    /// Asserts that the profile is locked for so long.
    #[track_caller]
    fn assert_locked(&self, minutes: &str, secs: u64) {
        let message =
            format!("The profile is locked after too many failed sign-ins; try again in {minutes}");
        self.assert_error(403, "OTHER", &message);
        assert_eq!(self.header("retry-after"), secs.to_string());
    }
}
