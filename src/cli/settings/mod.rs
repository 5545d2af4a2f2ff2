//! Where the settings of a command come from: its flags, environment variables, and the settings file.

pub mod environment;
pub mod file;
pub mod origins;
pub mod prepared;
