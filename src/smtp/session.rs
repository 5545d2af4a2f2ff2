//! A connection to the server, and what it said to a mail.

use lettre::Message;
use lettre::transport::smtp::authentication::Mechanism;
use lettre::transport::smtp::client::{SmtpConnection, TlsParameters};
use lettre::transport::smtp::commands::{Data, Mail, Rcpt};
use lettre::transport::smtp::extension::{Extension, MailParameter};

use crate::smtp::relay::{Relay, Security, chain};

/// The ways of signing in at the server, the preferred one first.
const MECHANISMS: [Mechanism; 2] = [Mechanism::Plain, Mechanism::Login];

/// Why a mail was not sent. None of it has the address or the text of the mail.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum DeliveryError {
    /// The server refuses this mail for good, with this code.
    Refused(u16),
    /// The server does not accept this mail now, with this code.
    Deferred(u16),
    /// The server does not take an address that is not ASCII.
    NotAscii,
    /// The server does not do its work, or cannot be reached: it is not because of this mail.
    Unusable(String),
}

type SmtpError = lettre::transport::smtp::Error;

/// A connection that mails are sent on, one after the other.
pub struct Session(SmtpConnection);

impl Session {
    /// Connects to the server, and signs in if that is set.
    ///
    /// # Errors
    ///
    /// [`DeliveryError::Unusable`].
    pub fn open(relay: &Relay) -> Result<Self, DeliveryError> {
        let from_start = match &relay.security {
            Security::Tls(tls) => Some(tls),
            Security::StartTls(_) | Security::None => None,
        };
        let server = (relay.host.as_str(), relay.port);
        let connect = |tls: Option<&TlsParameters>| {
            SmtpConnection::connect(server, Some(relay.timeout), &relay.client, tls, None)
        };
        let mut connection = connect(from_start).map_err(|error| unusable("connecting", &error))?;
        if let Security::StartTls(tls) = &relay.security {
            let started = connection.starttls(tls, &relay.client);
            started.map_err(|error| unusable("STARTTLS", &error))?;
        }
        if let Some(credentials) = &relay.credentials {
            let signed_in = connection.auth(&MECHANISMS, credentials);
            if let Err(error) = signed_in {
                connection.abort();
                return Err(unusable("signing in as --smtp-user", &error));
            }
        }
        Ok(Self(connection))
    }

    /// Sends the mail. The server has taken it over if that succeeds.
    ///
    /// # Errors
    ///
    /// Why it has not. The session can then not be used again.
    pub fn send(&mut self, message: &Message) -> Result<(), DeliveryError> {
        let sent = self.try_send(message);
        if sent.is_err() {
            self.0.abort();
        }
        sent
    }

    fn try_send(&mut self, message: &Message) -> Result<(), DeliveryError> {
        let envelope = message.envelope();
        let mut addresses = envelope.from().into_iter().chain(envelope.to());
        let mut parameters = Vec::new();
        if !addresses.all(|address| AsRef::<str>::as_ref(address).is_ascii()) {
            let info = self.0.server_info();
            if !info.supports_feature(Extension::SmtpUtfEight) {
                return Err(DeliveryError::NotAscii);
            }
            parameters.push(MailParameter::SmtpUtfEight);
        }
        let sender = Mail::new(envelope.from().cloned(), parameters);
        // What is wrong with the sender is so for every mail.
        let accepted = self.0.command(sender);
        accepted.map_err(|error| unusable("the sender, --mail-from,", &error))?;
        for address in envelope.to() {
            let recipient = Rcpt::new(address.clone(), Vec::new());
            let accepted = self.0.command(recipient);
            accepted.map_err(|error| of_mail("the recipient", &error))?;
        }
        let accepted = self.0.command(Data);
        accepted.map_err(|error| of_mail("the mail", &error))?;
        let taken = self.0.message(&message.formatted());
        taken.map_err(|error| of_mail("the mail", &error))?;
        Ok(())
    }

    /// Whether the server is still there.
    pub fn is_alive(&mut self) -> bool {
        self.0.test_connected()
    }

    /// Ends the connection.
    pub fn close(mut self) {
        // There is nothing to be lost.
        let _ = self.0.quit();
    }
}

/// What an error in the transaction of a mail says about it.
fn of_mail(what: &str, error: &SmtpError) -> DeliveryError {
    /// The server closes the connection, whatever the mail is.
    const CLOSING: u16 = 421;
    match code(error) {
        Some(code) if error.is_permanent() => DeliveryError::Refused(code),
        Some(code) if code != CLOSING => DeliveryError::Deferred(code),
        Some(_) | None => unusable(what, error),
    }
}

fn unusable(what: &str, error: &SmtpError) -> DeliveryError {
    DeliveryError::Unusable(match code(error) {
        // The text of a response may quote an address.
        Some(code) => format!("{what} was answered {code}"),
        // So may what is no response.
        None if error.is_response() => format!("{what} was answered by what is no response"),
        None => {
            let cause = chain(error);
            format!("{what} failed: {cause}{}", remedy(&cause))
        }
    })
}

/// What an operator can do about a certificate that was refused for this cause.
fn remedy(cause: &str) -> &'static str {
    // Another authority may have the same name.
    if cause.contains("UnknownIssuer") || cause.contains("BadSignature") {
        "; if its authority is a private one, --smtp-ca-file names that"
    } else if cause.contains("CaUsedAsEndEntity") {
        "; a server needs a certificate that is not one of an authority: basicConstraints=CA:FALSE"
    } else {
        ""
    }
}

fn code(error: &SmtpError) -> Option<u16> {
    error.status()?.to_string().parse().ok()
}
