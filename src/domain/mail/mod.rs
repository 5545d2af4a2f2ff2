//! Mails with a link, by which the owner of a profile verifies an address or sets a new password.

pub mod template;

use std::fmt;

use crate::domain::verification_token::VerificationTokenId;

/// The most bytes of a URL that a link is made of: what common browsers and mail programs follow.
pub const LINK_URL_BYTES_MAX: usize = 2_048;

/// Schemes of no link in a mail: they run a script, carry what is shown, or name a file of the reader's.
const FORBIDDEN_SCHEMES: [&str; 5] = ["javascript", "vbscript", "data", "blob", "file"];

/// What a mail is for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum MailKind {
    /// The owner of a new profile verifies the address.
    VerifyAccount,
    /// The owner of a profile sets a new password.
    ResetPassword,
}

impl MailKind {
    /// Every kind.
    pub const ALL: [Self; 2] = [Self::VerifyAccount, Self::ResetPassword];
}

impl fmt::Display for MailKind {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::VerifyAccount => "verify account",
            Self::ResetPassword => "reset password",
        })
    }
}

/// The URL of a page of the application, to which the id of a verification token is added.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LinkUrl(String);

/// Why a text is no URL that a link is made of. As text, it is the end of a sentence that begins with its name.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum LinkUrlError {
    /// It is empty.
    Empty,
    /// It is longer than [`LINK_URL_BYTES_MAX`].
    TooLong,
    /// It has a control character.
    ControlCharacter,
    /// It does not say where it leads without a page that it stands in.
    NotAbsolute,
    /// It is of a scheme that no mail of ours has.
    ForbiddenScheme,
}

impl LinkUrl {
    /// The absolute URL `text`.
    ///
    /// Any scheme but [`FORBIDDEN_SCHEMES`] is allowed, because applications on a telephone have schemes of their own.
    ///
    /// # Errors
    ///
    /// Why it is none.
    pub fn parse(text: impl Into<String>) -> Result<Self, LinkUrlError> {
        let text = text.into();
        if text.is_empty() {
            return Err(LinkUrlError::Empty);
        }
        if text.len() > LINK_URL_BYTES_MAX {
            return Err(LinkUrlError::TooLong);
        }
        if text.chars().any(char::is_control) {
            return Err(LinkUrlError::ControlCharacter);
        }
        let (scheme, rest) = text.split_once(':').ok_or(LinkUrlError::NotAbsolute)?;
        let is = |name: &&str| scheme.eq_ignore_ascii_case(name);
        if FORBIDDEN_SCHEMES.iter().any(is) {
            return Err(LinkUrlError::ForbiddenScheme);
        }
        let is_web = ["http", "https"].iter().any(is);
        let is_complete = if is_web {
            has_host(rest)
        } else {
            !rest.is_empty()
        };
        if !is_scheme(scheme) || !is_complete {
            return Err(LinkUrlError::NotAbsolute);
        }
        Ok(Self(text))
    }

    /// The URL itself.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The link with the id of a verification token, as the wire contract has it ("Verification, reset, mail").
    ///
    /// The id is at the end also where the URL has a fragment: an application whose routes are fragments, as in
    /// `https://a.b/#/verify`, finds it in its route.
    pub fn link(&self, id: VerificationTokenId) -> String {
        let separator = if self.0.contains('?') { '&' } else { '?' };
        format!("{}{separator}tokenId={}", self.0, id.reveal())
    }
}

/// Whether `text` is the name of a scheme (RFC 3986, 3.1).
fn is_scheme(text: &str) -> bool {
    let is_scheme_char = |char: char| char.is_ascii_alphanumeric() || "+-.".contains(char);
    text.starts_with(|first: char| first.is_ascii_alphabetic()) && text.chars().all(is_scheme_char)
}

/// Whether what follows `http:` names a host.
fn has_host(rest: &str) -> bool {
    let host = rest.strip_prefix("//");
    host.is_some_and(|host| !host.is_empty() && !host.starts_with(['/', '?', '#', ':']))
}

