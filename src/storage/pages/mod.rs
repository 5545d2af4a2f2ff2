//! Reads a database file page by page, without the library that writes it.
//!
//! The library does not verify what it reads: it searches a damaged page as if it were right, and panics over some.
//! Here every page is checked against the checksum that its parent has of it, so that it is known where a file is
//! damaged, and everything that is not can be read. The file is opened for reading only; no other process may write it.
//!
//! The format is version 3 of redb's, which its `docs/design.md` describes: a header with two commit slots, of which
//! one is the last commit, and trees of pages; one tree has the names of all tables and the roots of theirs.

pub mod file;
mod header;
mod page;
pub mod seen;
pub mod tables;
mod used;
pub mod walk;
