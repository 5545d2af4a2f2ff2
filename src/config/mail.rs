//! Mails to the owners of profiles.

use std::num::{NonZeroU16, NonZeroUsize};
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, ValueEnum};

use crate::config::heading::MAIL;
use crate::config::value::{count, duration};

/// The longest text of a setting.
const TEXT_BYTES_MAX: usize = 512;

/// Mails to the owners of profiles.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = MAIL)]
pub struct MailConfig {
    /// Server that mails are sent through, to verify accounts and to reset passwords
    ///
    /// Without it, mails are kept until there is one, as long as their links are valid.
    #[arg(long, env = "REMEMBERD_SMTP_HOST", value_name = "HOST", value_parser = host,
          hide_short_help = true)]
    pub smtp_host: Option<String>,

    /// Sender of mails, like `Accounts <accounts@example.com>`; required with --smtp-host
    #[arg(long, env = "REMEMBERD_MAIL_FROM", value_name = "ADDRESS", value_parser = line,
          hide_short_help = true)]
    pub mail_from: Option<String>,

    /// Port of the SMTP server; by default 587, or 465 with tls, or 25 with none
    #[arg(long, env = "REMEMBERD_SMTP_PORT", value_name = "PORT", value_parser = port,
          hide_short_help = true)]
    pub smtp_port: Option<NonZeroU16>,

    /// How the connection to the SMTP server is protected
    ///
    /// `starttls` encrypts it before anything is sent, and fails if the server does not offer that; `tls` is encrypted
    /// from the start; `none` is for a server on the same host or a network that nobody else reads: a user is not sent
    /// to another host then.
    #[arg(
        long,
        env = "REMEMBERD_SMTP_SECURITY",
        value_name = "starttls|tls|none",
        default_value = "starttls",
        hide_possible_values = true,
        hide_short_help = true
    )]
    pub smtp_security: SmtpSecurity,

    /// User at the SMTP server, with --smtp-password-file
    #[arg(long, env = "REMEMBERD_SMTP_USER", value_name = "USER", value_parser = line,
          hide_short_help = true)]
    pub smtp_user: Option<String>,

    /// File with the password of that user, in its first line
    #[arg(
        long,
        env = "REMEMBERD_SMTP_PASSWORD_FILE",
        value_name = "FILE",
        hide_short_help = true
    )]
    pub smtp_password_file: Option<PathBuf>,

    /// File with the PEM certificates of the authorities that the SMTP server's certificate may be of; by default those
    /// of the system
    #[arg(
        long,
        env = "REMEMBERD_SMTP_CA_FILE",
        value_name = "FILE",
        hide_short_help = true
    )]
    pub smtp_ca_file: Option<PathBuf>,

    /// Longest wait for the SMTP server to be connected to, and for each of its responses
    #[arg(long, env = "REMEMBERD_SMTP_TIMEOUT", value_name = "DURATION", default_value = "30s",
          value_parser = duration, hide_short_help = true)]
    pub smtp_timeout: Duration,

    /// Subject of the mail that verifies a new account
    #[arg(long, env = "REMEMBERD_MAIL_VERIFY_SUBJECT", value_name = "TEXT", default_value = "Verify Account",
          value_parser = line, hide_short_help = true)]
    pub mail_verify_subject: String,

    /// Subject of the mail by which a password is reset
    #[arg(long, env = "REMEMBERD_MAIL_RESET_SUBJECT", value_name = "TEXT", default_value = "Reset Password",
          value_parser = line, hide_short_help = true)]
    pub mail_reset_subject: String,

    /// File with the HTML of the mail that verifies a new account, in place of the built-in one
    ///
    /// It has `{{link}}` where the link is to be, and `{{username}}` where the username is.
    #[arg(
        long,
        env = "REMEMBERD_MAIL_VERIFY_TEMPLATE",
        value_name = "FILE",
        hide_short_help = true
    )]
    pub mail_verify_template: Option<PathBuf>,

    /// File with the HTML of the mail by which a password is reset, in place of the built-in one
    #[arg(
        long,
        env = "REMEMBERD_MAIL_RESET_TEMPLATE",
        value_name = "FILE",
        hide_short_help = true
    )]
    pub mail_reset_template: Option<PathBuf>,

    /// Most mails that are waiting to be sent; after it a request that would send one is answered 503
    #[arg(long, env = "REMEMBERD_MAIL_OUTBOX_MAX", value_name = "COUNT", default_value = "10000",
          value_parser = count, hide_short_help = true)]
    pub mail_outbox_max: NonZeroUsize,

    /// Time to the second attempt to send a mail; it doubles with each further one
    #[arg(long, env = "REMEMBERD_MAIL_RETRY_MIN", value_name = "DURATION", default_value = "30s",
          value_parser = duration, hide_short_help = true)]
    pub mail_retry_min: Duration,

    /// Longest time between two attempts to send a mail
    #[arg(long, env = "REMEMBERD_MAIL_RETRY_MAX", value_name = "DURATION", default_value = "1h",
          value_parser = duration, hide_short_help = true)]
    pub mail_retry_max: Duration,
}

