//! The house stays as it is drawn: imports point down, and each library is named where it belongs.
//!
//! This reads the sources as text. A new floor, or a library that may be named in a new place, is a
//! change of the plan and belongs in the tables below.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// The floors from the ground up; those in one row do not import each other unless they are on the
/// ground. Every file of `src` belongs to one of them.
const FLOORS: [&[&str]; 13] = [
    &[
        "clock", "config", "entropy", "error", "guide", "logging", "property",
    ],
    &["domain"],
    &["storage"],
    &["tables"],
    &["audit"],
    &["app"],
    &["service"],
    &["jobs"],
    &["http"],
    &["server"],
    &["cli"],
    &["testing"],
    &["main", "lib"],
];

/// Where a library or a part of the standard one may be named, as path prefixes below `src`.
const HOMES: [(&str, &[&str]); 14] = [
    ("redb::", &["storage/engine/"]),
    ("rand::", &["entropy.rs"]),
    ("hyper::", &["http/", "server/"]),
    ("hyper_util::", &["server/"]),
    ("http_body_util::", &["http/"]),
    ("multer::", &["http/body.rs"]),
    ("form_urlencoded::", &["http/params"]),
    ("percent_encoding::", &["http/path.rs"]),
    ("clap::", &["config/", "cli/", "main.rs"]),
    ("tracing_subscriber::", &["logging.rs"]),
    (
        "std::fs",
        &[
            "clock/host.rs",
            "storage/data_dir.rs",
            "storage/data_dir/",
            "storage/pages/",
            "storage/key_file.rs",
            "storage/engine/",
            "cli/",
            "config/guide.rs",
        ],
    ),
    ("std::net", &["config/", "server/"]),
    ("tokio::net", &["server/", "cli/"]),
    ("SystemTime", &["clock/"]),
];

/// What the pure rules do without.
const IMPURE: [&str; 6] = [
    "tokio", "tracing", "Instant", "std::io", "std::env", "async fn",
];

struct Source {
    /// The path below `src`, or below the root, with forward slashes.
    path: String,
    text: String,
}

impl Source {
    /// The first part of the module's path: the floor or the file on the ground.
    fn module(&self) -> &str {
        let first = self.path.split('/').next().expect("a path has a part");
        first.strip_suffix(".rs").unwrap_or(first)
    }

    /// The lines of code, numbered from one; comments and documentation may name anything.
    fn code(&self) -> impl Iterator<Item = (usize, &str)> {
        self.text
            .lines()
            .enumerate()
            .map(|(index, line)| (index + 1, line))
            .filter(|(_, line)| !line.trim_start().starts_with("//"))
    }

    /// The code before the file's own tests.
    fn code_before_tests(&self) -> impl Iterator<Item = (usize, &str)> {
        self.code()
            .take_while(|(_, line)| line.trim() != "#[cfg(test)]")
    }
}

fn sources() -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut paths = Vec::new();
    collect(&root, &["rs"], &mut paths);
    assert!(paths.len() > 20, "the sources were not found");
    paths.into_iter().map(|path| read(&root, path)).collect()
}

/// The file at `path`, which is below `root`.
fn read(root: &Path, path: PathBuf) -> Source {
    let below = path
        .strip_prefix(root)
        .expect("it was found below the root");
    Source {
        text: fs::read_to_string(&path).expect("a source is readable"),
        path: below
            .to_str()
            .expect("sources have plain names")
            .replace('\\', "/"),
    }
}

fn collect(directory: &Path, extensions: &[&str], paths: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(directory).expect("a directory is readable") {
        let path = entry.expect("an entry is readable").path();
        if path.is_dir() {
            collect(&path, extensions, paths);
        } else if path
            .extension()
            .is_some_and(|extension| extensions.iter().any(|one| extension == *one))
        {
            paths.push(path);
        }
    }
}

fn floor(module: &str) -> usize {
    FLOORS
        .iter()
        .position(|floor| floor.contains(&module))
        .unwrap_or_else(|| panic!("module {module} is on no floor"))
}

/// The modules that a line names with `crate::`.
fn imports(line: &str) -> impl Iterator<Item = &str> {
    line.split("crate::").skip(1).filter_map(|rest| {
        let end = rest
            .find(|letter: char| !letter.is_alphanumeric() && letter != '_')
            .unwrap_or(rest.len());
        Some(&rest[..end]).filter(|name| !name.is_empty())
    })
}

fn report(faults: &[String]) {
    assert!(faults.is_empty(), "\n{}", faults.join("\n"));
}

