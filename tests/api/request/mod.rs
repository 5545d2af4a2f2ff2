//! The parts of a request: its path, its parameters and its body.

mod bodies;
mod content_types;
mod parameters;
mod paths;
mod sizes;
