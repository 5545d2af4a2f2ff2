//! Durability: the real database and the real server under power loss, `kill -9` and failing disks, files
//! of earlier versions, and checks of the responses against a model and for linearizability.

mod accounts;
mod bulk_end;
mod end_access;
mod faults;
mod formats;
mod interleavings;
mod kill;
mod linearizability;
mod lying_disk;
mod model;
mod power_loss;
mod shrink;
mod support;
mod tabs;
