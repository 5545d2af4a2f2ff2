//! The description has the routes of the server, and no others.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use super::calls;
use crate::support::fixture::{ADMIN, LOGIN};
use crate::support::server::Server;

/// A method and a path.
pub type Endpoint = (String, String);

/// The endpoints that the routes of the resources say they are, each variant in its comment: their methods, and the
/// path below the one that the comment of the `enum` names.
pub fn endpoints() -> BTreeSet<Endpoint> {
    let mut endpoints = BTreeSet::new();
    let mut files = Vec::new();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/http");
    collect(&root, &mut files);
    for file in files {
        let text = fs::read_to_string(&file).expect("a source is readable");
        if let Some((_, rest)) = text.split_once("/// The routes under `") {
            add(&mut endpoints, rest, &file);
        }
    }
    assert!(endpoints.len() > 40, "the routes were not found");
    endpoints
}

fn collect(directory: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(directory).expect("a directory is readable") {
        let path = entry.expect("an entry is readable").path();
        if path.is_dir() {
            collect(&path, files);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
}

/// Adds the endpoints of an `enum` of routes, from its prefix on.
fn add(endpoints: &mut BTreeSet<Endpoint>, text: &str, file: &Path) {
    let (prefix, rest) = text.split_once('`').expect("the prefix ends");
    let (_, rest) = rest.split_once("Route {\n").expect("it is of an enum");
    let (variants, _) = rest.split_once("\n}").expect("the enum ends");
    let mut comment: Option<&str> = None;
    for line in variants.lines().map(str::trim) {
        if let Some(text) = line.strip_prefix("/// ") {
            comment = comment.or(Some(text));
            continue;
        }
        let comment = comment.take();
        let comment =
            comment.unwrap_or_else(|| panic!("{}: {line} has no comment", file.display()));
        let (methods, path) = match comment.split_once(" `") {
            Some((methods, rest)) => (methods, rest.split_once('`').map(|(path, _)| path)),
            None => (comment, None),
        };
        for method in methods.split(" or ") {
            assert!(
                ["GET", "POST"].contains(&method),
                "{}: the comment of {line} does not begin with its method and its path",
                file.display()
            );
            let path = path.map_or_else(|| prefix.to_owned(), |path| format!("{prefix}/{path}"));
            assert!(
                endpoints.insert((method.to_owned(), path.clone())),
                "{}: {method} {path} is there twice",
                file.display()
            );
        }
    }
}

#[test]
fn every_route_is_described_and_nothing_else() {
    let described = calls().into_iter().map(|call| (call.method, call.path));
    let described: BTreeSet<Endpoint> = described.collect();
    let routes = endpoints();
    let missing: Vec<_> = routes.difference(&described).collect();
    let unknown: Vec<_> = described.difference(&routes).collect();
    assert!(
        missing.is_empty() && unknown.is_empty(),
        "not in src/http/description/openapi.json: {missing:#?}; only there: {unknown:#?}"
    );
}

#[test]
fn the_server_has_each_method_that_is_described() {
    let server = Server::start();
    let bearer = format!("Bearer {ADMIN}");
    let headers = [("authorization", bearer.as_str())];
    for call in calls() {
        let path = call.path.replace("{id}", LOGIN).replace("{name}", "x");
        assert!(!path.contains('{'), "{path}: a parameter is not known here");
        for context in ["", "/crafter-profile"] {
            let target = format!("{context}{path}");
            let response = server.client().send("OPTIONS", &target, &headers, None);
            response.assert_empty();
            let allow = response.header("allow");
            let mut methods = allow.split(',');
            assert!(
                methods.any(|method| method == call.method),
                "{path}: {allow}"
            );
        }
    }
}

#[test]
fn each_call_has_an_id_of_its_own() {
    let calls = calls();
    let ids: BTreeSet<_> = calls.iter().map(super::Call::id).collect();
    assert_eq!(ids.len(), calls.len());
}
