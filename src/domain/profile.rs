//! Profiles: the people who log in.

use std::fmt;

use crate::clock::Timestamp;
use crate::domain::attributes::Attributes;
use crate::domain::given_attributes::GivenAttributes;
use crate::domain::json_text::visit_path;
use crate::domain::object_id::ObjectId;
use crate::domain::password::PasswordHash;
use crate::domain::tenant::{Tenant, TenantName};

/// The longest username that is accepted from a caller, in bytes.
pub const USERNAME_BYTES_MAX: usize = 256;

/// A username as a caller gives it: any text of bounded length that is not blank. It is compared as it is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Username(String);

impl Username {
    /// The username `text`.
    ///
    /// # Errors
    ///
    /// Why it is invalid.
    pub fn new(text: impl Into<String>) -> Result<Self, UsernameInvalid> {
        let text = text.into();
        if text.trim().is_empty() {
            Err(UsernameInvalid::Blank)
        } else if text.len() > USERNAME_BYTES_MAX {
            Err(UsernameInvalid::TooLong)
        } else if text.contains(char::REPLACEMENT_CHARACTER) {
            // It stands for bytes that were not UTF-8. Names that differ in such bytes alone would be one name, and
            // whose they are would have the same profile.
            Err(UsernameInvalid::NotUtf8)
        } else {
            Ok(Self(text))
        }
    }

    /// The username as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Why a text is no username.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum UsernameInvalid {
    /// It is empty, or has nothing but white space.
    Blank,
    /// It is longer than [`USERNAME_BYTES_MAX`].
    TooLong,
    /// Some of its bytes were not UTF-8.
    NotUtf8,
}

impl fmt::Display for UsernameInvalid {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Blank => formatter.write_str("is blank"),
            Self::TooLong => write!(formatter, "is longer than {USERNAME_BYTES_MAX} bytes"),
            Self::NotUtf8 => formatter.write_str("is not UTF-8"),
        }
    }
}

/// The fields of a stored profile whose values no caller may find out, be it by the order of a list or by a query.
pub const SECRET_FIELDS: [&str; 3] = ["password", "failedLoginAttempts", "lastFailedLogin"];

/// A profile, as the wire contract has it ("JSON shapes"), with the password hash, which is never returned.
#[derive(Clone, PartialEq, Debug)]
pub struct Profile {
    /// The id.
    pub id: ObjectId,
    /// The name to log in with, unique in the tenant.
    pub username: String,
    /// The password's hash; `None` for a profile that cannot log in with one.
    pub password: Option<PasswordHash>,
    /// The mail address.
    pub email: String,
    /// Whether the mail address was verified.
    pub verified: bool,
    /// Whether the profile may log in.
    pub enabled: bool,
    /// When it was created.
    pub created_on: Timestamp,
    /// When it was last changed.
    pub last_modified: Timestamp,
    /// The tenant that it belongs to.
    pub tenant: TenantName,
    /// Its roles; `None` if they were never set.
    pub roles: Option<Vec<String>>,
    /// Its attributes; `None` if none was ever set.
    pub attributes: Option<Attributes>,
}

impl Profile {
    /// A profile that an application asks for by its own name of a person: enabled, without a password and a mail
    /// address, with the default attributes of its tenant, cleansed, created at `now`.
    pub fn without_password(
        id: ObjectId,
        tenant: &Tenant,
        username: &Username,
        now: Timestamp,
    ) -> Self {
        let mut attributes = None;
        GivenAttributes::defaults(tenant).store(tenant, &mut attributes);
        Self {
            id,
            username: username.as_str().to_owned(),
            password: None,
            email: String::new(),
            verified: false,
            enabled: true,
            created_on: now,
            last_modified: now,
            tenant: tenant.name.clone(),
            roles: None,
            attributes,
        }
    }

    /// Calls `visit` with the JSON of each value of the attribute with this dotted name, until it returns true. Returns
    /// whether it did.
    pub fn visit_attribute(&self, name: &str, mut visit: impl FnMut(&str) -> bool) -> bool {
        let mut parts = name.split('.');
        let attribute = parts.next().unwrap_or_default();
        let attributes = self.attributes.as_ref();
        let Some(json) = attributes.and_then(|attributes| attributes.get(attribute)) else {
            return false;
        };
        let parts: Vec<_> = parts.collect();
        visit_path(json, &parts, &mut visit)
    }

    /// The part that the checks of a login's creation need.
    pub fn status(&self) -> ProfileStatus {
        ProfileStatus {
            enabled: self.enabled,
            tenant: self.tenant.clone(),
        }
    }
}

/// The part of a profile that creating and listing logins depends on.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ProfileStatus {
    /// Whether the profile may log in.
    pub enabled: bool,
    /// The tenant that it belongs to.
    pub tenant: TenantName,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_username_is_any_text_of_bounded_length() {
        for text in [
            "jdoe",
            " 7 ",
            "a/b?c&d=e",
            "zoë@example.com",
            "\0",
            &"ü".repeat(128),
        ] {
            assert_eq!(Username::new(text).as_ref().map(Username::as_str), Ok(text));
        }
        let invalid = |text: &str| Username::new(text).err();
        assert_eq!(invalid(""), Some(UsernameInvalid::Blank));
        assert_eq!(invalid(" \t\u{3000}"), Some(UsernameInvalid::Blank));
        assert_eq!(invalid(&"x".repeat(257)), Some(UsernameInvalid::TooLong));
        let too_long = "ü".repeat(128) + "x";
        assert_eq!(invalid(&too_long), Some(UsernameInvalid::TooLong));
        assert_eq!(invalid("z\u{FFFD}lf"), Some(UsernameInvalid::NotUtf8));
    }
}