/// How the connection to the SMTP server is protected.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub enum SmtpSecurity {
    /// By TLS, once the server was greeted.
    Starttls,
    /// By TLS from the start.
    Tls,
    /// By nothing.
    None,
}

impl MailConfig {
    /// The port of the SMTP server.
    pub fn port(&self) -> u16 {
        let default = match self.smtp_security {
            SmtpSecurity::Starttls => 587,
            SmtpSecurity::Tls => 465,
            SmtpSecurity::None => 25,
        };
        self.smtp_port.map_or(default, NonZeroU16::get)
    }

    /// The time before attempt number `attempts` + 1, after that many have failed.
    pub fn retry_after(&self, attempts: u32) -> Duration {
        let doublings = attempts.saturating_sub(1).min(31);
        let after = self.mail_retry_min.saturating_mul(1 << doublings);
        after.min(self.mail_retry_max.max(self.mail_retry_min))
    }
}

fn host(text: &str) -> Result<String, String> {
    let is_host_char = |char: char| char.is_ascii_alphanumeric() || "-._:".contains(char);
    let is_address = text.parse::<std::net::Ipv6Addr>().is_ok();
    if text.is_empty() || !text.chars().all(is_host_char) || text.contains(':') && !is_address {
        return Err("it must be a host name or an IP address, without a port".to_owned());
    }
    Ok(text.to_owned())
}

fn port(text: &str) -> Result<NonZeroU16, String> {
    text.parse()
        .map_err(|_| "it must be a whole number from 1 to 65535".to_owned())
}

fn line(text: &str) -> Result<String, String> {
    if text.trim().is_empty() || text.chars().any(char::is_control) {
        return Err("it must be one line of text".to_owned());
    }
    if text.len() > TEXT_BYTES_MAX {
        return Err(format!("it must have at most {TEXT_BYTES_MAX} bytes"));
    }
    Ok(text.to_owned())
}

#[cfg(test)]
mod tests {
    use crate::config::Config;

    use super::*;

    #[test]
    fn the_time_between_attempts_doubles_up_to_its_limit() {
        let config = Config::from_flags(&[]).expect("defaults are valid").mail;
        let seconds =
            [1, 2, 3, 8, 9, u32::MAX].map(|attempts| config.retry_after(attempts).as_secs());
        assert_eq!(seconds, [30, 60, 120, 3_600, 3_600, 3_600]);
    }

    #[test]
    fn the_port_is_that_of_the_protection() {
        for (flags, port) in [
            (&[][..], 587),
            (&["--smtp-security=tls"], 465),
            (&["--smtp-security=none"], 25),
            (&["--smtp-security=tls", "--smtp-port=2525"], 2_525),
        ] {
            let config = Config::from_flags(flags).expect("valid settings");
            assert_eq!(config.mail.port(), port);
        }
    }

    #[test]
    fn a_host_has_no_port_and_a_text_one_line() {
        for host_name in ["localhost", "mail.example.com", "127.0.0.1", "::1"] {
            assert_eq!(host(host_name).as_deref(), Ok(host_name));
        }
        for text in ["", "a:25", "[::1]", "smtp://a", "a b", "a\n", "a/b"] {
            assert!(host(text).is_err(), "{text:?}");
        }
        for text in ["", " ", "a\r\nBcc: b", "a\0", &"a".repeat(513)] {
            assert!(line(text).is_err(), "{text:?}");
        }
    }
}
