//! Failing disks: no acknowledged change is lost, no user is logged out, and recovery needs no operator.
//!
//! `REMEMBERD_TEST_LONG=1` tests all damage with every duration, at every operation of more workloads;
//! `REMEMBERD_TEST_SEED` replays a run.

pub mod client;
mod corruption;
mod damaged_pages;
mod every_operation;
pub mod faulty_disk;
mod file_size;
mod full_disk;
mod ledger;
mod marker;
mod process;
mod queue;
mod refused_start;
mod salvage;
mod slow_disk;
