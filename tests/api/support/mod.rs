//! Servers, clients, raw sockets and data for the tests.

pub mod client;
pub mod concurrency;
pub mod fixture;
pub mod process;
pub mod random;
pub mod raw_request;
pub mod server;
pub mod wire;
