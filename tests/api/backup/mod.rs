//! Backups: made of a stopped database and of a running server, restored, and by schedule.

mod schedule;
mod serving;
mod stopped;
