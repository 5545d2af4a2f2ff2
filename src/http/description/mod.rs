//! The description of the API: as OpenAPI at `/openapi.json`, and as a page at `/docs`, which shows it in a browser.
//!
//! `openapi.json` is written by hand. `tests/api/description` compares it with the routes and sends its examples.

pub mod docs;
pub mod openapi;

/// How long browsers and proxies may keep either: with another version of the program, they change.
const CACHED: &str = "max-age=300";