#[test]
fn imports_point_down() {
    let mut faults = Vec::new();
    let mut seen = 0;
    for source in &sources() {
        let home = source.module();
        for (number, line) in source.code() {
            for import in imports(line) {
                seen += 1;
                let ground = floor(import) == 0;
                let below = floor(import) < floor(home);
                if !(below || ground && floor(home) == 0 || import == home) {
                    faults.push(format!("{}:{number} imports {import}", source.path));
                }
            }
        }
    }
    assert!(seen > 50, "imports were not found");
    report(&faults);
}

/// The parts of `storage` from the ground up; those in one row do not import each other.
const STORAGE_FLOORS: [&[&str]; 8] = [
    &["codec", "table"],
    &["engine", "pages"],
    &["cache", "opening", "pace", "snapshots"],
    &["transaction"],
    &["journal"],
    &["key_file"],
    &["writer", "data_dir"],
    &["mod"],
];

#[test]
fn the_storage_depends_on_no_resource_and_its_parts_point_down() {
    let part = |name: &str| {
        let floor = STORAGE_FLOORS
            .iter()
            .position(|floor| floor.contains(&name));
        floor.unwrap_or_else(|| panic!("storage/{name} is on no floor of the storage"))
    };
    let mut faults = Vec::new();
    for source in &sources() {
        let Some(path) = source.path.strip_prefix("storage/") else {
            continue;
        };
        let home = path.split('/').next().expect("a path has a part");
        let home = home.strip_suffix(".rs").unwrap_or(home);
        for (number, line) in source.code_before_tests() {
            let at = format!("{}:{number}", source.path);
            for import in imports(line) {
                if ["domain", "tables"].contains(&import) {
                    faults.push(format!("{at} imports {import}"));
                }
            }
            for rest in line.split("crate::storage::").skip(1) {
                let name = rest
                    .split([':', ';', '{', ','])
                    .next()
                    .expect("there is a first");
                let is_part = STORAGE_FLOORS.iter().any(|floor| floor.contains(&name));
                if is_part && name != home && part(name) >= part(home) {
                    faults.push(format!("{at} imports storage/{name}"));
                }
            }
        }
    }
    report(&faults);
}

/// The paths that `code` names with `crate::`, with those of a group one by one.
fn paths(code: &str) -> Vec<Vec<String>> {
    let mut paths = Vec::new();
    for rest in code.split("crate::").skip(1) {
        let mut path: Vec<String> = Vec::new();
        let mut rest = rest;
        loop {
            let end = rest.find(|letter: char| !letter.is_alphanumeric() && letter != '_');
            let (name, tail) = rest.split_at(end.unwrap_or(rest.len()));
            if let Some(group) = tail.strip_prefix('{').filter(|_| name.is_empty()) {
                let group = group.split('}').next().unwrap_or_default();
                for name in group.split(',') {
                    let parts = name.trim().split("::").map(str::to_owned);
                    paths.push(path.iter().cloned().chain(parts).collect());
                }
            }
            path.push(name.to_owned());
            match tail.strip_prefix("::") {
                Some(tail) => rest = tail,
                None => break,
            }
        }
        paths.push(path);
    }
    paths
}

#[test]
fn no_files_import_each_other_in_a_circle() {
    let sources = sources();
    // The facade and the root name everything, and tests may.
    let is_counted = |path: &str| {
        let is_test = ["tests", "properties", "property"];
        let names_all = ["testing.rs", "lib.rs"].contains(&path);
        let stem = path.strip_suffix(".rs").unwrap_or(path);
        !names_all && !stem.split('/').any(|part| is_test.contains(&part))
    };
    let counted: Vec<_> = sources
        .iter()
        .filter(|source| is_counted(&source.path))
        .collect();
    let find = |path: &[String]| {
        (1..=path.len()).rev().find_map(|length| {
            let path = path[..length].join("/");
            let files = [format!("{path}.rs"), format!("{path}/mod.rs")];
            counted
                .iter()
                .position(|source| files.contains(&source.path))
        })
    };
    let imports: Vec<Vec<usize>> = counted
        .iter()
        .map(|source| {
            let code: Vec<_> = source
                .code_before_tests()
                .map(|(_, line)| line.trim())
                .collect();
            let found = paths(&code.concat())
                .into_iter()
                .filter_map(|path| find(&path));
            found
                .filter(|&file| counted[file].path != source.path)
                .collect()
        })
        .collect();
    assert!(
        imports.iter().map(Vec::len).sum::<usize>() > 100,
        "imports were not found"
    );
    let mut faults = Vec::new();
    for (start, source) in counted.iter().enumerate() {
        let mut waiting: Vec<_> = imports[start].iter().map(|&file| (file, start)).collect();
        let mut seen = vec![false; counted.len()];
        while let Some((file, from)) = waiting.pop() {
            if file == start {
                let last = &counted[from].path;
                faults.push(format!(
                    "{} is imported in a circle, at last by {last}",
                    source.path
                ));
                break;
            }
            if !std::mem::replace(&mut seen[file], true) {
                waiting.extend(imports[file].iter().map(|&next| (next, file)));
            }
        }
    }
    report(&faults);
}

