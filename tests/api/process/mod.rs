//! The process: its command line, its log, its signals, its background work, its key file, and its writer's queue.

mod clock;
mod command_line;
mod descriptors;
mod faketime;
mod hanging_disk;
mod healthcheck;
mod init;
mod journal;
mod key_file;
mod listen;
mod log;
mod log_format;
mod log_summaries;
mod loopback_host;
mod overload;
mod own_user_ids;
mod removed;
mod restore;
mod secrets;
mod seed_file;
mod seed_rules;
mod shell;
mod signals;
mod special_files;
mod start;
mod token_file;
