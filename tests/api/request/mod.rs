//! The parts of a request: its path, its parameters and its body.

mod accept;
mod bodies;
mod caller;
mod content_types;
mod known;
mod options;
mod parameters;
mod paths;
mod sizes;
mod throttle;
