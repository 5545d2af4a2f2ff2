//! The headings of `--help` that several topics share.

/// The heading of the settings of mails.
pub const MAIL: &str = "Mail";

/// The heading of the settings that only tuning needs.
pub const TUNING: &str = "Tuning";

/// Backups by schedule.
pub const BACKUPS: &str = "Backups";
