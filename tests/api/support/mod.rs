//! Servers, clients, raw connections and test data.

pub mod client;
pub mod concurrency;
pub mod fixture;
pub mod process;
pub mod random;
pub mod raw_request;
pub mod server;
pub mod tools;
pub mod wire;
