//! Connections: limits, timeouts and the protocol.

mod limits;
mod protocol;
mod timeouts;
