//! What this layer requires of the connection of a request.

use std::net::SocketAddr;
use std::time::Instant;

/// The connection of a request. The moments are given, since reading the clock takes longer than the rest.
pub trait Connection {
    /// The address that the client connected from.
    fn peer(&self) -> SocketAddr;

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

    /// Whether the chunks of the request, if its body is chunked, announce more bytes than a body may have. The handler
    /// is polled again when this becomes true.
    fn has_too_large_chunks(&self) -> bool;
}
