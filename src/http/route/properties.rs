//! The request parser on paths that nobody means.

use hyper::Method;
use proptest::prelude::{Strategy, any};
use proptest::prop_oneof;
use proptest::sample::select;

use super::{Misrouted, PersistentLoginRoute, Route, parse, without_context};
use crate::property::{holds, is_linear};

const CONTEXT: &str = "/crafter-profile";

const LOGINS: &str = "/api/1/authentication/persistent_login/";

/// Methods, and what paths are made of.
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
    let made_of_pieces =
        || proptest::collection::vec(select(PIECES.to_vec()), 0..12).prop_map(|list| list.concat());
    prop_oneof![
        any::<String>(),
        made_of_pieces(),
        made_of_pieces().prop_map(|rest| format!("{LOGINS}{rest}")),
    ]
}

fn id(route: &Route) -> Option<&str> {
    match route {
        Route::PersistentLogin(
            PersistentLoginRoute::Read(id)
            | PersistentLoginRoute::Refresh(id)
            | PersistentLoginRoute::Delete(id),
        ) => Some(id),
        Route::PersistentLogin(
            PersistentLoginRoute::Create
            | PersistentLoginRoute::ListByProfile
            | PersistentLoginRoute::DeleteByProfile,
        )
        | Route::Live
        | Route::Ready => None,
    }
}

#[test]
fn an_id_is_one_segment() {
    holds((select(METHODS.to_vec()), paths()), |(method, path)| {
        if let Ok(route) = parse(&method, &path) {
            assert!(id(&route).is_none_or(|id| !id.is_empty() && !id.contains('/')));
        }
    });
}

#[test]
fn every_answer_to_a_method_that_is_not_there_is_kept() {
    holds((select(METHODS.to_vec()), paths()), |(method, path)| {
        if let Err(Misrouted::NoSuchMethod { allow }) = parse(&method, &path) {
            let mut allowed = allow.split(", ");
            assert!(!allow.contains(method.as_str()));
            assert!(allowed.all(|name| {
                let method = Method::from_bytes(name.as_bytes()).expect("a method");
                parse(&method, &path).is_ok()
            }));
        }
    });
}

#[test]
fn slashes_and_matrix_parameters_do_not_count() {
    holds(paths(), |path| {
        let plain = parse(&Method::GET, &path);
        assert_eq!(parse(&Method::HEAD, &path), plain);
        assert_eq!(parse(&Method::GET, &path.replace('/', "//")), plain);
        assert_eq!(parse(&Method::GET, &path.replace('/', ";a=%2F;b/")), plain);
        assert_eq!(parse(&Method::GET, &format!("{path};a=b/")), plain);
    });
}

#[test]
fn what_is_under_the_context_is_what_is_bare() {
    holds(paths(), |path| {
        assert!(path.ends_with(without_context(&path, CONTEXT)));
        assert_eq!(without_context(&path, ""), path);
        let bare = format!("/{path}");
        assert_eq!(without_context(&format!("{CONTEXT}{bare}"), CONTEXT), bare);
    });
}

#[test]
fn long_paths_take_their_share_of_time() {
    for piece in PIECES.into_iter().chain(["long", "a/", "a;", "%2", "%%41"]) {
        for start in ["/", LOGINS, "/crafter-profile"] {
            let path = |size: usize| format!("{start}{}", piece.repeat(size / piece.len()));
            is_linear(piece, 4_096, path, |path| {
                let _ = parse(&Method::GET, without_context(path, CONTEXT));
            });
        }
    }
}
