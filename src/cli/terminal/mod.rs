//! What commands show.

pub mod example;
pub mod list;
pub mod output;
pub mod plain;
pub mod progress;
pub mod saved;
pub mod tokens;
