//! Profiles. They have no routes of their own yet; other resources refuse requests because of them.

mod error;
