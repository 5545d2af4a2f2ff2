//! Counting the profiles that match a query, also where that takes more than one step and while profiles change. What
//! it has in common with lists is tested with those.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use serde_json::json;

use crate::profile::seed::{ADMIN, ask, assert_json, seed, server};
use crate::support::server::{Server, Setup};

/// More profiles than a step reads.
const COUNT: usize = 3_000;

fn id(number: usize) -> String {
    format!("60b0000000000000000{number:05x}")
}

/// A server whose tenant `corp` has many profiles.
fn crowded() -> Server {
    let profiles: Vec<_> = (0..COUNT)
        .map(|number| {
            json!({
                "_id": id(number), "username": format!("User{number:05}"), "enabled": number % 2 == 0,
                "tenant": "corp", "attributes": {"age": number % 10},
            })
        })
        .collect();
    let mut seed = seed();
    seed["profile"] = json!(profiles);
    seed["persistentlogin"] = json!([]);
    Setup::new().seed(seed).start()
}

#[test]
fn the_response_is_a_bare_number() {
    let server = server();
    for (query, count) in [
        ("", "3"),
        ("{}", "3"),
        ("{roles:'USER'}", "2"),
        ("{username:'x'}", "0"),
    ] {
        assert_json(&ask(&server, ADMIN, "count_by_query", query), count);
    }
}

#[test]
fn many_profiles_are_counted_and_listed_in_steps() {
    let server = crowded();
    for (query, expected) in [
        ("{}", COUNT),
        ("{enabled:true}", COUNT / 2),
        ("{'attributes.age':7}", COUNT / 10),
        ("{username:{$regex:'.*uSER.*',$options:'i'}}", COUNT),
        ("{username:/7$/}", COUNT / 10),
        ("{username:/^User012/}", 100),
        ("{username:/^User012/,enabled:true}", 50),
        ("{username:/^user012/}", 0),
    ] {
        assert_json(
            &ask(&server, ADMIN, "count_by_query", query),
            &expected.to_string(),
        );
        let list = ask(&server, ADMIN, "by_query", query).body;
        assert_eq!(list.matches("\"username\":").count(), expected, "{query}");
    }
    let last = format!("{{username:'User{:05}'}}", COUNT - 1);
    assert_eq!(ask(&server, ADMIN, "one_by_query", &last).status, 200);
    assert_eq!(
        ask(&server, ADMIN, "one_by_query", "{username:/2999$/}").status,
        200
    );
}

#[test]
fn profiles_change_while_others_are_looked_for() {
    let server = crowded();
    let is_over = AtomicBool::new(false);
    // What the queries look for does not change: the even ones.
    let change = |number: usize| {
        server.update_profile(&id(number), |profile| {
            profile.username = profile.username.replace("User", "Other");
        });
        server.delete_profile(&id(number + 2));
    };
    thread::scope(|scope| {
        let changing = scope.spawn(|| {
            let mut odd = (1..COUNT - 2).step_by(4);
            while !is_over.load(Ordering::Relaxed) {
                match odd.next() {
                    Some(number) => change(number),
                    None => break,
                }
            }
        });
        for _ in 0..10 {
            let count = (COUNT / 2).to_string();
            assert_json(
                &ask(&server, ADMIN, "count_by_query", "{enabled:true}"),
                &count,
            );
            assert_json(
                &ask(
                    &server,
                    ADMIN,
                    "count_by_query",
                    "{username:/[02468]$/,enabled:true}",
                ),
                &count,
            );
            let list = ask(&server, ADMIN, "by_query", "{enabled:true}").body;
            assert_eq!(list.matches("\"enabled\":true").count(), COUNT / 2);
        }
        is_over.store(true, Ordering::Relaxed);
        changing.join().expect("the profiles are changed");
    });
}
