//! From a method and a path to a [`Route`]: a pure function.
//!
//! The rules are those of the wire contract ("General"): a final `.json`, matrix parameters, a
//! trailing slash and doubled slashes do not count; segments are percent-decoded as UTF-8; paths are
//! case-sensitive; a known path with another method tells which methods it has.

use std::borrow::Cow;

use hyper::Method;
use percent_encoding::percent_decode_str;

/// What a request asks for. Ids are the caller's text, not parsed yet.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Route {
    /// GET `health/live`
    Live,
    /// GET `health/ready`
    Ready,
    /// Under `api/1/authentication/persistent_login`
    PersistentLogin(PersistentLoginRoute),
}

/// What is served under `persistent_login`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum PersistentLoginRoute {
    /// POST `create`
    Create,
    /// GET `{id}`
    Read(String),
    /// POST `{id}/refresh_token`
    Refresh(String),
    /// POST `{id}/delete`
    Delete(String),
    /// GET `by_profile`
    ListByProfile,
    /// POST `delete_by_profile`
    DeleteByProfile,
}

impl Route {
    /// The route's name in the log.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Live => "health/live",
            Self::Ready => "health/ready",
            Self::PersistentLogin(PersistentLoginRoute::Create) => "persistent_login/create",
            Self::PersistentLogin(PersistentLoginRoute::Read(_)) => "persistent_login/read",
            Self::PersistentLogin(PersistentLoginRoute::Refresh(_)) => {
                "persistent_login/refresh_token"
            }
            Self::PersistentLogin(PersistentLoginRoute::Delete(_)) => "persistent_login/delete",
            Self::PersistentLogin(PersistentLoginRoute::ListByProfile) => {
                "persistent_login/by_profile"
            }
            Self::PersistentLogin(PersistentLoginRoute::DeleteByProfile) => {
                "persistent_login/delete_by_profile"
            }
        }
    }
}

/// Why a request has no route.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Misrouted {
    /// Nothing is served at this path.
    NoSuchPath,
    /// The path is served, and only with the methods of `allow`.
    NoSuchMethod {
        /// The value of the `Allow` header.
        allow: &'static str,
    },
    /// A segment of the path holds an encoded slash.
    EncodedSlash,
}

/// How many segments the longest path has that is served.
const SEGMENTS_MAX: usize = 6;

/// The part of `path` below `context` (which is empty or begins with a slash), or `path` as it is:
/// everything is served under the context path and bare.
pub fn without_context<'p>(path: &'p str, context: &str) -> &'p str {
    let context = context.trim_start_matches('/');
    match path.trim_start_matches('/').strip_prefix(context) {
        Some(rest) if !context.is_empty() && rest.starts_with(['/', ';']) => rest,
        _ => path,
    }
}

/// The route of a request with this method and path (without context and query).
///
/// # Errors
///
/// Why there is none.
pub fn parse(method: &Method, path: &str) -> Result<Route, Misrouted> {
    let mut segments = [const { Cow::Borrowed("") }; SEGMENTS_MAX];
    let count = split(path, &mut segments)?;
    let segments = segments.each_ref().map(AsRef::as_ref);
    match segments.get(..count).unwrap_or_default() {
        ["api", "1", "authentication", "persistent_login", rest @ ..] => {
            persistent_login(method, rest).map(Route::PersistentLogin)
        }
        ["health", "live"] => readable(method, || Route::Live),
        ["health", "ready"] => readable(method, || Route::Ready),
        _ => Err(Misrouted::NoSuchPath),
    }
}

