//! Connections: limits, timeouts and the protocol.

mod limits;
mod protocol;
mod strictness;
mod timeouts;
