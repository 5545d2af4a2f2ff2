//! Hashing passwords, and comparing them with stored hashes, away from the threads that serve.

use crate::app::App;
use crate::config::passwords::PasswordFormat;
use crate::domain::password::{Argon2Cost, HashMemory, Password, PasswordHash, SALT_BYTES};
use crate::error::Failure;

/// What a comparison comes to.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Comparison {
    /// It is another password, or there is none.
    Different,
    /// It is the password.
    Same {
        /// The hash to be stored in place of the old one, if that is not as the settings are now.
        replacement: Option<PasswordHash>,
    },
}

/// How new hashes are made.
#[derive(Clone, Copy)]
struct Hasher {
    format: PasswordFormat,
    cost: Argon2Cost,
    salt: [u8; SALT_BYTES],
}

impl Hasher {
    fn new(app: &App) -> Self {
        Self {
            format: app.config.passwords.password_hash,
            cost: app.passwords.cost(),
            salt: app.entropy.bytes(),
        }
    }

    fn hash(self, password: &Password, memory: &mut HashMemory) -> PasswordHash {
        match self.format {
            PasswordFormat::Argon2id => {
                PasswordHash::argon2id(password, self.salt, self.cost, memory)
            }
            PasswordFormat::Contract => PasswordHash::contract(password, self.salt),
        }
    }

    /// Whether a hash is as new ones are.
    fn is_current(self, hash: &PasswordHash) -> bool {
        let cost = match self.format {
            PasswordFormat::Argon2id => Some(self.cost),
            PasswordFormat::Contract => None,
        };
        hash.cost() == cost
    }

    fn compare(
        self,
        password: &Password,
        stored: Option<&PasswordHash>,
        memory: &mut HashMemory,
    ) -> Comparison {
        let before = memory.hashes();
        let comparison = match stored {
            Some(stored) if stored.matches(password, memory) => Comparison::Same {
                replacement: (!self.is_current(stored)).then(|| self.hash(password, memory)),
            },
            _ => Comparison::Different,
        };
        if memory.hashes() == before {
            // Whether there is a user, and a hash in the contract's format, must not show in the time.
            PasswordHash::argon2id(password, self.salt, self.cost, memory);
        }
        comparison
    }
}

/// The hash of a new password, in the format of the settings.
///
/// # Errors
///
/// [`Failure::Overloaded`] if too many passwords are waiting.
pub async fn hash(app: &App, password: Password) -> Result<PasswordHash, Failure> {
    let hasher = Hasher::new(app);
    let hashing = app
        .passwords
        .run(hasher.cost, move |memory| hasher.hash(&password, memory));
    hashing.await
}

/// Compares `password` with the hash that is stored, if one is. Each comparison takes the time of an argon2id hash,
/// also with none and with the contract's.
///
/// # Errors
///
/// As [`hash`].
pub async fn compare(
    app: &App,
    password: Password,
    stored: Option<PasswordHash>,
) -> Result<Comparison, Failure> {
    let hasher = Hasher::new(app);
    let cost = stored.as_ref().and_then(PasswordHash::cost);
    let comparing = app
        .passwords
        .run(cost.unwrap_or(hasher.cost), move |memory| {
            hasher.compare(&password, stored.as_ref(), memory)
        });
    comparing.await
}