fn persistent_login(method: &Method, rest: &[&str]) -> Result<PersistentLoginRoute, Misrouted> {
    match (rest, method) {
        (["create"], &Method::POST) => Ok(PersistentLoginRoute::Create),
        (["delete_by_profile"], &Method::POST) => Ok(PersistentLoginRoute::DeleteByProfile),
        // With GET these are look-ups of an id, as everything else is.
        ([word @ ("create" | "delete_by_profile")], &Method::GET | &Method::HEAD) => {
            Ok(PersistentLoginRoute::Read((*word).to_owned()))
        }
        (["create" | "delete_by_profile"], _) => Err(Misrouted::NoSuchMethod {
            allow: "GET, HEAD, POST",
        }),
        (["by_profile"], _) => readable(method, || PersistentLoginRoute::ListByProfile),
        ([id], _) => readable(method, || PersistentLoginRoute::Read((*id).to_owned())),
        ([id, "refresh_token"], _) => {
            writable(method, || PersistentLoginRoute::Refresh((*id).to_owned()))
        }
        ([id, "delete"], _) => writable(method, || PersistentLoginRoute::Delete((*id).to_owned())),
        _ => Err(Misrouted::NoSuchPath),
    }
}

fn readable<R>(method: &Method, route: impl FnOnce() -> R) -> Result<R, Misrouted> {
    match *method {
        Method::GET | Method::HEAD => Ok(route()),
        _ => Err(Misrouted::NoSuchMethod { allow: "GET, HEAD" }),
    }
}

fn writable<R>(method: &Method, route: impl FnOnce() -> R) -> Result<R, Misrouted> {
    match *method {
        Method::POST => Ok(route()),
        _ => Err(Misrouted::NoSuchMethod { allow: "POST" }),
    }
}

/// Puts the segments of `path` into `segments`, and tells how many there are, also if it is more than
/// have room there.
fn split<'p>(
    path: &'p str,
    segments: &mut [Cow<'p, str>; SEGMENTS_MAX],
) -> Result<usize, Misrouted> {
    // Most paths are plain.
    let (has_matrices, is_encoded) = (path.contains(';'), path.contains('%'));
    let mut count = 0;
    for raw in path.split('/') {
        let matrix = has_matrices.then(|| raw.split_once(';')).flatten();
        let (plain, _matrix) = matrix.unwrap_or((raw, ""));
        if plain.is_empty() {
            continue;
        }
        let segment = if is_encoded {
            percent_decode_str(plain).decode_utf8_lossy()
        } else {
            Cow::Borrowed(plain)
        };
        if is_encoded && segment.contains('/') {
            return Err(Misrouted::EncodedSlash);
        }
        if let Some(place) = segments.get_mut(count) {
            *place = segment;
        }
        count += 1;
    }
    if let Some(last) = segments.get_mut(..count).and_then(<[_]>::last_mut) {
        strip_suffix(last);
    }
    Ok(count)
}

/// Takes the `.json` off, unless nothing else is there.
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
mod properties;

#[cfg(test)]
mod tests {
    use super::*;

    const LOGINS: &str = "/api/1/authentication/persistent_login";

    fn read(id: &str) -> Result<Route, Misrouted> {
        Ok(Route::PersistentLogin(PersistentLoginRoute::Read(
            id.to_owned(),
        )))
    }

