//! Secrets that everybody knows: what the original server ships.

use crate::domain::password::{HashMemory, Password};
use crate::domain::profile::Profile;
use crate::service::bootstrap::demo;
use crate::service::import::prepare::Record;

/// The username, and the password, of the first user that the original server ships.
const DEFAULT_USER: &str = "admin";

/// Of how many profiles with that username the password is tried: one may take as long as a sign-in.
const DEFAULT_USERS_MAX: usize = 16;

/// Finds secrets that everybody knows.
#[derive(Default, Debug)]
pub struct KnownSecrets {
    default_users: usize,
}

impl KnownSecrets {
    /// What is to be said of an entry with such a secret, and of which field.
    pub fn find(&mut self, record: &Record) -> Option<(&'static str, String)> {
        match record {
            Record::AccessToken(new) if new.id.id.reveal() == demo::ACCESS_TOKEN_ID => {
                let application = &new.token.application;
                let what = format!(
                    "everybody knows this access token, of the application {application:?}; give it another _id"
                );
                Some(("_id", what))
            }
            Record::Profile(profile) if self.is_default_user(profile) => {
                let tenant = profile.tenant.as_str();
                let what = format!(
                    "everybody knows the password of the user {DEFAULT_USER:?} of the tenant {tenant:?}; change it"
                );
                Some(("password", what))
            }
            _ => None,
        }
    }

    /// Whether everybody can sign in as this profile.
    fn is_default_user(&mut self, profile: &Profile) -> bool {
        let hash = profile.password.as_ref();
        let Some(hash) = hash.filter(|_| profile.username == DEFAULT_USER) else {
            return false;
        };
        self.default_users += 1;
        let Ok(password) = Password::new(DEFAULT_USER) else {
            return false;
        };
        self.default_users <= DEFAULT_USERS_MAX
            && hash.matches(&password, &mut HashMemory::default())
    }
}
