//! The connections: how many, how long, and what is sent over them.

mod limits;
mod protocol;
mod timeouts;
