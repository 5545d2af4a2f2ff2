//! The description has the routes of the server, and no others.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use super::calls;
use crate::support::fixture::{ADMIN, LOGIN};
use crate::support::server::Server;

/// The list of resources.
const ROUTER: &str = include_str!("../../../src/http/router.rs");

/// A method and a path.
pub type Endpoint = (String, String);

/// The endpoints that the routes of the resources say they are, each variant in its comment: their methods, and the
/// path below the one that the comment of the `enum` names.
pub fn endpoints() -> BTreeSet<Endpoint> {
    let mut endpoints = BTreeSet::new();
    let (mut files, mut files_with_routes) = (Vec::new(), 0);
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/http");
    collect(&root, &mut files);
    for file in files {
        let text = fs::read_to_string(&file).expect("a source is readable");
        // What the local socket alone serves is described nowhere.
        if text.contains("const IS_LOCAL: bool = true;") {
            continue;
        }
        if let Some((comment, variants)) = text.split_once("Route {\n    /// ")
            && comment
                .lines()
                .last()
                .is_some_and(|line| line.starts_with("pub enum"))
            && let Some((comment, _)) = comment.rsplit_once("\n#[derive")
            && let Some(comment) = comment.rsplit("\n\n").next()
        {
            let paths = comment.split('`').filter(|part| part.starts_with('/'));
            // What comes after the slashes of a comment is no path.
            let mut paths = paths.filter(|part| !part.starts_with("//"));
            let prefix = paths.next();
            let prefix = prefix.unwrap_or_else(|| panic!("{}: no prefix", file.display()));
            add(&mut endpoints, prefix, variants, &file);
            files_with_routes += 1;
        }
    }
    let resources = ROUTER.lines().filter(|line| line.starts_with("    [\""));
    let resources = resources.filter(|line| !line.starts_with("    [\"admin\""));
    let resources = resources.count();
    assert_eq!(files_with_routes, resources, "not all routes were found");
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

/// Adds the endpoints of an `enum` of routes, of which this is the text from its first comment on.
fn add(endpoints: &mut BTreeSet<Endpoint>, prefix: &str, text: &str, file: &Path) {
    let (variants, _) = text.split_once("\n}").expect("the enum ends");
    let mut comment: Option<&str> = None;
    for line in format!("/// {variants}").lines().map(str::trim) {
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
