//! What only the local operator can ask for: the use cases behind the routes that the local socket alone has.

pub mod stats;
