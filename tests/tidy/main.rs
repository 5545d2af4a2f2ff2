//! The crate keeps its structure: imports point down, and each library is named where it belongs.
//!
//! This reads the sources as text. A new floor, a new resource, or a library that may be named in a new place, is a
//! change of the plan and belongs in the tables of these files.

mod floors;
mod libraries;
mod modules;
mod resources;
mod source;
mod words;
