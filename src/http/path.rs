//! Paths: the context path, and the segments that the router matches.
//!
//! The rules are those of the wire contract ("General"): a final `.json`, matrix parameters, a trailing
//! slash and repeated slashes are ignored; segments are percent-decoded as UTF-8; paths are case-sensitive.
//! What no segment may hold is from its "Deliberate differences".

use std::borrow::Cow;

use percent_encoding::percent_decode_str;

use crate::http::error::RouteError;

/// Segments beyond this number are counted and not kept. No served path may have more.
const SEGMENTS_MAX: usize = 8;

/// The part of `path` below `context` (which is empty or begins with a slash), or `path` unchanged if it is
/// not below it: everything is served with and without the context path.
pub fn without_context<'p>(path: &'p str, context: &str) -> &'p str {
    let context = context.trim_start_matches('/');
    match path.trim_start_matches('/').strip_prefix(context) {
        Some(rest) if !context.is_empty() && rest.starts_with(['/', ';']) => rest,
        _ => path,
    }
}

/// Calls `parse` with the decoded segments of `path`.
///
/// # Errors
///
/// [`RouteError::BadSegment`], [`RouteError::NoSuchPath`] for a path with more segments than any that is
/// served, and the error of `parse`.
pub fn with_segments<R>(
    path: &str,
    parse: impl FnOnce(&[&str]) -> Result<R, RouteError>,
) -> Result<R, RouteError> {
    let mut segments = [const { Cow::Borrowed("") }; SEGMENTS_MAX];
    let count = split(path, &mut segments)?;
    let segments = segments.each_ref().map(AsRef::as_ref);
    parse(segments.get(..count).ok_or(RouteError::NoSuchPath)?)
}

/// Whether the last segment of `path` has the suffix `.json`.
pub fn has_suffix(path: &str) -> bool {
    let segments = path.rsplit('/').map(|raw| {
        let (plain, _matrix) = raw.split_once(';').unwrap_or((raw, ""));
        percent_decode_str(plain).decode_utf8_lossy()
    });
    let mut named = segments.filter(|segment| !segment.is_empty());
    named.next().is_some_and(|mut last| {
        let whole = last.len();
        strip_suffix(&mut last);
        last.len() < whole
    })
}

/// Writes the first segments of `path` to `segments` and returns the number of all of them.
fn split<'p>(
    path: &'p str,
    segments: &mut [Cow<'p, str>; SEGMENTS_MAX],
) -> Result<usize, RouteError> {
    // Most paths have neither, and are then not copied.
    let (has_matrices, is_encoded) = (path.contains(';'), path.contains('%'));
    let mut count = 0;
    for raw in path.split('/') {
        let matrix = has_matrices.then(|| raw.split_once(';')).flatten();
        let (plain, _matrix) = matrix.unwrap_or((raw, ""));
        if plain.is_empty() {
            continue;
        }
        let segment = if is_encoded {
            decode(plain)?
        } else {
            Cow::Borrowed(plain)
        };
        if let Some(slot) = segments.get_mut(count) {
            *slot = segment;
        }
        count += 1;
    }
    if let Some(last) = segments.get_mut(..count).and_then(<[_]>::last_mut) {
        strip_suffix(last);
    }
    Ok(count)
}

/// The text of a segment that may have percent-encoding.
///
/// A server in front may read a slash, a backslash or a NUL otherwise than this one, and so take the path for another.
fn decode(segment: &str) -> Result<Cow<'_, str>, RouteError> {
    for rest in segment.split('%').skip(1) {
        match rest.as_bytes() {
            [b'0', b'0', ..] => return Err(RouteError::BadSegment("an encoded NUL")),
            [b'2', b'F' | b'f', ..] => return Err(RouteError::BadSegment("an encoded slash")),
            [b'5', b'C' | b'c', ..] => return Err(RouteError::BadSegment("an encoded backslash")),
            [high, low, ..] if high.is_ascii_hexdigit() && low.is_ascii_hexdigit() => {}
            _ => return Err(RouteError::BadSegment("an invalid percent-encoding")),
        }
    }
    Ok(percent_decode_str(segment).decode_utf8_lossy())
}

/// Removes a final `.json`, unless nothing would be left.
fn strip_suffix(segment: &mut Cow<'_, str>) {
    let kept = segment.strip_suffix(".json").map_or(0, str::len);
    if kept == 0 {
        return;
    }
    match segment {
        Cow::Borrowed(text) => *text = &text[..kept],
        Cow::Owned(text) => text.truncate(kept),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_context_path_is_optional() {
        let table = [
            ("/crafter-profile/api/1", "/crafter-profile", "/api/1"),
            ("//crafter-profile//api/1", "/crafter-profile", "//api/1"),
            ("/crafter-profile;a=b/api", "/crafter-profile", ";a=b/api"),
            ("/api/1", "/crafter-profile", "/api/1"),
            (
                "/crafter-profiles/api",
                "/crafter-profile",
                "/crafter-profiles/api",
            ),
            ("/a/b/api", "/a/b", "/api"),
            ("/api/1", "", "/api/1"),
        ];
        for (path, context, below) in table {
            assert_eq!(without_context(path, context), below, "{path}");
        }
    }

    #[test]
    fn the_suffix_is_that_of_the_last_segment() {
        for path in [
            "/x.json",
            "/a/x.json",
            "/x.json/",
            "//x.json;a=b//",
            "/x.%6Ason",
        ] {
            assert!(has_suffix(path), "{path}");
        }
        for path in [
            "/x",
            "/x.json/delete",
            "/x.JSON",
            "/.json",
            "/x;a=.json",
            "/",
            "",
        ] {
            assert!(!has_suffix(path), "{path}");
        }
    }

    #[test]
    fn a_path_with_too_many_segments_is_not_served() {
        let count = |path: &str| with_segments(path, |segments| Ok(segments.len()));
        assert_eq!(count(&"/x".repeat(SEGMENTS_MAX)), Ok(SEGMENTS_MAX));
        let path = "/x".repeat(SEGMENTS_MAX + 1);
        assert_eq!(count(&path), Err(RouteError::NoSuchPath));
        let bad = RouteError::BadSegment("an encoded slash");
        assert_eq!(count(&(path + "/%2F")), Err(bad));
    }
}
