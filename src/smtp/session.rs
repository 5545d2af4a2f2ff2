//! A connection to the server, and what it said to a mail.

use std::future::Future;
use std::io;
use std::time::Duration;

use lettre::Message;
use lettre::transport::smtp::authentication::Mechanism;
use lettre::transport::smtp::client::{AsyncSmtpConnection, AsyncTokioStream};
use lettre::transport::smtp::commands::{Data, Mail, Rcpt};
use lettre::transport::smtp::extension::{Extension, MailParameter};
use tokio::net::{TcpStream, lookup_host};
use tokio::time::timeout;

use crate::error::describe;
use crate::smtp::encrypted::EncryptedStream;
use crate::smtp::relay::{Relay, Security, chain};
use crate::smtp::stream::ServerStream;

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
pub struct Session {
    connection: AsyncSmtpConnection,
    /// The longest wait for a response.
    response_max: Duration,
}

impl Session {
    /// Connects to the server, and signs in if that is set.
    ///
    /// # Errors
    ///
    /// [`DeliveryError::Unusable`].
    pub async fn open(relay: &Relay) -> Result<Self, DeliveryError> {
        let response_max = relay.timeout;
        let tcp = ServerStream::new(connect(relay).await?);
        let stream: Box<dyn AsyncTokioStream> = match &relay.security {
            Security::Tls(tls) => {
                let encrypted = EncryptedStream::new(tcp, tls.clone());
                Box::new(within(response_max, "TLS", unusable, encrypted).await?)
            }
            Security::StartTls(_) | Security::None => Box::new(tcp),
        };
        let greeted = AsyncSmtpConnection::connect_with_transport(stream, &relay.client);
        let mut connection = within(response_max, "connecting", unusable, greeted).await?;
        if let Security::StartTls(tls) = &relay.security {
            let started = connection.starttls(tls.clone(), &relay.client);
            within(response_max, "STARTTLS", unusable, started).await?;
        }
        if let Some(credentials) = &relay.credentials {
            let signed_in = connection.auth(&MECHANISMS, credentials);
            within(
                response_max,
                "signing in as --smtp-user",
                unusable,
                signed_in,
            )
            .await?;
        }
        Ok(Self {
            connection,
            response_max,
        })
    }

    /// Sends the mail. The server has taken it over if that succeeds.
    ///
    /// # Errors
    ///
    /// Why it has not. The session can then not be used again.
    pub async fn send(&mut self, message: &Message) -> Result<(), DeliveryError> {
        let limit = self.response_max;
        let envelope = message.envelope();
        let mut addresses = envelope.from().into_iter().chain(envelope.to());
        let mut parameters = Vec::new();
        if !addresses.all(|address| AsRef::<str>::as_ref(address).is_ascii()) {
            let info = self.connection.server_info();
            if !info.supports_feature(Extension::SmtpUtfEight) {
                return Err(DeliveryError::NotAscii);
            }
            parameters.push(MailParameter::SmtpUtfEight);
        }
        let sender = self
            .connection
            .command(Mail::new(envelope.from().cloned(), parameters));
        // What is wrong with the sender is so for every mail.
        within(limit, "the sender, --mail-from,", unusable, sender).await?;
        for address in envelope.to() {
            let recipient = self
                .connection
                .command(Rcpt::new(address.clone(), Vec::new()));
            within(limit, "the recipient", of_mail, recipient).await?;
        }
        within(limit, "the mail", of_mail, self.connection.command(Data)).await?;
        let text = message.formatted();
        let taken = self.connection.message(&text);
        within(limit, "the mail", of_mail, taken).await?;
        Ok(())
    }

    /// Whether the server is still there.
    pub async fn is_alive(&mut self) -> bool {
        let tested = timeout(self.response_max, self.connection.test_connected());
        tested.await.unwrap_or(false)
    }

    /// Ends the connection.
    pub async fn close(mut self) {
        // There is nothing to be lost.
        let _ = timeout(self.response_max, self.connection.quit()).await;
    }
}

/// Connects to the first address of the server that can be.
async fn connect(relay: &Relay) -> Result<TcpStream, DeliveryError> {
    let failed = |cause: &dyn std::fmt::Display| {
        DeliveryError::Unusable(format!("connecting failed: {cause}"))
    };
    let found = timeout(
        relay.timeout,
        lookup_host((relay.host.as_str(), relay.port)),
    )
    .await;
    let addresses = found.map_err(|_elapsed| failed(&"its address was not found in time"))?;
    let mut last = io::Error::other("it has no address");
    for address in addresses.map_err(|error| failed(&describe(&error)))? {
        match timeout(relay.timeout, TcpStream::connect(address)).await {
            Ok(Ok(stream)) => {
                // Else the end of a mail, which is sent by itself, waits until the rest is acknowledged.
                let _ = stream.set_nodelay(true);
                return Ok(stream);
            }
            Ok(Err(error)) => last = error,
            Err(_elapsed) => last = io::ErrorKind::TimedOut.into(),
        }
    }
    Err(failed(&describe(&last)))
}

/// The outcome of a step, if it ends in time. Else, and if it is an error, what that says by `explain`.
async fn within<T>(
    limit: Duration,
    what: &str,
    explain: fn(&str, &SmtpError) -> DeliveryError,
    step: impl Future<Output = Result<T, SmtpError>>,
) -> Result<T, DeliveryError> {
    match timeout(limit, step).await {
        Ok(outcome) => outcome.map_err(|error| explain(what, &error)),
        Err(_elapsed) => {
            let seconds = limit.as_secs_f64();
            let cause = format!("{what} was not answered within {seconds} s");
            Err(DeliveryError::Unusable(cause))
        }
    }
}

/// What an error in the transaction of a mail says about it.
fn of_mail(what: &str, error: &SmtpError) -> DeliveryError {
    /// The server closes the connection, whatever the mail is.
    const CLOSING: u16 = 421;
    /// The server takes no mail from who has not signed in.
    const AUTHENTICATION_REQUIRED: u16 = 530;
    match code(error) {
        None | Some(CLOSING | AUTHENTICATION_REQUIRED) => unusable(what, error),
        Some(code) if error.is_permanent() => DeliveryError::Refused(code),
        Some(code) => DeliveryError::Deferred(code),
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
