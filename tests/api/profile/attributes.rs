//! Reading the attributes of a profile alone.

use crate::profile::seed::{ADMIN, ANNA, BEN, assert_json, get, server};
use crate::support::fixture::NO_PROFILE;

#[test]
fn the_response_is_the_attributes_object() {
    let server = server();
    let read =
        |id: &str, parameters: &[_]| get(&server, ADMIN, &format!("{id}/attributes"), parameters);
    let all = concat!(
        r#"{"age":44,"name":"Anna \"A\" Zö","score":1.0,"#,
        r#""tree":{"h":{"i":1,"j":2},"list":[{"k":1,"l":2},3,{"l":4}]}}"#
    );
    assert_json(&read(ANNA, &[]), all);
    assert_json(&read(BEN, &[]), "{}");
    let to_return = |value| [("attributeToReturn", value)];
    assert_json(&read(ANNA, &to_return("$none")), "{}");
    let part = r#"{"age":44,"tree":{"h":{"j":2}}}"#;
    assert_json(&read(ANNA, &to_return("age,tree.h.j")), part);
    read(NO_PROFILE, &[]).assert_no_such_profile(NO_PROFILE);
}
