//! Tests of the API from outside: a real server on a free port with a real HTTP client, raw sockets for
//! what such a client never does, and the real binary for the command line.

mod access_token;
mod admin;
mod attachment;
mod authentication;
mod backup;
mod connection;
mod description;
mod ending_access;
mod flows;
mod health;
mod mail;
mod metrics;
mod monitoring;
mod permissions;
mod persistent_login;
mod process;
mod profile;
mod request;
mod support;
mod tenant;
mod ticket;
mod verification_token;
