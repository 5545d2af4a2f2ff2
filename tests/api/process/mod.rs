//! The process: its command line, its log, how it stops, and what it does without a request.

mod clock;
mod command_line;
mod journal;
mod log;
mod overload;
mod seed_file;
mod signals;
