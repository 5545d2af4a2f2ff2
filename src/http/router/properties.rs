//! Properties of the router on arbitrary paths.

use hyper::Method;
use proptest::prelude::{Strategy, any};
use proptest::prop_oneof;
use proptest::sample::select;

use super::Route;
use crate::http::error::RouteError;
use crate::http::path::without_context;
use crate::http::persistent_login::route::PersistentLoginRoute;
use crate::property::{assert_holds, assert_linear};

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
