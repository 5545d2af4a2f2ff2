//! The thread on which mails are sent.

use std::sync::{Arc, mpsc};
use std::thread;
use std::time::Duration;

use lettre::Message;
use tokio::sync::oneshot;
use tokio::time::timeout;

use crate::smtp::relay::Relay;
use crate::smtp::session::{DeliveryError, Session};

/// For how long a connection is kept for the next mail.
const IDLE_MAX: Duration = Duration::from_secs(5);

/// How many times the longest wait for one response a whole mail may take.
const TIMEOUTS_MAX: u32 = 4;

/// How many threads there may be at once: each but one was given up, because its server sends bytes without an end.
const THREADS_MAX: usize = 4;

/// What sends mails, one at a time.
pub struct Transport {
    relay: Arc<Relay>,
    /// The thread, once there is one.
    thread: Option<mpsc::Sender<SendRequest>>,
    /// One reference is here, and one on each thread.
    alive: Arc<()>,
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
            alive: Arc::default(),
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
        let limit = self.relay.timeout * TIMEOUTS_MAX;
        match timeout(limit, awaited).await {
            Ok(Ok(outcome)) => outcome,
            Ok(Err(_panicked)) => {
                self.thread = None;
                Err(DeliveryError::Unusable(
                    "the thread that sends failed".to_owned(),
                ))
            }
            Err(_elapsed) => {
                self.thread = None;
                let cause = format!("it did not take a mail within {} s", limit.as_secs());
                Err(DeliveryError::Unusable(cause))
            }
        }
    }

    fn submit(&mut self, request: SendRequest) -> Result<(), DeliveryError> {
        let request = match &self.thread {
            Some(thread) => match thread.send(request) {
                Ok(()) => return Ok(()),
                Err(mpsc::SendError(request)) => request,
            },
            None => request,
        };
        if Arc::strong_count(&self.alive) > THREADS_MAX {
            let cause = "earlier attempts have not ended".to_owned();
            return Err(DeliveryError::Unusable(cause));
        }
        let (thread, requests) = mpsc::channel();
        let (relay, alive) = (Arc::clone(&self.relay), Arc::clone(&self.alive));
        let started = thread::Builder::new()
            .name("mail".to_owned())
            .spawn(move || {
                run(&relay, &requests);
                drop(alive);
            });
        started.map_err(|error| DeliveryError::Unusable(format!("no thread: {error}")))?;
        // It cannot fail: the thread has just been started, and receives until this sender is dropped.
        let _ = thread.send(request);
        self.thread = Some(thread);
        Ok(())
    }
}

/// Sends mails until the [`Transport`] is dropped, or has given up this thread.
fn run(relay: &Relay, requests: &mpsc::Receiver<SendRequest>) {
    let mut session = None;
    loop {
        let next = match &session {
            Some(_) => requests.recv_timeout(IDLE_MAX),
            None => requests
                .recv()
                .map_err(|_| mpsc::RecvTimeoutError::Disconnected),
        };
        match next {
            Ok(SendRequest { message, outcome }) => {
                // An error is that the outcome is not awaited any more.
                let _ = outcome.send(send(relay, &mut session, &message));
            }
            Err(ended) => {
                if let Some(session) = session.take() {
                    Session::close(session);
                }
                if ended == mpsc::RecvTimeoutError::Disconnected {
                    return;
                }
            }
        }
    }
}

fn send(
    relay: &Relay,
    session: &mut Option<Session>,
    message: &Message,
) -> Result<(), DeliveryError> {
    let kept = session.take();
    let mut open = match kept.and_then(|mut kept| kept.is_alive().then_some(kept)) {
        Some(kept) => kept,
        None => Session::open(relay)?,
    };
    open.send(message)?;
    *session = Some(open);
    Ok(())
}
