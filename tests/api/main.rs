//! The API as a client meets it: a real server on a port of its own and a real HTTP client, raw
//! sockets for what such a client never does, and the real binary for the command line.

mod access_token;
mod connection;
mod health;
mod persistent_login;
mod process;
mod request;
mod support;
