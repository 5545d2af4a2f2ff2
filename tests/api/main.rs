//! The API as a client meets it: a real server on a port of its own and a real HTTP client, raw
//! sockets for what such a client never does, and the real binary for the command line.

// What the tests stand on.
mod client;
mod crowd;
mod fixture;
mod process;
mod random;
mod raw_request;
mod server;
mod wire;

// What a client asks for.
mod access_token;
mod audit_log;
mod by_profile;
mod caps;
mod coalesce;
mod compare_and_rotate;
mod devices;
mod expiry;
mod health;
mod idle;
mod parameters;
mod paths;
mod persistent_login;

// Many clients, and a disk that does not keep up.
mod overload;
mod races;
mod second_look;
mod shared_token;

// What comes through the socket.
mod bodies;
mod connections;
mod raw_socket;
mod sizes;
mod timeouts;

// The process.
mod clock;
mod command_line;
mod journal;
mod log;
mod seed_file;
mod signals;
