//! The parts of a request: its path, its parameters and its body.

mod bodies;
mod parameters;
mod paths;
mod sizes;
