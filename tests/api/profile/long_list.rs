//! Lists that are too long to be chosen in one step, or to be kept in memory.

use serde_json::json;

use crate::profile::seed::{ADMIN, assert_ids, get, seed};
use crate::support::client::Response;
use crate::support::server::{Server, Setup, wait_until};

/// More profiles than a step reads at least, and more than a piece has.
const COUNT: usize = 3_000;

fn id(number: usize) -> String {
    format!("60b0000000000000000{number:05x}")
}

fn setup() -> Setup {
    setup_with_names("")
}

/// The attribute `name` of each profile begins with its username, and ends with this.
fn setup_with_names(end: &str) -> Setup {
    // Later ids have earlier usernames.
    let profiles: Vec<_> = (0..COUNT)
        .map(|number| {
            let username = format!("u{:05}", COUNT - number);
            let role = if number % 100 == 7 { "RARE" } else { "USUAL" };
            json!({
                "_id": id(number), "username": username, "enabled": true, "tenant": "corp", "roles": [role],
                "attributes": {"name": username.clone() + end, "age": number % 10},
            })
        })
        .collect();
    let mut seed = seed();
    seed["profile"] = json!(profiles);
    seed["persistentlogin"] = json!([]);
    Setup::new().seed(seed)
}

fn list(server: &Server, path: &str, more: &[(&str, &str)]) -> Response {
    let parameters = [&[("tenantName", "corp")], more].concat();
    get(server, ADMIN, path, &parameters)
}

fn assert_numbers(response: &Response, numbers: impl Iterator<Item = usize>) {
    let ids: Vec<_> = numbers.map(id).collect();
    let ids: Vec<_> = ids.iter().map(String::as_str).collect();
    assert_ids(response, &ids);
}

#[test]
fn a_long_list_is_sent_in_pieces() {
    let server = setup().start();
    let all = list(&server, "range", &[]);
    assert_eq!(all.header("transfer-encoding"), "chunked");
    assert_numbers(&all, (0..COUNT).rev());
    let ascending = [("sortBy", "id"), ("sortOrder", "ASC")];
    assert_numbers(&list(&server, "range", &ascending), 0..COUNT);
    let rare = list(&server, "by_role", &[("role", "RARE")]);
    assert_numbers(&rare, (0..COUNT).rev().filter(|number| number % 100 == 7));
    let page = [("start", "1000"), ("count", "10")];
    let page = list(&server, "range", &page);
    assert_eq!(page.header("transfer-encoding"), "");
    assert_numbers(&page, (0..COUNT).rev().skip(1_000).take(10));
    let sorted = [
        ("sortBy", "attributes.age"),
        ("start", "290"),
        ("count", "20"),
    ];
    let with_age = |age| (0..COUNT).rev().filter(move |number| number % 10 == age);
    let expected = with_age(9).chain(with_age(8)).skip(290).take(20);
    assert_numbers(&list(&server, "range", &sorted), expected);
}

#[test]
fn a_list_that_is_too_large_is_refused() {
    let server = setup().flag("--list-size-max=64KiB").start();
    let message = "The list would be longer than 65536 bytes; select fewer profiles with 'start' and 'count', or fewer \
                   attributes with 'attributeToReturn'";
    for more in [
        &[][..],
        &[("sortBy", "id")],
        &[("start", "0"), ("count", "1000")],
    ] {
        list(&server, "range", more).assert_error(400, "OTHER", message);
    }
    let response = list(&server, "range", &[("start", "0"), ("count", "200")]);
    assert_numbers(&response, (0..COUNT).rev().take(200));
}

#[test]
fn lists_take_bounded_memory() {
    // A list takes at most a quarter.
    let start = |setup: Setup| setup.flag("--list-memory-max=1MiB").start();
    let by_name = [("sortBy", "attributes.name")];
    let server = start(setup());
    assert_eq!(list(&server, "range", &by_name).status, 200);
    let server = start(setup_with_names(&"x".repeat(200)));
    let message = "The list has too many profiles; select fewer with 'start' and 'count'";
    list(&server, "range", &by_name).assert_error(400, "OTHER", message);
    let first = [
        ("sortBy", "attributes.name"),
        ("start", "0"),
        ("count", "10"),
    ];
    assert_numbers(&list(&server, "range", &first), 0..10);
    // Where others have taken all of it, a list is refused after a while, and others are served.
    let memory = &server.app.list_memory;
    let all = memory.available_permits();
    let others = memory.try_acquire_many(all as u32).expect("there is room");
    let refused = list(&server, "range", &first);
    refused.assert_error(
        503,
        "OTHER",
        "The server is overloaded; nothing was changed",
    );
    assert_eq!(get(&server, ADMIN, &id(0), &[]).status, 200);
    drop(others);
    wait_until("the memory is free", || memory.available_permits() == all);
}
