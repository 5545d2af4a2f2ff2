//! Sends the mails of the outbox.
//!
//! A mail is removed from the outbox once the server has taken it over. A crash between the two has it sent again, with
//! the same `Message-ID`: a mail that arrives twice is better than one that does not. What the server refuses for good
//! is dropped; anything else is tried again, at growing intervals, until the verification token in its link has
//! expired.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, sleep, timeout};
use uuid::Uuid;

use crate::app::App;
use crate::error::Failure;
use crate::service::mail::outbox::{self, DueMail, Next};
use crate::smtp::session::DeliveryError;
use crate::smtp::transport::Transport;
use crate::smtp::{MailContent, Mailer};
use crate::tables::mail_outbox::QueuedMail;

/// How long a mail that is being sent may delay the end of the process, at most.
const STOP_MAX: Duration = Duration::from_secs(5);

/// The longest wait for a mail to become due: the host may sleep meanwhile, which the timer does not notice.
const WAIT_MAX: Duration = Duration::from_secs(30);

/// The pause after a failure of the storage.
const STORAGE_PAUSE: Duration = Duration::from_secs(1);

/// Sends mails until `stop` is ready. A mail that is being sent then has a few seconds left.
///
/// Without a `mailer` the mails are kept, and removed once their verification tokens have expired.
pub async fn run(app: Arc<App>, mailer: Option<Mailer>, stop: impl Future<Output = ()>) {
    let mut stop = pin!(stop);
    let stop_max = STOP_MAX.min(app.config.connections.finish_timeout());
    let mut sender = mailer.map(Sender::new);
    let mut has_warned = false;
    loop {
        let pause = {
            let mut step = pin!(async {
                match &mut sender {
                    Some(sender) => sender.step(&app).await,
                    None => keep(&app, &mut has_warned).await,
                }
            });
            tokio::select! {
                pause = &mut step => pause,
                () = &mut stop => {
                    // If it takes longer, the mail is sent again after the next start.
                    let _ = timeout(stop_max, step).await;
                    return;
                }
            }
        };
        let pause = pause.unwrap_or_else(|failure| {
            if failure != Failure::Unavailable {
                tracing::warn!(%failure, "the outbox of mails could not be used");
            }
            STORAGE_PAUSE
        });
        if pause.is_zero() {
            continue;
        }
        tokio::select! {
            () = sleep(pause.min(WAIT_MAX)) => {}
            () = app.mail_queued.notified() => {}
            () = &mut stop => return,
        }
    }
}

/// Removes a mail that is obsolete, where none can be sent. Returns the pause after it.
async fn keep(app: &App, has_warned: &mut bool) -> Result<Duration, Failure> {
    match outbox::next(app)? {
        Next::Nothing => return Ok(WAIT_MAX),
        Next::Obsolete(mail) => {
            drop_obsolete(app, &mail).await?;
            return Ok(Duration::ZERO);
        }
        Next::Later(_) | Next::Due(_) => {}
    }
    if !*has_warned {
        *has_warned = true;
        let mails = outbox::count(app)?;
        tracing::warn!(
            mails,
            "mails cannot be sent, and are kept: there is no --smtp-host"
        );
    }
    Ok(WAIT_MAX)
}

async fn drop_obsolete(app: &App, mail: &QueuedMail) -> Result<(), Failure> {
    outbox::remove(app, mail).await?;
    tracing::info!(
        mail = %mail.kind, tenant = mail.tenant.as_str(), profile = %mail.profile_id,
        "a mail was not sent: its verification token was used or has expired, or its profile or its key is gone"
    );
    Ok(())
}

/// What sends mails.
struct Sender {
    mailer: Mailer,
    transport: Transport,
    /// How often in a row the server could not be used, and when it is tried again.
    outage: Option<(u32, Instant)>,
    /// What the server has taken over, and is still in the outbox.
    sent: Option<QueuedMail>,
}

