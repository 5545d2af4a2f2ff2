//! What this layer requires of the connection of a request.

use std::fmt;
use std::future::{Future, poll_fn};
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::Poll;
use std::time::Instant;

use crate::error::Failure;
use crate::http::error::ApiError;

/// Where a client connected from.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Peer {
    /// This address.
    Remote(SocketAddr),
    /// This host, over the local socket, which only the owner of the data directory can use.
    Local,
}

impl fmt::Display for Peer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Remote(address) => address.fmt(formatter),
            Self::Local => formatter.write_str("local"),
        }
    }
}

/// The connection of a request. The moments are given, since reading the clock takes longer than the rest.
pub trait Connection: Sync {
    /// Where the client connected from.
    fn peer(&self) -> Peer;

    /// Whether other requests of the connection have begun since its task was polled last: a client that sends many at
    /// once does not keep other clients waiting for all of them.
    fn is_turn_over(&self) -> bool;

    /// Whether the connection is to be closed after the response.
    fn is_closing(&self) -> bool;

    /// Is called when the head of the request has been received.
    fn on_head_received(&self, at: Instant);

    /// Is called when the request has been received with its body: nothing more is expected of the client.
    fn on_request_received(&self, at: Instant);

    /// Is called when the response is ready to be sent.
    fn on_response_ready(&self, at: Instant);

    /// Whether what is awaited has exceeded its timeout: the rest of the request or, once that has been
    /// received, the response. The handler is polled again when this becomes true.
    fn is_overdue(&self) -> bool;

    /// How many bytes the chunks of the request announce, if its body is chunked and these are more than most bodies
    /// may have; else 0. The handler is polled again when this changes.
    fn announced_bytes(&self) -> u64;

    /// Is called when the request is an upload whose body is about to be received, for which it has more time.
    fn on_upload_admitted(&self, at: Instant);

    /// Has the connection closed after the response, since a part of the request is not received.
    fn close_after_response(&self);
}

/// Awaits `work` until the connection is overdue.
///
/// # Errors
///
/// What `work` fails with; [`Failure::TimedOut`].
pub fn in_time<T>(
    mut work: Pin<&mut impl Future<Output = Result<T, ApiError>>>,
    connection: &impl Connection,
) -> impl Future<Output = Result<T, ApiError>> {
    poll_fn(move |context| match work.as_mut().poll(context) {
        // Only writes wait, and dropping one does not cancel it: its outcome is unknown.
        Poll::Pending if connection.is_overdue() => Poll::Ready(Err(Failure::TimedOut.into())),
        polled => polled,
    })
}

#[cfg(test)]
mod tests {
    use std::future;
    use std::pin::pin;

    use super::*;

    struct Overdue(bool);

    impl Connection for Overdue {
        fn peer(&self) -> Peer {
            Peer::Local
        }

        fn on_head_received(&self, _: Instant) {}

        fn on_request_received(&self, _: Instant) {}

        fn on_response_ready(&self, _: Instant) {}

        fn is_turn_over(&self) -> bool {
            false
        }

        fn is_closing(&self) -> bool {
            false
        }

        fn is_overdue(&self) -> bool {
            self.0
        }

        fn announced_bytes(&self) -> u64 {
            0
        }

        fn on_upload_admitted(&self, _: Instant) {}

        fn close_after_response(&self) {}
    }

    #[tokio::test]
    async fn a_write_that_does_not_finish_in_time_is_no_storage_failure() {
        let pending = pin!(future::pending::<Result<(), _>>());
        let outcome = in_time(pending, &Overdue(true)).await;
        let error = outcome.expect_err("the write does not finish");
        assert_eq!(error, ApiError::Failed(Failure::TimedOut));
    }

    #[tokio::test]
    async fn what_is_ready_is_returned_however_late() {
        for is_overdue in [false, true] {
            let ready = pin!(future::ready(Ok(())));
            let outcome = in_time(ready, &Overdue(is_overdue)).await;
            assert!(outcome.is_ok());
        }
    }
}