impl fmt::Display for LinkUrlError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => formatter.write_str("is empty"),
            Self::TooLong => write!(formatter, "is longer than {LINK_URL_BYTES_MAX} bytes"),
            Self::ControlCharacter => formatter.write_str("has a control character"),
            Self::NotAbsolute => {
                formatter.write_str("is no absolute URL, like https://example.com/page")
            }
            Self::ForbiddenScheme => write!(
                formatter,
                "has a scheme that a mail must not link to: {}",
                FORBIDDEN_SCHEMES.join(", ")
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_is_the_url_with_the_token_as_one_more_parameter() {
        let text = "b68c0013-d7b2-4004-8463-d7ba03e15d94";
        let id = VerificationTokenId::parse(text).expect("a UUID");
        for (url, separator) in [
            ("https://a.b/verify", '?'),
            ("https://a.b/?x=1", '&'),
            ("https://a.b/#/verify", '?'),
            ("https://a.b/#/verify?x=1", '&'),
            ("https://a.b/?x=1#/verify", '&'),
        ] {
            let link = LinkUrl::parse(url).map(|url| url.link(id));
            assert_eq!(link, Ok(format!("{url}{separator}tokenId={text}")));
        }
    }

    #[test]
    fn an_absolute_url_is_taken_whatever_its_scheme() {
        let longest = format!("https://a/{}", "x".repeat(LINK_URL_BYTES_MAX - 10));
        for text in [
            "http://a",
            "HTTPS://a.b:8443/c d?e#f",
            "http://[::1]/",
            "http://user@a/",
            "http://\u{e4}.b/",
            "myapp://verify",
            "com.example.app:/verify",
            "javascripts:x",
            longest.as_str(),
        ] {
            let url = LinkUrl::parse(text);
            assert_eq!(url.as_ref().map(LinkUrl::as_str), Ok(text));
        }
    }

    #[test]
    fn what_a_mail_must_not_link_to_is_refused_with_its_cause() {
        let longer = format!("https://a/{}", "x".repeat(LINK_URL_BYTES_MAX));
        for (text, cause) in [
            ("", LinkUrlError::Empty),
            (longer.as_str(), LinkUrlError::TooLong),
            ("https://a/\r\nb", LinkUrlError::ControlCharacter),
            ("https://a/\0", LinkUrlError::ControlCharacter),
            ("java\tscript:x", LinkUrlError::ControlCharacter),
            ("https://a/\u{85}", LinkUrlError::ControlCharacter),
            ("x", LinkUrlError::NotAbsolute),
            ("/verify", LinkUrlError::NotAbsolute),
            ("//a.b/verify", LinkUrlError::NotAbsolute),
            ("a.b/verify", LinkUrlError::NotAbsolute),
            ("a b:c", LinkUrlError::NotAbsolute),
            (" https://a.b/", LinkUrlError::NotAbsolute),
            (" javascript:x", LinkUrlError::NotAbsolute),
            ("?x=a:b", LinkUrlError::NotAbsolute),
            ("1a:b", LinkUrlError::NotAbsolute),
            (":a", LinkUrlError::NotAbsolute),
            ("myapp:", LinkUrlError::NotAbsolute),
            ("http:", LinkUrlError::NotAbsolute),
            ("http:a.b", LinkUrlError::NotAbsolute),
            ("https://", LinkUrlError::NotAbsolute),
            ("https:///verify", LinkUrlError::NotAbsolute),
            ("https://?x", LinkUrlError::NotAbsolute),
            ("javascript:alert(1)", LinkUrlError::ForbiddenScheme),
            (
                "JavaScript://a.b/%0aalert(1)",
                LinkUrlError::ForbiddenScheme,
            ),
            ("vbscript:x", LinkUrlError::ForbiddenScheme),
            ("data:text/html,x", LinkUrlError::ForbiddenScheme),
            ("blob:https://a.b/x", LinkUrlError::ForbiddenScheme),
            ("file:///etc/passwd", LinkUrlError::ForbiddenScheme),
        ] {
            assert_eq!(LinkUrl::parse(text), Err(cause), "{text:?}");
        }
    }
}
