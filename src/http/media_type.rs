//! Media types, as in `Accept` and `Content-Type`.

/// The media type without its parameters.
pub fn essence(media_type: &str) -> &str {
    media_type.split(';').next().unwrap_or_default().trim()
}