/// Words that this project used for things that have a name in the field, and what to say instead.
const OLD_WORDS: [(&str, &str); 33] = [
    ("Scene", "OpContext"),
    ("Trail", "AuditLog"),
    ("Told", "OpContext"),
    ("OfProfile", "ProfileRequest"),
    ("OfLogin", "LoginRequest"),
    ("creatable", "authorize_create"),
    ("rotatable", "authorize_rotate"),
    ("Standing", "ProfileStatus"),
    ("Edition", "CommitState"),
    ("Lingering", "SnapshotTracker"),
    ("Overlay", "RowCache"),
    ("overlay", "cache"),
    ("settle", "apply"),
    ("settles", "applies"),
    ("settled", "applied"),
    ("settling", "applying"),
    ("is_at_rest", "is_drained"),
    ("abandon", "close_after_failure"),
    ("Inbox", "CompletionQueue"),
    ("inbox", "queue"),
    ("Unread", "PendingRequest"),
    ("Misrouted", "RouteError"),
    ("Stopped", "CommandError"),
    ("first_start", "bootstrap"),
    ("upkeep", "jobs"),
    ("senseless", "invalid"),
    ("made up", "generated"),
    ("trying on", "retrying"),
    ("as good as none", "obsolete"),
    ("the house", "the crate"),
    ("ceiling", "baseline"),
    ("contest", "comparison"),
    ("SickDisk", "FaultyDisk"),
];

/// Everything that people read: the sources, the tests but this one, the README and the guide.
fn texts() -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut paths = vec![root.join("README.md")];
    collect(&root.join("src"), &["rs", "md"], &mut paths);
    collect(&root.join("tests"), &["rs"], &mut paths);
    let read = |path: PathBuf| read(root, path);
    let texts: Vec<_> = paths.into_iter().map(read).collect();
    assert!(texts.len() > 200, "the texts were not found");
    texts
}

#[test]
fn the_words_are_those_of_the_field() {
    let mut faults = Vec::new();
    for text in texts().iter().filter(|text| text.path != "tests/tidy.rs") {
        for (number, line) in text.text.lines().enumerate() {
            for (word, instead) in OLD_WORDS {
                let is_whole = |(at, _): (usize, &str)| {
                    let is_letter = |letter: char| letter.is_alphanumeric() || letter == '_';
                    !line[..at].ends_with(is_letter)
                        && !line[at + word.len()..].starts_with(is_letter)
                };
                if line.match_indices(word).any(is_whole) {
                    let at = format!("{}:{}", text.path, number + 1);
                    faults.push(format!("{at} says {word}: say {instead}"));
                }
            }
        }
    }
    report(&faults);
}

#[test]
fn libraries_are_named_where_they_belong() {
    let mut faults = Vec::new();
    for (name, homes) in HOMES {
        let mut found = false;
        for source in &sources() {
            for (number, line) in source.code() {
                let at_home = homes.iter().any(|home| source.path.starts_with(home));
                let names = names(line, name);
                found |= names;
                if names && !at_home {
                    faults.push(format!("{}:{number} names {name}", source.path));
                }
            }
        }
        if !found {
            faults.push(format!("{name} is named nowhere: take it out of the table"));
        }
    }
    report(&faults);
}

/// Whether `line` has `name` with no letter before it that would make it another name.
fn names(line: &str, name: &str) -> bool {
    line.match_indices(name).any(|(at, _)| {
        !line[..at].ends_with(|letter: char| letter.is_alphanumeric() || letter == '_')
    })
}

#[test]
fn the_domain_is_pure() {
    let mut faults = Vec::new();
    for source in sources()
        .iter()
        .filter(|source| source.module() == "domain")
    {
        for (number, line) in source.code() {
            for impure in IMPURE.into_iter().filter(|impure| names(line, impure)) {
                faults.push(format!("{}:{number} names {impure}", source.path));
            }
        }
    }
    report(&faults);
}

