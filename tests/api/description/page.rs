//! The page, in a real browser.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use serde_json::Value;
use tempfile::TempDir;

use super::{Call, calls, description, resolve};
use crate::support::server::Server;
use crate::support::tools::skip;

/// The browser of Debian's package `chromium`.
///
/// # Panics
///
/// In continuous integration, if it is not installed.
fn browser() -> Option<PathBuf> {
    let browser = PathBuf::from("/usr/bin/chromium");
    if browser.exists() {
        return Some(browser);
    }
    skip("Debian's package `chromium`");
    None
}

#[test]
fn the_page_shows_every_call() {
    let Some(browser) = browser() else {
        return;
    };
    let server = Server::start();
    let home = TempDir::new().expect("a temporary directory");
    for context in ["", "/crafter-profile"] {
        let output = Command::new(&browser)
            .args([
                "--headless",
                "--no-sandbox",
                "--disable-gpu",
                "--disable-quic",
                "--disable-dev-shm-usage",
                "--no-first-run",
                "--disable-background-networking",
                "--disable-component-update",
                "--disable-sync",
                "--virtual-time-budget=10000",
                "--dump-dom",
            ])
            .arg(format!("--user-data-dir={}", home.path().display()))
            .arg(format!("http://{}{context}/docs", server.address))
            .env("HOME", home.path())
            .stderr(Stdio::null())
            .output()
            .expect("the browser runs");
        let page = String::from_utf8(output.stdout).expect("UTF-8");
        for call in calls() {
            let id = call.id();
            assert!(
                page.contains(&format!("<article id=\"{id}\">")),
                "{id} is not shown: {page}"
            );
            assert!(
                page.contains(&format!("href=\"#{id}\"")),
                "{id} is not linked"
            );
            assert!(page.contains(&call.path), "{}", call.path);
        }
        for call in calls() {
            assert_eq!(arguments(&page, &call), expected(&call), "{}", call.id());
        }
        let shown = calls().len();
        assert!(page.contains(&format!("{shown} of {shown} calls")));
    }
}

/// The parameters that curl gets from the command line that the page shows for a call, as a shell splits it.
fn arguments(page: &str, call: &Call) -> BTreeSet<String> {
    let article = format!("<article id=\"{}\">", call.id());
    let (_, rest) = page.split_once(&article).expect("the call is shown");
    let (_, rest) = rest.split_once(">curl ").expect("it has a command");
    let (command, _) = rest.split_once("</pre>").expect("it has an end");
    let command = command
        .replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&amp;", "&");
    let script = format!("curl() {{ printf '%s\\n' \"$@\"; }}\ncurl {command}");
    let output = Command::new("sh").args(["-c", &script]).output();
    let output = output.expect("there is a shell").stdout;
    let lines = String::from_utf8(output).expect("UTF-8");
    let is_parameter = |line: &&str| line.contains('=') && !line.starts_with("http");
    lines
        .lines()
        .filter(is_parameter)
        .map(str::to_owned)
        .collect()
}

/// The parameters in the examples of the description, and the file of an upload.
fn expected(call: &Call) -> BTreeSet<String> {
    let description = description();
    let mut pairs = BTreeSet::new();
    let mut add = |name: &str, example: &Value| {
        let values = example
            .as_array()
            .map_or(std::slice::from_ref(example), Vec::as_slice);
        pairs.extend(values.iter().map(|value| match value {
            Value::String(text) => format!("{name}={text}"),
            other => format!("{name}={other}"),
        }));
    };
    for parameter in call.operation["parameters"]
        .as_array()
        .into_iter()
        .flatten()
    {
        let parameter = resolve(&description, parameter);
        if parameter["in"] == "query" && !parameter["example"].is_null() {
            let name = parameter["name"].as_str().expect("a name");
            add(name, &parameter["example"]);
        }
    }
    let form = &call.operation["requestBody"]["content"]["application/x-www-form-urlencoded"];
    for (name, value) in form["example"].as_object().into_iter().flatten() {
        add(name, value);
    }
    if call.id() == "attachment_upload" {
        pairs.insert("attachment=@me.png".to_owned());
    }
    pairs
}
