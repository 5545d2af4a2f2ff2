//! Mails with a link, by which the owner of a profile verifies an address or sets a new password.

pub mod template;

use std::fmt;

use crate::domain::verification_token::VerificationTokenId;

/// The most bytes of a URL that a link is made of: what common browsers and mail programs follow.
pub const LINK_URL_BYTES_MAX: usize = 2_048;

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

impl LinkUrl {
    /// The URL `text`; `None` if it is empty, longer than [`LINK_URL_BYTES_MAX`], or has a control character.
    pub fn new(text: impl Into<String>) -> Option<Self> {
        let text = text.into();
        let has_length = !text.is_empty() && text.len() <= LINK_URL_BYTES_MAX;
        (has_length && !text.chars().any(char::is_control)).then_some(Self(text))
    }

    /// The URL itself.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The link with the id of a verification token, as the wire contract has it ("Verification, reset, mail").
    pub fn link(&self, id: VerificationTokenId) -> String {
        let separator = if self.0.contains('?') { '&' } else { '?' };
        format!("{}{separator}tokenId={}", self.0, id.reveal())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_is_the_url_with_the_token_as_one_more_parameter() {
        let text = "b68c0013-d7b2-4004-8463-d7ba03e15d94";
        let id = VerificationTokenId::parse(text).expect("a UUID");
        let link = |url: &str| LinkUrl::new(url).map(|url| url.link(id));
        let simple = format!("https://a.b/verify?tokenId={text}");
        assert_eq!(link("https://a.b/verify"), Some(simple));
        let more = format!("https://a.b/?x=1&tokenId={text}");
        assert_eq!(link("https://a.b/?x=1"), Some(more));
    }

    #[test]
    fn what_is_no_line_of_text_is_no_url() {
        for text in ["", "a\r\nb", "a\0", &"a".repeat(LINK_URL_BYTES_MAX + 1)] {
            assert_eq!(LinkUrl::new(text), None, "{text:?}");
        }
        assert!(LinkUrl::new("a".repeat(LINK_URL_BYTES_MAX)).is_some());
    }
}
