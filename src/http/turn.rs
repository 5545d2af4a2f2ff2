//! Whose turn it is on a worker thread.

use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll};

/// Ends the turn of the task that is polled: it is polled again after all others that are ready, those whose sockets
/// became ready meanwhile too. A task that only woke itself would run again before these sockets are looked at.
pub fn end_turn<T>(context: &mut Context<'_>) -> Poll<T> {
    let _pending = pin!(tokio::task::yield_now()).poll(context);
    Poll::Pending
}
