//! Each library is named where it belongs.

use crate::source::{names, report, sources};

/// Where a library or a part of the standard one may be named, as path prefixes below `src`.
const HOMES: [(&str, &[&str]); 18] = [
    ("redb::", &["storage/engine/"]),
    ("rand::", &["entropy.rs"]),
    ("hyper::", &["http/", "server/", "cli/local/"]),
    ("hyper_util::", &["server/", "cli/local/"]),
    ("http_body_util::", &["http/", "cli/local/"]),
    ("lettre::", &["smtp/"]),
    ("prometheus_client::", &["http/metrics/exposition.rs"]),
    ("multer::", &["http/body", "http/attachment/form.rs"]),
    ("form_urlencoded::", &["http/params", "cli/local/"]),
    (
        "percent_encoding::",
        &["http/path.rs", "http/attachment/download.rs", "cli/local/"],
    ),
    ("toml::de", &["cli/settings/file.rs"]),
    ("regex::", &["domain/query/pattern.rs"]),
    ("clap::", &["config/", "cli/", "main.rs"]),
    ("tracing_subscriber::", &["logging.rs", "logging/"]),
    (
        "std::fs",
        &[
            "clock/host.rs",
            "storage/data_dir.rs",
            "storage/data_dir/",
            "storage/pages/",
            "storage/key_file.rs",
            "storage/new_file.rs",
            "storage/regular_file.rs",
            "storage/secret_text.rs",
            "storage/whole_file.rs",
            "storage/engine/",
            "cli/",
            "config/guide.rs",
            "http/metrics/families.rs",
            "http/monitoring/mod.rs",
            "property.rs",
            "smtp/tests.rs",
        ],
    ),
    (
        "std::net",
        &[
            "config/",
            "http/",
            "logging/",
            "server/",
            "smtp/",
            "throttle/",
        ],
    ),
    ("tokio::net", &["server/", "smtp/", "cli/local/"]),
    ("SystemTime", &["clock/", "smtp/"]),
];

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

/// What the pure rules do without.
const IMPURE: [&str; 6] = [
    "tokio", "tracing", "Instant", "std::io", "std::env", "async fn",
];

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
