//! The page, in a real browser.

use std::path::PathBuf;
use std::process::{Command, Stdio};

use tempfile::TempDir;

use super::calls;
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
        let shown = calls().len();
        assert!(page.contains(&format!("{shown} of {shown} calls")));
    }
}
