//! Reading profiles by their ids.

use crate::profile::seed::{
    ADMIN, ANNA, ANNA_JSON, BEN, BEN_JSON, CARL, DORA, MANAGE_PROFILES, NOTHING, PROFILES_ONLY,
    READ_TENANT, READER, assert_ids, assert_json, get, server,
};
use crate::support::fixture::NO_PROFILE;

#[test]
fn profiles_are_in_the_order_of_their_ids() {
    let server = server();
    let list = |ids: &[&str]| {
        let parameters: Vec<_> = ids.iter().map(|id| ("id", *id)).collect();
        get(&server, ADMIN, "by_ids", &parameters)
    };
    assert_json(&list(&[BEN, ANNA]), &format!("[{ANNA_JSON},{BEN_JSON}]"));
    assert_json(&list(&[ANNA]), &format!("[{ANNA_JSON}]"));
    assert_ids(&list(&[DORA, CARL, ANNA]), &[ANNA, CARL, DORA]);
    // One value is split; duplicates, unknown ids and what is none are left out.
    assert_ids(&list(&[&format!("{BEN}, {ANNA},,{BEN}")]), &[ANNA, BEN]);
    assert_ids(
        &list(&[BEN, &BEN.to_uppercase(), NO_PROFILE, "x", ""]),
        &[BEN],
    );
    assert_json(&list(&[NO_PROFILE]), "[]");
    assert_json(&list(&[""]), "[]");
}

#[test]
fn the_list_is_sorted_and_its_attributes_selected() {
    let server = server();
    let parameters = [
        ("id", ANNA),
        ("id", BEN),
        ("id", CARL),
        ("sortBy", "username"),
        ("start", "1"),
        ("count", "1"),
    ];
    assert_ids(
        &get(&server, ADMIN, "by_ids", &parameters),
        &[CARL, BEN, ANNA],
    );
    let ascending = [&parameters[..], &[("sortOrder", "ASC")]].concat();
    assert_ids(
        &get(&server, ADMIN, "by_ids", &ascending),
        &[ANNA, BEN, CARL],
    );
    let parameters = [("id", CARL), ("attributeToReturn", "age")];
    let response = get(&server, ADMIN, "by_ids", &parameters);
    assert!(response.body.contains(r#""attributes":{"age":7},"#));
}

#[test]
fn the_first_profile_that_the_caller_may_not_read_refuses_the_list() {
    let server = server();
    let list = |token, ids: &str| get(&server, token, "by_ids", &[("id", ids)]);
    assert_json(&list(NOTHING, NO_PROFILE), "[]");
    assert_json(&list(NOTHING, ""), "[]");
    list(NOTHING, ANNA).assert_denied(MANAGE_PROFILES, "corp");
    list(PROFILES_ONLY, ANNA).assert_denied(READ_TENANT, "corp");
    assert_ids(&list(READER, &format!("{BEN},{ANNA}")), &[ANNA, BEN]);
    list(READER, &format!("{DORA},{ANNA}")).assert_denied(MANAGE_PROFILES, "other");
    list(PROFILES_ONLY, &format!("{DORA},{ANNA}")).assert_denied(READ_TENANT, "corp");
}

#[test]
fn the_ids_are_required() {
    let server = server();
    let message = "Required request parameter 'id' for method parameter type List is not present";
    get(&server, ADMIN, "by_ids", &[]).assert_error(400, "OTHER", message);
    let message = "Access token ID param missing from request";
    get(&server, "", "by_ids", &[]).assert_error(403, "ACCESS_DENIED", message);
}
