//! Failing disks: no acknowledged change is lost, nobody is logged out, and nobody has to help.
//!
//! `REMEMBERD_TEST_LONG=1` tries all damage for every duration, at every operation of more workloads;
//! `REMEMBERD_TEST_SEED` replays a run.

mod client;
mod corruption;
mod every_operation;
mod faulty_disk;
mod full_disk;
mod ledger;
mod marker;
mod process;
mod queue;
mod slow_disk;
