//! Sending mails by SMTP, through the one server of the settings, which relays them.
//!
//! [`Mailer`] composes messages, and [`transport::Transport`] sends them, one at a time, on a thread of its own:
//! connecting to the server and waiting for it blocks no thread that serves.

mod encrypted;
mod relay;
pub mod session;
mod setting;
mod stream;
pub mod transport;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use lettre::message::header::{HeaderName, HeaderValue};
use lettre::message::{Mailbox, Message};
use lettre::{Address, address::Envelope};

use crate::clock::Timestamp;
use crate::config::mail::MailConfig;
use crate::domain::email::EmailAddress;
use crate::domain::mail::MailKind;
use crate::domain::mail::template::Template;
use crate::smtp::relay::Relay;
use crate::smtp::setting::{SettingError, read_text, with_setting};

/// The media type of a mail, as the wire contract has it ("Verification, reset, mail").
const CONTENT_TYPE: &str = "text/html;charset=UTF-8";

/// What composes mails, and the server that they are sent through.
#[derive(Debug)]
pub struct Mailer {
    from: Mailbox,
    verify_account: MailText,
    reset_password: MailText,
    relay: Arc<Relay>,
}

/// What the mails of one kind have in common.
#[derive(Debug)]
struct MailText {
    subject: String,
    template: Template,
}

/// What a mail is about.
pub struct MailContent<'a> {
    /// Its kind.
    pub kind: MailKind,
    /// The address of the profile.
    pub email: &'a str,
    /// The username of the profile.
    pub username: &'a str,
    /// The link, with the id of a verification token.
    pub link: &'a str,
    /// What makes the mail recognizable if it arrives twice.
    pub id: String,
    /// When it is sent.
    pub time: Timestamp,
}

impl Mailer {
    /// The mailer of the settings; `None` if they name no server. The files that they name are read.
    ///
    /// # Errors
    ///
    /// The setting that cannot be used.
    pub fn load(config: &MailConfig) -> Result<Option<Self>, SettingError> {
        let text = |setting, file: &Option<PathBuf>, built_in: &str, subject: &str| {
            let template = match file {
                Some(file) => read_text(setting, file)
                    .and_then(|text| with_setting(setting, file, Template::parse(&text)))?,
                None => Template::parse(built_in).expect("the built-in templates are valid"),
            };
            let subject = subject.to_owned();
            Ok(MailText { subject, template })
        };
        let verify_account = text(
            "mail_verify_template",
            &config.mail_verify_template,
            include_str!("verify_account.html"),
            &config.mail_verify_subject,
        )?;
        let reset_password = text(
            "mail_reset_template",
            &config.mail_reset_template,
            include_str!("reset_password.html"),
            &config.mail_reset_subject,
        )?;
        let from = config.mail_from.as_deref().map(sender).transpose()?;
        let Some(host) = &config.smtp_host else {
            return Ok(None);
        };
        let from = from.ok_or_else(|| SettingError {
            setting: "smtp_host",
            value: host.clone(),
            cause: "--mail-from, the sender of mails, is missing".to_owned(),
        })?;
        Ok(Some(Self {
            from,
            verify_account,
            reset_password,
            relay: Arc::new(Relay::load(config, host)?),
        }))
    }

    /// The mail as it is sent; `None` if its address is none.
    pub fn compose(&self, content: &MailContent<'_>) -> Option<Message> {
        let text = match content.kind {
            MailKind::VerifyAccount => &self.verify_account,
            MailKind::ResetPassword => &self.reset_password,
        };
        let to = EmailAddress::parse(content.email)?;
        let to = Mailbox::new(None, address(&to));
        let time = u64::try_from(content.time.as_millis()).unwrap_or(0);
        let domain = self.from.email.domain();
        let envelope = Envelope::new(Some(self.from.email.clone()), vec![to.email.clone()]);
        let message = Message::builder()
            .envelope(envelope.expect("it has a recipient"))
            .from(self.from.clone())
            .to(to)
            .subject(text.subject.clone())
            .date(SystemTime::UNIX_EPOCH + Duration::from_millis(time))
            .message_id(Some(format!("<{}@{domain}>", content.id)))
            // As it is written there: a header of the library's own would be in lower case.
            .raw_header(HeaderValue::new(
                HeaderName::new_from_ascii_str("Content-Type"),
                CONTENT_TYPE.to_owned(),
            ))
            .body(text.template.render(content.link, content.username));
        Some(message.expect("it has a sender and a recipient"))
    }

    /// The server, for a [`transport::Transport`].
    pub fn relay(&self) -> &Arc<Relay> {
        &self.relay
    }
}

/// The address, which was checked by rules of our own, which are the wire contract's.
fn address(parsed: &EmailAddress<'_>) -> Address {
    Address::new_dangerous(parsed.local, parsed.domain)
}

fn sender(text: &str) -> Result<Mailbox, SettingError> {
    let parsed = EmailAddress::parse(text).ok_or_else(|| SettingError {
        setting: "mail_from",
        value: text.to_owned(),
        cause: "it is no address, like accounts@example.com or Accounts <accounts@example.com>"
            .to_owned(),
    })?;
    let name = Some(parsed.plain_name()).filter(|name| !name.is_empty());
    Ok(Mailbox::new(name, address(&parsed)))
}

#[cfg(test)]
mod tests;
