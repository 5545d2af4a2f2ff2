//! What only the local operator can ask for: the use cases behind the routes that the local socket alone has.

pub mod find_login;
pub mod key;
pub mod lock;
pub mod stats;

mod each_login;
