//! The process of a command: its threads, the signals that it gets, and who started it.

pub mod restart;
pub mod runtime;
pub mod service_manager;
pub mod signals;
pub mod tasks;
pub mod watched_files;
