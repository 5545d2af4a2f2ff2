//! Reading a profile by its username.

use crate::profile::seed::{
    ADMIN, ANNA_JSON, BEN_JSON, MANAGE_PROFILES, NOTHING, PROFILES_ONLY, READ_TENANT, READER,
    TENANT_ONLY, assert_json, get, server,
};
use crate::support::client::Response;
use crate::support::server::Server;

fn read(server: &Server, token: &str, tenant: &str, username: &str) -> Response {
    let parameters = [("tenantName", tenant), ("username", username)];
    get(server, token, "by_username", &parameters)
}

#[track_caller]
fn assert_not_found(response: &Response, tenant: &str, username: &str) {
    let message = format!("No profile found for tenant \"{tenant}\" and username \"{username}\"");
    response.assert_error(404, "NO_SUCH_PROFILE", &message);
}

#[test]
fn a_profile_is_found_by_tenant_and_username() {
    let server = server();
    assert_json(&read(&server, ADMIN, "corp", "anna"), ANNA_JSON);
    assert_json(&read(&server, ADMIN, "corp", "ben"), BEN_JSON);
    for (tenant, username) in [
        ("corp", "Anna"),
        ("corp", " anna"),
        ("corp", "dora"),
        ("other", "anna"),
        ("Corp", "anna"),
        ("unknown", "anna"),
        ("corp", ""),
        ("", "anna"),
        ("corp", &"x".repeat(2_000)),
    ] {
        let response = read(&server, ADMIN, tenant, username);
        let quoted: String = username.chars().take(200).collect();
        let cut = if quoted.len() < username.len() {
            "…"
        } else {
            ""
        };
        assert_not_found(&response, tenant, &(quoted + cut));
    }
}

#[test]
fn attributes_are_selected_and_filtered() {
    let server = server();
    let parameters = [
        ("tenantName", "corp"),
        ("username", "anna"),
        ("attributeToReturn", "age"),
        ("attributeToReturn", "secret"),
        ("attributeToReturn", "tree.h"),
    ];
    let body = |token| get(&server, token, "by_username", &parameters).body;
    let attributes = r#""attributes":{"age":44,"tree":{"h":{"i":1,"j":2}}},"#;
    assert!(body(ADMIN).contains(attributes));
    assert!(body(READER).contains(r#""attributes":{"secret":"s"},"#));
}

#[test]
fn both_parameters_are_required_of_a_caller_that_is_known() {
    let server = server();
    let missing = |name| {
        format!(
            "Required request parameter '{name}' for method parameter type String is not present"
        )
    };
    let tenant = [("tenantName", "corp")];
    let response = get(&server, ADMIN, "by_username", &tenant);
    response.assert_error(400, "OTHER", &missing("username"));
    let response = get(&server, NOTHING, "by_username", &[("username", "anna")]);
    response.assert_error(400, "OTHER", &missing("tenantName"));
    let response = get(&server, "nobody", "by_username", &tenant);
    let message = "No access token found for ID \"nobody\"";
    response.assert_error(403, "ACCESS_DENIED", message);
    // Repeated, they are joined.
    let parameters = [
        ("tenantName", "corp"),
        ("username", "an"),
        ("username", "na"),
    ];
    let response = get(&server, ADMIN, "by_username", &parameters);
    assert_not_found(&response, "corp", "an,na");
}

#[test]
fn the_tenant_is_checked_first_and_read_tenant_only_for_a_profile_that_exists() {
    let server = server();
    for username in ["anna", "nobody"] {
        for token in [NOTHING, TENANT_ONLY] {
            read(&server, token, "corp", username).assert_denied(MANAGE_PROFILES, "corp");
        }
    }
    read(&server, READER, "other", "dora").assert_denied(MANAGE_PROFILES, "other");
    read(&server, PROFILES_ONLY, "corp", "anna").assert_denied(READ_TENANT, "corp");
    assert_not_found(
        &read(&server, PROFILES_ONLY, "corp", "nobody"),
        "corp",
        "nobody",
    );
    assert_eq!(read(&server, READER, "corp", "anna").status, 200);
}
