//! What this layer requires of the connection of a request.

/// The connection of a request.
pub trait Connection {
    /// Is called when the request has been received with its body: nothing more is expected of the client.
    fn on_request_received(&self);

    /// Is called when the response is ready to be sent.
    fn on_response_ready(&self);

    /// Whether what is awaited has exceeded its timeout: the rest of the request or, once that has been
    /// received, the response. The handler is polled again when this becomes true.
    fn is_overdue(&self) -> bool;
}