impl Sender {
    fn new(mailer: Mailer) -> Self {
        let relay = mailer.relay();
        if relay.is_readable() {
            let host = &relay.host;
            tracing::warn!(%host, "mails are sent to another host without encryption: --smtp-security is none");
        }
        Self {
            transport: Transport::new(Arc::clone(relay)),
            mailer,
            outage: None,
            sent: None,
        }
    }

    /// Sends a mail, if one is due. Returns the pause after it.
    async fn step(&mut self, app: &App) -> Result<Duration, Failure> {
        self.remove_sent(app).await?;
        let mail = match outbox::next(app)? {
            Next::Nothing => return Ok(WAIT_MAX),
            Next::Later(after) => return Ok(after.max(Duration::from_millis(1))),
            Next::Obsolete(mail) => {
                drop_obsolete(app, &mail).await?;
                return Ok(Duration::ZERO);
            }
            Next::Due(mail) => mail,
        };
        if let Some((_, until)) = self.outage {
            let left = until.saturating_duration_since(Instant::now());
            if !left.is_zero() {
                return Ok(left);
            }
        }
        self.send(app, *mail).await?;
        Ok(Duration::ZERO)
    }

    async fn send(&mut self, app: &App, mail: DueMail) -> Result<(), Failure> {
        let DueMail {
            queued,
            profile,
            link,
        } = mail;
        let content = MailContent {
            kind: queued.kind,
            email: &profile.email,
            username: &profile.username,
            link: &link,
            id: Uuid::from_bytes(*queued.token.as_bytes()).to_string(),
            time: app.clock.now().time(),
        };
        let Some(message) = self.mailer.compose(&content) else {
            return refuse(app, &queued, "the profile has no valid mail address").await;
        };
        let sent = self.transport.send(message).await;
        if !matches!(sent, Err(DeliveryError::Unusable(_))) && self.outage.take().is_some() {
            tracing::info!("the SMTP server takes mails again");
        }
        let QueuedMail {
            kind,
            tenant,
            profile_id: profile,
            attempts,
            ..
        } = &queued;
        let tenant = tenant.as_str();
        match sent {
            Ok(()) => {
                tracing::info!(mail = %kind, tenant, %profile, "a mail was sent");
                self.sent = Some(queued);
                self.remove_sent(app).await
            }
            Err(DeliveryError::Refused(code)) => {
                let cause = format!("the SMTP server refused it with code {code}");
                refuse(app, &queued, &cause).await
            }
            Err(DeliveryError::NotAscii) => {
                let cause =
                    "an address is not ASCII, and the SMTP server does not take such (SMTPUTF8)";
                refuse(app, &queued, cause).await
            }
            Err(DeliveryError::Deferred(code)) => {
                let delay = app.config.mail.retry_after(attempts.saturating_add(1));
                let retry_secs = delay.as_secs();
                tracing::warn!(
                    mail = %kind, tenant, %profile, code, retry_secs,
                    "a mail was not accepted, and is tried again"
                );
                outbox::postpone(app, &queued, delay).await
            }
            Err(DeliveryError::Unusable(cause)) => {
                let failures = self.outage.map_or(0, |(failures, _)| failures) + 1;
                let pause = app.config.mail.retry_after(failures);
                self.outage = Some((failures, Instant::now() + pause));
                let retry_secs = pause.as_secs();
                tracing::warn!(cause, retry_secs, "the SMTP server does not take mails");
                let delay = app.config.mail.retry_after(attempts.saturating_add(1));
                outbox::postpone(app, &queued, delay).await
            }
        }
    }

    /// Removes what was sent, also after the storage failed: it would be sent again.
    async fn remove_sent(&mut self, app: &App) -> Result<(), Failure> {
        if let Some(mail) = &self.sent {
            outbox::remove(app, mail).await?;
            self.sent = None;
        }
        Ok(())
    }
}

/// Drops a mail that cannot be delivered.
async fn refuse(app: &App, mail: &QueuedMail, cause: &str) -> Result<(), Failure> {
    outbox::remove(app, mail).await?;
    tracing::warn!(
        mail = %mail.kind, tenant = mail.tenant.as_str(), profile = %mail.profile_id, cause,
        "a mail cannot be delivered, and is dropped"
    );
    Ok(())
}
