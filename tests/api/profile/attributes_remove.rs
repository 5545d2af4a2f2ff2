//! Removing attributes of a profile.

use rememberd::testing::Event;
use serde_json::json;

use crate::profile::changes::{
    LATER, SHOP, assert_attribute_denied, assert_missing, assert_not_defined,
    assert_order_of_checks, assert_unchanged, json_of, post, read, server, setup,
};
use crate::profile::seed::{ADMIN, ANNA, BEN, READER};

#[test]
fn attributes_are_removed_whether_they_are_there_or_not() {
    let server = server();
    let mut expected = read(&server, ANNA);
    expected["lastModified"] = json!(LATER.as_millis());
    for (names, id) in [
        (&["name", "tree"][..], ANNA),
        (&["name, tree"], ANNA),
        (&[""], ANNA),
        (&["name"], BEN),
    ] {
        let parameters: Vec<_> = names.iter().map(|name| ("attributeName", *name)).collect();
        let changed = json_of(&post(
            &server,
            ADMIN,
            &format!("{id}/attributes/remove"),
            &parameters,
        ));
        if id == ANNA {
            expected["attributes"] = json!({"age": 44, "score": 1.0});
            assert_eq!(changed, expected);
        }
        assert_eq!(read(&server, id), changed);
    }
    server.wait_for_writer();
    assert_eq!(server.app.audit.count(Event::UpdateProfile), 4);
    let server = setup().home(server.stop()).start();
    assert_eq!(read(&server, ANNA), expected);
}

#[test]
fn if_one_attribute_may_not_be_removed_nothing_is() {
    let server = server();
    let remove = |token, names| {
        post(
            &server,
            token,
            &format!("{ANNA}/attributes/remove"),
            &[("attributeName", names)],
        )
    };
    assert_unchanged(&server, ANNA, || {
        assert_attribute_denied(&remove(ADMIN, "name,score"), "REMOVE_ATTRIBUTE", "score");
        assert_attribute_denied(&remove(ADMIN, "age"), "REMOVE_ATTRIBUTE", "age");
        assert_attribute_denied(&remove(SHOP, "tree"), "REMOVE_ATTRIBUTE", "tree");
        assert_not_defined(&remove(ADMIN, "name,undefined"), "undefined", "corp");
        assert_not_defined(&remove(ADMIN, "tree.h"), "tree.h", "corp");
    });
    // It takes neither to read nor to write it.
    let secret = json_of(&remove(READER, "secret"));
    assert_eq!(
        secret["attributes"],
        json!({"name": "Anna \"A\" Zö", "score": 1.0})
    );
}

#[test]
fn the_order_of_checks_is_that_of_the_contract() {
    let server = server();
    let missing = post(&server, ADMIN, "x/attributes/remove", &[]);
    assert_missing(&missing, "attributeName", "Collection");
    assert_order_of_checks(&server, |token, id| {
        post(
            &server,
            token,
            &format!("{id}/attributes/remove"),
            &[("attributeName", "none")],
        )
    });
}

#[test]
fn attribute_to_return_takes_whole_names() {
    let server = server();
    let parameters = [
        ("attributeName", "name"),
        ("attributeToReturn", "name,score,tree"),
    ];
    let changed = json_of(&post(
        &server,
        READER,
        &format!("{ANNA}/attributes/remove"),
        &parameters,
    ));
    assert_eq!(changed["attributes"], json!({"score": 1.0}));
}
