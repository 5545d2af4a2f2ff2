//! The headings of `--help` that several topics share.

/// The heading of the settings that only tuning needs.
pub const TUNING: &str = "Tuning";
