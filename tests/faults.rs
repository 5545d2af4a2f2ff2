//! Failing disks: no acknowledged change is lost, nobody is logged out, and nobody has to help.
//!
//! `REMEMBERD_TEST_LONG=1` tries all damage for every duration, at every operation of more workloads;
//! `REMEMBERD_TEST_SEED` replays a run.

mod support;

mod faults {
    pub mod client;
    pub mod corruption;
    pub mod every_operation;
    pub mod full_disk;
    pub mod ledger;
    pub mod marker;
    pub mod process;
    pub mod queue;
    pub mod sick_disk;
    pub mod slow_disk;
}