#[test]
fn the_code_keeps_its_manners() {
    let mut faults = Vec::new();
    for source in &sources() {
        for (number, line) in source.code_before_tests() {
            let at = format!("{}:{number}", source.path);
            if line.contains(".unwrap()") {
                faults.push(format!("{at} unwraps"));
            }
            // The tests' one path to the inside.
            let is_facade = source.path == "testing.rs";
            if line.trim_start().starts_with("pub use ") && !is_facade {
                faults.push(format!("{at} re-exports"));
            }
            if line.trim_start().starts_with("use ") && line.contains('*') {
                faults.push(format!("{at} imports everything"));
            }
        }
    }
    report(&faults);
}

/// The resources, and on which floors each has a file or a folder of its name. `tests` is `tests/api`.
const RESOURCES: [(&str, &[&str]); 5] = [
    ("access_token", &["domain", "tables"]),
    ("health", &["http"]),
    (
        "persistent_login",
        &["domain", "tables", "service", "http", "jobs", "tests"],
    ),
    ("profile", &["domain", "tables", "service", "http"]),
    ("tenant", &["domain", "tables"]),
];

/// What a floor has beside resources: what they share.
const SHARED: [(&str, &[&str]); 5] = [
    (
        "domain",
        &[
            "device",
            "key_ring",
            "login_state",
            "mod",
            "object_id",
            "password",
            "token_chain",
        ],
    ),
    (
        "tables",
        &[
            "check",
            "clock",
            "expiry_index",
            "meta",
            "mod",
            "properties",
            "salvage",
            "secret_key",
            "upgrade",
        ],
    ),
    (
        "service",
        &[
            "access",
            "bootstrap",
            "caller",
            "context",
            "error",
            "mod",
            "transaction",
        ],
    ),
    ("jobs", &["batches", "clock", "job", "mod"]),
    (
        "http",
        &[
            "accept",
            "body",
            "caller",
            "connection",
            "error",
            "media_type",
            "method",
            "mod",
            "panic",
            "params",
            "path",
            "request_log",
            "resource",
            "response",
            "router",
        ],
    ),
];

#[test]
fn each_resource_has_the_same_name_on_every_floor() {
    let mut faults = Vec::new();
    let sources = sources();
    for (floor, shared) in SHARED {
        let below = |source: &Source| {
            let rest = source.path.strip_prefix(floor)?.strip_prefix('/')?;
            let name = rest.split('/').next().expect("a path has a part");
            Some(name.strip_suffix(".rs").unwrap_or(name).to_owned())
        };
        let found: BTreeSet<_> = sources.iter().filter_map(below).collect();
        let resources = RESOURCES
            .iter()
            .filter(|(_, floors)| floors.contains(&floor));
        let resources = resources.map(|(name, _)| *name);
        let expected: BTreeSet<_> = resources.chain(shared.iter().copied()).collect();
        for name in &expected {
            if !found.contains(*name) {
                faults.push(format!("{floor}/{name} is missing"));
            }
        }
        for name in &found {
            if !expected.contains(name.as_str()) {
                let resource = "neither a resource nor in the table of what they share";
                faults.push(format!("{floor}/{name} is {resource}"));
            }
        }
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    for (name, floors) in RESOURCES {
        let is_tested = root.join("tests/api").join(name).is_dir();
        if is_tested != floors.contains(&"tests") {
            faults.push(format!("tests/api/{name}: the table says otherwise"));
        }
    }
    report(&faults);
}

#[test]
fn modules_are_private_unless_they_are_used_outside() {
    let sources = sources();
    let mut faults = Vec::new();
    let mut seen = 0;
    for source in &sources {
        let Some(folder) = source.path.strip_suffix("/mod.rs") else {
            continue;
        };
        for (_, line) in source.code_before_tests() {
            let Some(name) = line.strip_prefix("pub mod ") else {
                continue;
            };
            seen += 1;
            let module = format!("{folder}/{}", name.trim_end_matches(';'));
            let is_used = |other: &Source| {
                let is_inside = other.path.starts_with(&format!("{folder}/"));
                let code: Vec<_> = other.code().map(|(_, line)| line.trim()).collect();
                !is_inside
                    && paths(&code.concat()).iter().any(|path| {
                        format!("{}/", path.join("/")).starts_with(&format!("{module}/"))
                    })
            };
            if !sources.iter().any(is_used) {
                faults.push(format!(
                    "{module} is used in {folder} alone: make it private"
                ));
            }
        }
    }
    assert!(seen > 20, "modules were not found");
    report(&faults);
}
