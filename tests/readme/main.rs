//! The README and the pages of `src/guide`: their commands are run, and what they name exists.
//!
//! Commands are in fences, whose words say what becomes of them: `sh` is run in a shell against the real binary
//! with the example data, `sh,stopped` is run while the server is stopped, and of `sh,no_run` the names are
//! checked. What a fence prints must have the shape of the `json` or `text` fence that follows it.

mod curl;
mod names;
mod page;
mod server;
mod session;
mod shape;

use std::collections::BTreeSet;
use std::fs;

use crate::names::Names;
use crate::page::{Fence, Page};
use crate::server::Server;
use crate::session::Session;
use crate::shape::shape;

/// How often the commands of a page are run in a row: what a reader pastes again must work again.
const RUNS: usize = 2;

#[test]
fn the_commands_work_again_and_again_and_print_what_the_pages_show() {
    let mut commands = 0;
    for page in Page::all() {
        let fences: Vec<&Fence> = page.fences.iter().filter(|fence| fence.is_run()).collect();
        if fences.is_empty() {
            continue;
        }
        let mut session = Session::start(page.serve_arguments());
        for run in 1..=RUNS {
            let printed = session.run(&fences);
            assert_eq!(printed.len(), fences.len(), "{}", page.name);
            for (fence, printed) in fences.iter().zip(&printed) {
                let expected = page.output_of(fence);
                assert_eq!(
                    shape(printed),
                    shape(expected),
                    "{}:{}, run {run}",
                    page.name,
                    fence.line
                );
                commands += 1;
            }
        }
    }
    assert!(commands > 2 * RUNS, "the commands were not found");
}

#[test]
fn the_first_command_of_the_readme_replaces_the_token_and_nothing_else() {
    let page = Page::readme();
    let mut session = Session::start(page.serve_arguments());
    let first = page.fences.iter().find(|fence| fence.is_run());
    let fence = first.expect("the README has a command");
    let printed = [session.run(&[fence]), session.run(&[fence])].concat();
    let [before, after] = [0, 1].map(|run| {
        let login: serde_json::Value = serde_json::from_str(&printed[run]).expect("it is JSON");
        login
    });
    assert_ne!(before["token"], after["token"]);
    let mut expected = before;
    expected["token"] = after["token"].clone();
    assert_eq!(after, expected);
}

#[test]
fn what_is_not_run_names_what_exists() {
    let names = Names::collect();
    let mut faults = Vec::new();
    let mut checked = 0;
    for page in Page::all() {
        for fence in page.fences.iter().filter(|fence| fence.is_checked()) {
            for command in fence.text.lines().map(str::trim) {
                checked += 1;
                if let Err(fault) = names.check_command(command) {
                    faults.push(format!("{}:{}: {fault}", page.name, fence.line));
                }
            }
        }
    }
    assert!(checked > 5, "the commands were not found");
    assert!(faults.is_empty(), "\n{}", faults.join("\n"));
}

#[test]
fn flags_variables_and_paths_in_the_text_exist() {
    let names = Names::collect();
    let mut faults = Vec::new();
    let mut checked = 0;
    for page in Page::all() {
        for (line, code) in page.code_spans() {
            checked += 1;
            if let Err(fault) = names.check_code(code) {
                faults.push(format!("{}:{line}: {fault}", page.name));
            }
        }
    }
    assert!(checked > 100, "the names were not found");
    assert!(faults.is_empty(), "\n{}", faults.join("\n"));
}

#[test]
fn links_lead_to_a_file_and_a_heading() {
    let mut faults = Vec::new();
    let mut checked = 0;
    for page in Page::all() {
        for (line, target) in page.links() {
            checked += 1;
            if let Err(fault) = page.check_link(target) {
                faults.push(format!("{}:{line}: {fault}", page.name));
            }
        }
    }
    assert!(checked > 10, "the links were not found");
    assert!(faults.is_empty(), "\n{}", faults.join("\n"));
}

#[test]
fn every_page_of_the_guide_is_in_the_readme_and_in_the_crate_documentation() {
    let readme = Page::readme();
    let linked: BTreeSet<&str> = readme.links().map(|(_, target)| target).collect();
    let map = fs::read_to_string(page::root().join("src/lib.rs")).expect("it is readable");
    let (_, list) = map.split_once("pages! {").expect("the list of pages");
    let (list, _) = list.split_once('}').expect("the end of the list");
    let documented: BTreeSet<&str> = list.split_whitespace().collect();
    let pages = Page::guide();
    for page in &pages {
        assert!(linked.contains(page.name.as_str()), "README: {}", page.name);
        assert!(documented.contains(page.stem()), "lib.rs: {}", page.name);
        let definition = format!("[{0}.md]: crate::guide::{0}\"", page.stem());
        assert!(map.contains(&definition), "lib.rs: {definition}");
    }
    assert_eq!(documented.len(), pages.len(), "{documented:?}");
}

#[test]
fn the_readme_fits_on_few_screens() {
    let readme = Page::readme();
    let lines: Vec<&str> = readme.text.lines().collect();
    assert!(lines.len() <= 150, "{} lines", lines.len());
    for line in lines {
        assert!(line.chars().count() <= 120, "{line}");
    }
}

#[test]
fn the_settings_in_the_readme_have_the_defaults_of_the_guide() {
    let cells = |row: &str| -> Vec<String> {
        let cells = row.split('|').map(|cell| cell.trim().to_owned());
        cells.collect()
    };
    let settings = fs::read_to_string(page::root().join("src/guide/settings.md"));
    let settings = settings.expect("the guide to the settings");
    let readme = Page::readme();
    let rows = readme.text.lines().filter(|row| row.starts_with("| `--"));
    let mut checked = 0;
    for row in rows {
        let readme = cells(row);
        let begin = format!("| {} <", readme[1].trim_end_matches('`'));
        let setting = settings.lines().find(|setting| setting.starts_with(&begin));
        // An escaped bar in the value's name divides a cell, so the default is counted from the end.
        let setting = cells(setting.unwrap_or_else(|| panic!("no setting: {row}")));
        assert_eq!(readme[2], setting[setting.len() - 3], "{row}");
        checked += 1;
    }
    assert!(checked > 3, "the settings were not found");
}

#[test]
fn a_server_is_started_as_the_readme_says() {
    let home = session::home();
    let server = Server::start(home.path(), &Page::readme().serve_arguments());
    assert!(home.path().join("data/db/rememberd.redb").exists());
    server.stop();
}
