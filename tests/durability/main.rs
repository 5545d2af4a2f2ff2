//! What survives a failure: the real database and the real server under power loss, `kill -9` and
//! failing disks, files of earlier versions, and checks of their answers against a model and against an order of the calls.

mod faults;
mod formats;
mod kill;
mod linearizability;
mod model;
mod power_loss;
mod support;
