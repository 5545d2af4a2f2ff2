//! A resource has the same name on every floor.

use std::collections::BTreeSet;
use std::path::Path;

use crate::source::{Source, report, sources};

/// The resources, and on which floors each has a file or a folder of its name. `tests` is `tests/api`.
const RESOURCES: [(&str, &[&str]); 17] = [
    (
        "access_token",
        &["domain", "tables", "service", "http", "tests"],
    ),
    ("admin", &["service", "http", "tests"]),
    (
        "attachment",
        &["domain", "tables", "service", "http", "jobs", "tests"],
    ),
    ("authentication", &["service", "http", "tests"]),
    ("backup", &["tables", "service", "jobs", "tests"]),
    ("description", &["http", "tests"]),
    ("health", &["http"]),
    ("mail", &["domain", "service", "jobs", "tests"]),
    ("mail_outbox", &["tables"]),
    ("metrics", &["http", "tests"]),
    ("monitoring", &["http", "tests"]),
    (
        "persistent_login",
        &["domain", "tables", "service", "http", "jobs", "tests"],
    ),
    ("profile", &["domain", "tables", "service", "http", "tests"]),
    ("sign_in", &["domain", "tables"]),
    (
        "tenant",
        &["domain", "tables", "service", "http", "jobs", "tests"],
    ),
    (
        "ticket",
        &["domain", "tables", "service", "http", "jobs", "tests"],
    ),
    (
        "verification_token",
        &["domain", "tables", "service", "http", "jobs", "tests"],
    ),
];

/// What a floor has beside resources: what they share.
const SHARED: [(&str, &[&str]); 5] = [
    (
        "domain",
        &[
            "attribute_access",
            "attributes",
            "cleansing",
            "device",
            "email",
            "given_attributes",
            "json_text",
            "key_ring",
            "login_state",
            "management_token",
            "mod",
            "object_id",
            "password",
            "profile_filter",
            "profile_order",
            "projection",
            "query",
            "sort_order",
            "sweep",
            "token_chain",
        ],
    ),
    (
        "tables",
        &[
            "check",
            "clock",
            "ended",
            "ended_tenants",
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
            "end_access",
            "error",
            "export",
            "import",
            "lazy_list",
            "list_room",
            "mod",
            "password",
            "request_scope",
            "steps",
            "transaction",
        ],
    ),
    (
        "jobs",
        &["batches", "clock", "job", "mod", "space", "summaries"],
    ),
    (
        "http",
        &[
            "accept",
            "allow",
            "body",
            "caller",
            "client",
            "connection",
            "error",
            "json_list",
            "known_params",
            "media_type",
            "method",
            "mod",
            "options",
            "panic",
            "params",
            "path",
            "protocol",
            "quote",
            "request_log",
            "resource",
            "response",
            "response_body",
            "router",
            "throttle",
            "turn",
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
