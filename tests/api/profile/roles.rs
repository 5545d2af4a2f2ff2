//! Adding roles to a profile, and removing them.

use rememberd::testing::Event;
use serde_json::json;

use crate::profile::changes::{
    LATER, assert_missing, assert_order_of_checks, assert_unchanged, json_of, post, read, server,
    setup,
};
use crate::profile::seed::{ADMIN, ANNA, BEN, READER};

#[test]
fn roles_are_added_and_removed() {
    let server = server();
    let mut expected = read(&server, ANNA);
    expected["lastModified"] = json!(LATER.as_millis());
    for (verb, parameters, roles) in [
        // They need not be available in the tenant, and those that are the same are one.
        (
            "add",
            &["CHIEF, USER", "X"][..],
            &["USER", "ADMIN", "CHIEF, USER", "X"][..],
        ),
        (
            "add",
            &["CHIEF, USER,,X"],
            &["USER", "ADMIN", "CHIEF, USER", "X", "CHIEF", ""],
        ),
        (
            "remove",
            &[",CHIEF,NONE"],
            &["USER", "ADMIN", "CHIEF, USER", "X"],
        ),
        ("remove", &["CHIEF, USER", "X"], &["USER", "ADMIN"]),
        ("add", &[""], &["USER", "ADMIN"]),
        ("remove", &[""], &["USER", "ADMIN"]),
        ("remove", &["USER,ADMIN"], &[]),
        ("remove", &["USER"], &[]),
    ] {
        let parameters: Vec<_> = parameters.iter().map(|role| ("role", *role)).collect();
        let changed = json_of(&post(
            &server,
            ADMIN,
            &format!("{ANNA}/roles/{verb}"),
            &parameters,
        ));
        expected["roles"] = json!(roles);
        assert_eq!(changed, expected, "{parameters:?}");
        assert_eq!(read(&server, ANNA), expected);
    }
    let added = post(
        &server,
        ADMIN,
        &format!("{BEN}/roles/add"),
        &[("role", "USER")],
    );
    assert_eq!(json_of(&added)["roles"], json!(["USER"]));
    server.wait_for_writer();
    assert_eq!(server.app.audit.count(Event::UpdateProfile), 9);
    let server = setup().home(server.stop()).start();
    assert_eq!(read(&server, ANNA), expected);
}

#[test]
fn the_order_of_checks_is_that_of_the_contract() {
    let server = server();
    for verb in ["add", "remove"] {
        assert_missing(
            &post(&server, ADMIN, &format!("x/roles/{verb}"), &[]),
            "role",
            "Collection",
        );
        assert_order_of_checks(&server, |token, id| {
            post(
                &server,
                token,
                &format!("{id}/roles/{verb}"),
                &[("role", "USER")],
            )
        });
    }
}

#[test]
fn attribute_to_return_takes_whole_names() {
    let server = server();
    for verb in ["add", "remove"] {
        let parameters = [("role", "X"), ("attributeToReturn", "name,tree,score")];
        let changed = json_of(&post(
            &server,
            READER,
            &format!("{ANNA}/roles/{verb}"),
            &parameters,
        ));
        assert_eq!(
            changed["attributes"],
            json!({"name": "Anna \"A\" Zö", "score": 1.0})
        );
    }
}

#[test]
fn roles_are_bounded() {
    let server = setup().flag("--role-count-max=3").start();
    let add = |role: &str| {
        post(
            &server,
            ADMIN,
            &format!("{ANNA}/roles/add"),
            &[("role", role)],
        )
    };
    assert_unchanged(&server, ANNA, || {
        add("A,B").assert_error(400, "OTHER", "A profile can have 3 roles at most");
        add(&"x".repeat(257)).assert_error(400, "OTHER", "A role can have 256 bytes at most");
    });
    json_of(&add("A,USER"));
}
