//! Properties of the router on arbitrary paths.

use hyper::Method;
use proptest::prelude::{Strategy, any};
use proptest::prop_oneof;
use proptest::sample::select;

use super::Route;
use crate::http::error::RouteError;
use crate::http::path::{has_suffix, with_segments, without_context};
use crate::http::persistent_login::route::PersistentLoginRoute;
use crate::property::{assert_holds, assert_holds_on_corpus, assert_linear};

const CONTEXT: &str = "/crafter-profile";

const LOGINS: &str = "/api/1/authentication/persistent_login/";

const METHODS: [Method; 5] = [
    Method::GET,
    Method::HEAD,
    Method::POST,
    Method::PUT,
    Method::OPTIONS,
];
const PIECES: [&str; 24] = [
    "/",
    "//",
    ";",
    "=",
    "%",
    "%2F",
    "%2f",
    "%FF",
    "%C3%A9",
    "%00",
    "%3B",
    ".json",
    ".",
    "..",
    "api/1",
    LOGINS,
    CONTEXT,
    "create",
    "by_profile",
    "delete",
    "refresh_token",
    "x",
    "é",
    "\u{0}",
];

fn paths() -> impl Strategy<Value = String> {
    let concatenated =
        || proptest::collection::vec(select(PIECES.to_vec()), 0..12).prop_map(|list| list.concat());
    prop_oneof![
        any::<String>(),
        concatenated(),
        concatenated().prop_map(|rest| format!("{LOGINS}{rest}")),
    ]
}

fn id(route: &Route) -> Option<&str> {
    match route {
        Route::PersistentLogin(
            PersistentLoginRoute::Read(id)
            | PersistentLoginRoute::Refresh(id)
            | PersistentLoginRoute::Delete(id),
        ) => Some(id),
        _ => None,
    }
}

/// The segments of `path` as the wire contract says, read one byte after another. `None` if one may not be served.
fn segments(path: &str) -> Option<Vec<String>> {
    let mut segments = vec![Vec::new()];
    let mut is_matrix = false;
    let mut bytes = path.bytes();
    while let Some(byte) = bytes.next() {
        let segment = segments.last_mut().expect("there is one");
        match byte {
            b'/' => {
                segments.push(Vec::new());
                is_matrix = false;
            }
            b';' => is_matrix = true,
            _ if is_matrix => {}
            b'%' => {
                let mut digit = || char::from(bytes.next()?).to_digit(16);
                let decoded = u8::try_from(digit()? * 16 + digit()?).expect("it has two digits");
                if b"\0/\\".contains(&decoded) {
                    return None;
                }
                segment.push(decoded);
            }
            other => segment.push(other),
        }
    }
    segments.retain(|segment| !segment.is_empty());
    let texts = segments
        .iter()
        .map(|segment| String::from_utf8_lossy(segment));
    let mut texts: Vec<_> = texts.map(String::from).collect();
    if let Some(last) = texts.last_mut()
        && let Some(named) = last.strip_suffix(".json")
        && !named.is_empty()
    {
        *last = named.to_owned();
    }
    Some(texts)
}

#[test]
fn a_path_of_the_corpus_is_what_the_contract_says() {
    assert_holds_on_corpus("path", |path| {
        let path = String::from_utf8_lossy(path);
        let decoded = with_segments(&path, |segments| {
            Ok(segments
                .iter()
                .map(|segment| (*segment).to_owned())
                .collect())
        });
        match decoded {
            Ok(decoded) => assert_eq!(segments(&path), Some(decoded)),
            Err(RouteError::NoSuchPath) => {
                assert!(segments(&path).is_some_and(|segments| segments.len() > 8));
            }
            Err(RouteError::BadSegment(_)) => assert_eq!(segments(&path), None),
            Err(other) => panic!("{other:?}"),
        }
        let ends_a_segment = path.ends_with('/') || path.contains(';') || path.is_empty();
        for method in METHODS {
            let route = Route::parse(&method, &path);
            assert_eq!(Route::parse(&method, &path.replace('/', "//")), route);
            assert_eq!(Route::parse(&method, &path.replace('/', ";a=b/")), route);
            assert_eq!(Route::parse(&method, &format!("{path}/")), route);
            if !ends_a_segment && !has_suffix(&path) && segments(&path).is_some() {
                assert_eq!(Route::parse(&method, &format!("{path}.json")), route);
            }
        }
    });
}

#[test]
fn an_id_is_one_segment() {
    assert_holds((select(METHODS.to_vec()), paths()), |(method, path)| {
        if let Ok(route) = Route::parse(&method, &path) {
            assert!(id(&route).is_none_or(|id| !id.is_empty() && !id.contains('/')));
        }
    });
}

#[test]
fn the_allowed_methods_are_the_ones_that_have_a_route() {
    assert_holds((select(METHODS.to_vec()), paths()), |(method, path)| {
        if let Err(RouteError::NoSuchMethod { allow }) = Route::parse(&method, &path) {
            let header = allow.header();
            let allow = header.to_str().expect("names of methods");
            let mut allowed = allow.split(',');
            assert!(!allow.contains(method.as_str()));
            assert!(allowed.all(|name| {
                let method = Method::from_bytes(name.as_bytes()).expect("a method");
                Route::parse(&method, &path).is_ok()
            }));
        }
    });
}

#[test]
fn repeated_slashes_and_matrix_parameters_are_ignored() {
    assert_holds(paths(), |path| {
        let plain = Route::parse(&Method::GET, &path);
        assert_eq!(Route::parse(&Method::HEAD, &path), plain);
        assert_eq!(Route::parse(&Method::GET, &path.replace('/', "//")), plain);
        assert_eq!(
            Route::parse(&Method::GET, &path.replace('/', ";a=%2F;b/")),
            plain
        );
        assert_eq!(Route::parse(&Method::GET, &format!("{path};a=b/")), plain);
    });
}

#[test]
fn a_path_is_the_same_with_and_without_the_context() {
    assert_holds(paths(), |path| {
        assert!(path.ends_with(without_context(&path, CONTEXT)));
        assert_eq!(without_context(&path, ""), path);
        let bare = format!("/{path}");
        assert_eq!(without_context(&format!("{CONTEXT}{bare}"), CONTEXT), bare);
    });
}

#[test]
fn the_time_for_paths_is_linear() {
    for piece in PIECES.into_iter().chain(["long", "a/", "a;", "%2", "%%41"]) {
        for start in ["/", LOGINS, "/crafter-profile"] {
            let path = |size: usize| format!("{start}{}", piece.repeat(size / piece.len()));
            assert_linear(piece, 4_096, path, |path| {
                let _ = Route::parse(&Method::GET, without_context(path, CONTEXT));
            });
        }
    }
}
