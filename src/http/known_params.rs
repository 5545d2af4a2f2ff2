//! The parameters that an endpoint knows. What is nearly one of them is refused, not ignored: a `Token` that is ignored
//! is not compared, and the login would be rotated whatever it was.

use crate::http::error::ApiError;
use crate::http::params::Params;
use crate::http::quote::quote;

/// The parameters of the wire contract's endpoints: they are ignored where they are of no use, also where they are
/// nearly one of ours.
pub const CONTRACT: &[&str] = &[
    "accessTokenId",
    "attributeName",
    "attributeToReturn",
    "attributeValue",
    "attributes",
    "count",
    "email",
    "enabled",
    "existingAttributeName",
    "filename",
    "id",
    "newPassword",
    "password",
    "profileId",
    "query",
    "resetPasswordUrl",
    "resetTokenId",
    "role",
    "selector",
    "sortBy",
    "sortOrder",
    "start",
    "tenantName",
    "ticketId",
    "tokenId",
    "username",
    "verificationTokenId",
    "verificationUrl",
    "verify",
];

/// The shortest name that another one can differ from by one edit and still be meant for it.
const EDITED_LENGTH_MIN: usize = 4;

/// The parameters that an endpoint knows.
#[derive(Debug)]
pub struct KnownParams {
    /// Their names.
    pub names: &'static [&'static str],
    /// Those that may be there only once.
    pub once: &'static [&'static str],
    /// What else may be there.
    pub others: Others,
}

/// Parameters that an endpoint does not know.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Others {
    /// They are refused.
    Refused,
    /// They are ignored, as clients of the wire contract expect, unless they are nearly known. Those with these names
    /// are ignored in any case.
    Ignored(&'static [&'static str]),
}

impl KnownParams {
    /// Checks the names of the parameters of a request.
    ///
    /// # Errors
    ///
    /// [`ApiError::ParameterInvalid`].
    pub fn check(&self, params: &Params) -> Result<(), ApiError> {
        for (name, _) in params.iter() {
            if !self.names.contains(&name) {
                self.check_other(name)?;
            }
        }
        for name in self.once {
            if params.iter().filter(|(other, _)| other == name).count() > 1 {
                return Err(ApiError::invalid(*name, "is given more than once"));
            }
        }
        Ok(())
    }

    #[cold]
    fn check_other(&self, name: &str) -> Result<(), ApiError> {
        if let Others::Ignored(names) = self.others
            && names.contains(&name)
        {
            return Ok(());
        }
        // JSON, another form or another encoding than the content type says.
        if name.contains(|char: char| char.is_control() || "\"{}<>\u{FFFD}".contains(char)) {
            // It is not quoted, because it may have secrets.
            let problem = "is no name of a parameter; the body may be of another type than it says, as JSON that is \
                           sent without Content-Type: application/json";
            return Err(ApiError::invalid("…", problem));
        }
        if let Some(known) = self.names.iter().find(|known| is_nearly(name, known)) {
            let problem = format!("is unknown; did you mean '{known}'?");
            return Err(ApiError::invalid(name.to_owned(), problem));
        }
        match self.others {
            Others::Ignored(_) => Ok(()),
            Others::Refused => {
                let nearest = self.nearest(name);
                let problem = format!("is unknown here; the nearest known one is '{nearest}'");
                Err(ApiError::invalid(name.to_owned(), problem))
            }
        }
    }

    fn nearest(&self, name: &str) -> &'static str {
        let name = quote(name).to_lowercase();
        let names = self.names.iter().copied();
        names
            .min_by_key(|known| strsim::osa_distance(&name, &known.to_lowercase()))
            .unwrap_or_default()
    }
}

/// Whether `name`, or a part of it as in `token[]` or `login.token`, is `known` but for case, `_`, `-` and one edit.
fn is_nearly(name: &str, known: &str) -> bool {
    let is_separator = |char: char| !char.is_alphanumeric() && char != '_' && char != '-';
    name.split(is_separator).any(|part| {
        let normal = |text: &str| -> Vec<u8> {
            let bytes = text.bytes().filter(|byte| !b"_-".contains(byte));
            bytes.map(|byte| byte.to_ascii_lowercase()).collect()
        };
        // With an underscore after each letter, it would be no slip.
        if part.len() + 1 < known.len() || part.len() > 2 * known.len() {
            return false;
        }
        let (part, known) = (normal(part), normal(known));
        part == known || (known.len() >= EDITED_LENGTH_MIN && is_edited(&part, &known))
    })
}

/// Whether two texts differ by a character that is added, missing or another one, or by two that are swapped.
fn is_edited(one: &[u8], other: &[u8]) -> bool {
    let same = |(one, other): &(&u8, &u8)| one == other;
    let start = one.iter().zip(other).take_while(same).count();
    let (one, other) = (&one[start..], &other[start..]);
    let end = one
        .iter()
        .rev()
        .zip(other.iter().rev())
        .take_while(same)
        .count();
    match (&one[..one.len() - end], &other[..other.len() - end]) {
        ([], [] | [_]) | ([_], [] | [_]) => true,
        ([first, second], [third, fourth]) => first == fourth && second == third,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroUsize;

    use super::*;

    const COUNT_MAX: NonZeroUsize = NonZeroUsize::new(100).expect("not zero");

    #[test]
    fn what_is_nearly_a_name_is_found() {
        for name in [
            "Token",
            "TOKEN",
            "token[]",
            "token[0]",
            "to_ken",
            "-token",
            "toke",
            "tokens",
            "tokne",
            "tolen",
            " token",
            "token:",
            "login[token]",
            "login.token",
            "token: x",
        ] {
            assert!(is_nearly(name, "token"), "{name}");
        }
        for name in [
            "user_agent",
            "user-agent",
            "UserAgent",
            "useragnet",
            "userAgent[]",
        ] {
            assert!(is_nearly(name, "userAgent"), "{name}");
        }
        for name in [
            "",
            "tokenId",
            "tokenType",
            "ticket",
            "to",
            "csrf_token",
            "ttooken",
            "x",
        ] {
            assert!(!is_nearly(name, "token"), "{name}");
        }
    }

    #[test]
    fn names_are_checked() {
        let lenient = KnownParams {
            names: &["token", "label"],
            once: &["token"],
            others: Others::Ignored(&["tokens"]),
        };
        let strict = KnownParams {
            others: Others::Refused,
            ..lenient
        };
        for (query, is_lenient, is_strict) in [
            ("", true, true),
            ("token=x&label=y&label=z", true, true),
            ("token=x&token=x", false, false),
            ("lable=x", false, false),
            ("tokens", true, false),
            ("other=1", true, false),
            ("{\"x\":1}", false, false),
            ("t%00o%00k%00e%00n%00=x", false, false),
        ] {
            let params = Params::new(query, COUNT_MAX).expect("few parameters");
            assert_eq!(lenient.check(&params).is_ok(), is_lenient, "{query}");
            assert_eq!(strict.check(&params).is_ok(), is_strict, "{query}");
        }
        let params = Params::new("labels_of=x", COUNT_MAX).expect("few parameters");
        let problem = "is unknown here; the nearest known one is 'label'";
        let error = ApiError::invalid("labels_of", problem);
        assert_eq!(strict.check(&params), Err(error));
    }
}
