//! The thread on which mails are sent.

use std::io;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use lettre::Message;
use tokio::runtime::Builder;
use tokio::sync::mpsc::{self, error::TrySendError};
use tokio::sync::oneshot;
use tokio::time::timeout;

use crate::smtp::relay::Relay;
use crate::smtp::session::{DeliveryError, Session};

/// For how long a connection is kept for the next mail.
const IDLE_MAX: Duration = Duration::from_secs(5);

/// How many times the longest wait for one response a whole mail may take.
const TIMEOUTS_MAX: u32 = 4;

/// How many look-ups of the server's address may be under way, which cannot be given up.
const LOOKUPS_MAX: usize = 2;

/// What sends mails, one at a time.
pub struct Transport {
    relay: Arc<Relay>,
    /// The thread, once there is one.
    thread: Option<mpsc::Sender<SendRequest>>,
}

/// A mail, and where its outcome is awaited.
struct SendRequest {
    message: Message,
    outcome: oneshot::Sender<Result<(), DeliveryError>>,
}

impl Transport {
    /// One for this server. It connects when there is a mail.
    pub fn new(relay: Arc<Relay>) -> Self {
        Self {
            relay,
            thread: None,
        }
    }

    /// Sends a mail, in a bounded time. The server has taken it over if that succeeds.
    ///
    /// # Errors
    ///
    /// Why it has not, as far as it is known.
    pub async fn send(&mut self, message: Message) -> Result<(), DeliveryError> {
        let (outcome, awaited) = oneshot::channel();
        self.submit(SendRequest { message, outcome })?;
        awaited.await.unwrap_or_else(|_panicked| {
            self.thread = None;
            let cause = "the thread that sends failed".to_owned();
            Err(DeliveryError::Unusable(cause))
        })
    }

    fn submit(&mut self, request: SendRequest) -> Result<(), DeliveryError> {
        let request = match &self.thread {
            Some(thread) => match thread.try_send(request) {
                Ok(()) => return Ok(()),
                Err(TrySendError::Closed(request) | TrySendError::Full(request)) => request,
            },
            None => request,
        };
        let thread = start(Arc::clone(&self.relay))
            .map_err(|error| DeliveryError::Unusable(format!("no thread: {error}")))?;
        // It cannot fail: the thread has just been started, and receives until this sender is dropped.
        let _ = thread.try_send(request);
        self.thread = Some(thread);
        Ok(())
    }
}

/// Starts a thread that sends mails.
fn start(relay: Arc<Relay>) -> io::Result<mpsc::Sender<SendRequest>> {
    let runtime = Builder::new_current_thread()
        .enable_all()
        .max_blocking_threads(LOOKUPS_MAX)
        .build()?;
    let (thread, requests) = mpsc::channel(1);
    thread::Builder::new()
        .name("mail".to_owned())
        .spawn(move || runtime.block_on(run(&relay, requests)))?;
    Ok(thread)
}

/// Sends mails until the [`Transport`] is dropped.
async fn run(relay: &Relay, mut requests: mpsc::Receiver<SendRequest>) {
    let mut session = None;
    loop {
        let next = match &session {
            Some(_) => timeout(IDLE_MAX, requests.recv()).await,
            None => Ok(requests.recv().await),
        };
        if let Ok(Some(SendRequest { message, outcome })) = next {
            // An error is that the outcome is not awaited any more.
            let _ = outcome.send(send(relay, &mut session, &message).await);
            continue;
        }
        if let Some(session) = session.take() {
            Session::close(session).await;
        }
        if next.is_ok() {
            return;
        }
    }
}

async fn send(
    relay: &Relay,
    session: &mut Option<Session>,
    message: &Message,
) -> Result<(), DeliveryError> {
    let limit = relay.timeout * TIMEOUTS_MAX;
    let sent = timeout(limit, try_send(relay, session.take(), message)).await;
    let sent = sent.unwrap_or_else(|_elapsed| {
        let cause = format!("it did not take a mail within {} s", limit.as_secs_f64());
        Err(DeliveryError::Unusable(cause))
    });
    *session = Some(sent?);
    Ok(())
}

/// Sends a mail by the session that was kept, if it can still be used, and returns the session that it was sent by.
async fn try_send(
    relay: &Relay,
    kept: Option<Session>,
    message: &Message,
) -> Result<Session, DeliveryError> {
    let mut usable = None;
    if let Some(mut kept) = kept
        && kept.is_alive().await
    {
        usable = Some(kept);
    }
    let mut session = match usable {
        Some(session) => session,
        None => Session::open(relay).await?,
    };
    match session.send(message).await {
        Ok(()) => Ok(session),
        Err(error) => {
            // Else the server has said nothing that makes sense.
            if !matches!(error, DeliveryError::Unusable(_)) {
                session.close().await;
            }
            Err(error)
        }
    }
}
