//! Signing in with a password.

mod passwords;

use rememberd::testing::Password;

use crate::support::server::Setup;

/// Settings with which a hash takes no time.
fn setup() -> Setup {
    Setup::new().flag("--password-hash-memory=64KiB")
}

/// The password `text`.
fn password(text: &str) -> Password {
    Password::new(text).expect("it is short")
}