    #[test]
    fn routes() {
        let create = || Ok(Route::PersistentLogin(PersistentLoginRoute::Create));
        let list = || Ok(Route::PersistentLogin(PersistentLoginRoute::ListByProfile));
        let delete_all = || {
            Ok(Route::PersistentLogin(
                PersistentLoginRoute::DeleteByProfile,
            ))
        };
        let refresh = |id: &str| {
            let route = PersistentLoginRoute::Refresh(id.to_owned());
            Ok(Route::PersistentLogin(route))
        };
        let delete = |id: &str| {
            let route = PersistentLoginRoute::Delete(id.to_owned());
            Ok(Route::PersistentLogin(route))
        };
        let allow = |allow| Err(Misrouted::NoSuchMethod { allow });
        let table = [
            ("POST", "/create", create()),
            ("POST", "/create.json", create()),
            ("GET", "/create", read("create")),
            ("HEAD", "/create.json", read("create")),
            ("PUT", "/create", allow("GET, HEAD, POST")),
            ("GET", "/by_profile", list()),
            ("HEAD", "/by_profile.json", list()),
            ("POST", "/by_profile", allow("GET, HEAD")),
            ("POST", "/delete_by_profile", delete_all()),
            ("POST", "/delete_by_profile.json", delete_all()),
            ("GET", "/delete_by_profile", read("delete_by_profile")),
            ("DELETE", "/delete_by_profile", allow("GET, HEAD, POST")),
            ("GET", "/x", read("x")),
            ("HEAD", "/x", read("x")),
            ("POST", "/x", allow("GET, HEAD")),
            ("OPTIONS", "/x", allow("GET, HEAD")),
            ("POST", "/x/refresh_token", refresh("x")),
            ("POST", "/x/refresh_token.json", refresh("x")),
            ("GET", "/x/refresh_token", allow("POST")),
            ("get", "/x/refresh_token", allow("POST")),
            ("POST", "/x/delete", delete("x")),
            ("DELETE", "/x/delete", allow("POST")),
            ("POST", "/create/delete", delete("create")),
            ("POST", "/x/Delete", Err(Misrouted::NoSuchPath)),
            ("POST", "/x/delete/now", Err(Misrouted::NoSuchPath)),
            ("GET", "", Err(Misrouted::NoSuchPath)),
            // Suffix: only a final `.json`, and only one.
            ("GET", "/x.json", read("x")),
            ("GET", "/x.json.json", read("x.json")),
            ("GET", "/acme.com", read("acme.com")),
            ("POST", "/x.json/delete", delete("x.json")),
            ("GET", "/x.JSON", read("x.JSON")),
            // Slashes.
            ("GET", "//x/", read("x")),
            ("POST", "/x//delete.json/", delete("x")),
            // Matrix parameters.
            ("GET", "/x;jsessionid=1", read("x")),
            ("GET", "/x.json;a=b;c=d", read("x")),
            ("POST", "/x;a=b/delete;c", delete("x")),
            // Percent-encoding.
            ("GET", "/%C3%A9", read("é")),
            ("GET", "/%FF", read("\u{FFFD}")),
            ("GET", "/a%3Bb", read("a;b")),
            ("GET", "/a%", read("a%")),
            ("GET", "/%63reate", read("create")),
            ("GET", "/a%2Fb", Err(Misrouted::EncodedSlash)),
            ("POST", "/a%2fb/delete", Err(Misrouted::EncodedSlash)),
        ];
        for (method, path, expected) in table {
            let method = Method::from_bytes(method.as_bytes()).expect("a method");
            let found = parse(&method, &format!("{LOGINS}{path}"));
            assert_eq!(found, expected, "{method} {path}");
        }
    }

    #[test]
    fn other_paths() {
        let table = [
            ("GET", "/health/live", Ok(Route::Live)),
            ("HEAD", "/health/ready/", Ok(Route::Ready)),
            (
                "POST",
                "/health/ready",
                Err(Misrouted::NoSuchMethod { allow: "GET, HEAD" }),
            ),
            ("GET", "", Err(Misrouted::NoSuchPath)),
            ("GET", "/", Err(Misrouted::NoSuchPath)),
            ("GET", "*", Err(Misrouted::NoSuchPath)),
            ("GET", "/.json", Err(Misrouted::NoSuchPath)),
            (
                "GET",
                "/API/1/authentication/persistent_login/x",
                Err(Misrouted::NoSuchPath),
            ),
            (
                "GET",
                "/api/2/authentication/persistent_login/x",
                Err(Misrouted::NoSuchPath),
            ),
        ];
        for (method, path, expected) in table {
            let method = Method::from_bytes(method.as_bytes()).expect("a method");
            assert_eq!(parse(&method, path), expected, "{method} {path}");
        }
    }

    #[test]
    fn the_context_path_may_be_there_or_not() {
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
}
