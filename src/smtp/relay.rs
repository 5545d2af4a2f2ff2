//! The server that mails are sent through, as the settings describe it.

use std::fmt;
use std::net::IpAddr;
use std::time::Duration;

use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Certificate, CertificateStore, TlsParameters};
use lettre::transport::smtp::extension::ClientId;

use crate::config::mail::{MailConfig, SmtpSecurity};
use crate::smtp::setting::{SettingError, read, with_setting};
use crate::storage::secret_text;

/// A server that relays mails.
pub struct Relay {
    /// Its name or address.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// How the connection is protected.
    pub security: Security,
    /// Who sends, if the server requires that.
    pub credentials: Option<Credentials>,
    /// The longest wait for a connection, and for a response.
    pub timeout: Duration,
    /// What this host calls itself.
    pub client: ClientId,
}

/// How the connection to a server is protected.
pub enum Security {
    /// By TLS from the start.
    Tls(TlsParameters),
    /// By TLS, once the server was greeted.
    StartTls(TlsParameters),
    /// By nothing.
    None,
}

impl Relay {
    /// The server of the settings, whose name is `host`. The files that they name are read.
    ///
    /// # Errors
    ///
    /// The setting that cannot be used.
    pub fn load(config: &MailConfig, host: &str) -> Result<Self, SettingError> {
        let security = match config.smtp_security {
            SmtpSecurity::Tls => Security::Tls(tls(config, host)?),
            SmtpSecurity::Starttls => Security::StartTls(tls(config, host)?),
            SmtpSecurity::None => Security::None,
        };
        let credentials = credentials(config)?;
        let is_open = matches!(security, Security::None);
        if credentials.is_some() && is_open && !is_loopback(host) {
            return Err(SettingError {
                setting: "smtp_security",
                value: "none".to_owned(),
                cause: format!(
                    "the password of --smtp-user would be sent to {host} in clear; use starttls or tls"
                ),
            });
        }
        Ok(Self {
            host: host.to_owned(),
            port: config.port(),
            security,
            credentials,
            timeout: config.smtp_timeout,
            client: client(),
        })
    }

    /// Whether what is sent can be read on the way to another host.
    pub fn is_readable(&self) -> bool {
        matches!(self.security, Security::None) && !is_loopback(&self.host)
    }
}

impl fmt::Debug for Relay {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Relay({}:{})", self.host, self.port)
    }
}

/// What a certificate begins with in PEM format.
const BEGIN: &[u8] = b"-----BEGIN CERTIFICATE-----";

fn tls(config: &MailConfig, host: &str) -> Result<TlsParameters, SettingError> {
    let mut builder = TlsParameters::builder(host.to_owned());
    if let Some(file) = &config.smtp_ca_file {
        let setting = "smtp_ca_file";
        let pem = with_setting(setting, file, read(file))?;
        // The library takes a file without any.
        let has_one = pem.windows(BEGIN.len()).any(|bytes| bytes == BEGIN);
        let certificates = match Certificate::from_pem(&pem) {
            Ok(certificates) if has_one => Ok(certificates),
            Ok(_) | Err(_) => Err("it has no certificate in PEM format"),
        };
        let certificates = with_setting(setting, file, certificates)?;
        builder = builder
            .certificate_store(CertificateStore::None)
            .add_root_certificate(certificates);
        return with_setting(
            setting,
            file,
            builder.build().map_err(|error| chain(&error)),
        );
    }
    builder.build().map_err(|error| SettingError {
        setting: "smtp_host",
        value: host.to_owned(),
        cause: chain(&error),
    })
}

fn credentials(config: &MailConfig) -> Result<Option<Credentials>, SettingError> {
    match (&config.smtp_user, &config.smtp_password_file) {
        (None, None) => Ok(None),
        (Some(user), Some(file)) => {
            let password = secret_text::read(file);
            let password = with_setting("smtp_password_file", file, password)?;
            Ok(Some(Credentials::new(user.clone(), password)))
        }
        (Some(user), None) => Err(SettingError {
            setting: "smtp_user",
            value: user.clone(),
            cause: "--smtp-password-file is missing".to_owned(),
        }),
        (None, Some(file)) => Err(SettingError {
            setting: "smtp_password_file",
            value: file.display().to_string(),
            cause: "--smtp-user is missing".to_owned(),
        }),
    }
}

/// What this host calls itself to the server.
fn client() -> ClientId {
    let name = rustix::system::uname();
    let is_name_char = |char: char| char.is_ascii_alphanumeric() || "-.".contains(char);
    match name.nodename().to_str() {
        Ok(name) if !name.is_empty() && name.chars().all(is_name_char) => {
            ClientId::Domain(name.to_owned())
        }
        _ => ClientId::default(),
    }
}

fn is_loopback(host: &str) -> bool {
    let address: Result<IpAddr, _> = host.parse();
    host.eq_ignore_ascii_case("localhost") || address.is_ok_and(|address| address.is_loopback())
}

/// An error with its causes.
pub fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        let cause = error.to_string();
        if !text.contains(&cause) {
            text = format!("{text}: {cause}");
        }
        source = error.source();
    }
    text
}
