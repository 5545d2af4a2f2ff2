//! The profiles of a tenant follow its changes, before and after their records do.

use rememberd::testing::{ObjectId, TenantName, service, tables};
use serde_json::json;

use crate::support::server::Server;
use crate::tenant::support::{
    ADMIN, ANNA, BEN, CORP, assert_state, post, post_json, profile, server,
};

/// Adds a role to a profile, as a request would.
fn add_role(server: &Server, id: &str, role: &'static str) {
    let id = ObjectId::parse(id).expect("an id");
    let write = server.app.store.write(move |txn| {
        let mut found = tables::profile::get(txn, id)?.expect("it exists");
        found.roles.get_or_insert_default().push(role.to_owned());
        tables::profile::put(txn, &found)
    });
    server.block_on(write).expect("it is written");
}

fn carry_out(server: &Server) -> usize {
    let carried_out = service::tenant::carry_out_sweeps(&server.app);
    server.block_on(carried_out).expect("it is carried out")
}

#[test]
fn a_role_that_is_given_again_is_not_removed_again() {
    let server = server();
    post(
        &server,
        CORP,
        "corp/roles/remove",
        &[("role", "USER,ADMIN")],
    );
    add_role(&server, BEN, "USER");
    post(&server, CORP, "corp/roles/add", &[("role", "USER")]);
    add_role(&server, ANNA, "ADMIN");
    let attributes = Some(json!({"city": "Bern", "age": 44}));
    let assert_roles = || {
        assert_state(&server, ANNA, Some(&["ADMIN"]), attributes.clone());
        assert_state(&server, BEN, Some(&["USER"]), None);
    };
    assert_roles();
    // Both were written since.
    assert_eq!(carry_out(&server), 0);
    assert_roles();
}

#[test]
fn the_records_are_what_the_reads_were() {
    let server = server();
    let added = json!([{"name": "color", "defaultValue": "blue"}]);
    post_json(&server, CORP, "corp/attribute_definitions/add", &added);
    post(&server, CORP, "corp/roles/remove", &[("role", "USER")]);
    let form = [("attributeName", "color")];
    post(&server, CORP, "corp/attribute_definitions/remove", &form);
    let modified = profile(&server, ANNA).last_modified;
    let assert_states = || {
        let anna = json!({"city": "Bern", "age": 44});
        assert_state(&server, ANNA, Some(&["ADMIN"]), Some(anna));
        assert_state(&server, BEN, None, Some(json!({"city": "Ulm"})));
        assert_eq!(profile(&server, ANNA).last_modified, modified);
    };
    assert_states();
    assert_eq!(carry_out(&server), 2);
    assert_states();
    let commits = server.app.store.commits();
    assert_eq!(carry_out(&server), 0);
    assert_eq!(server.app.store.commits(), commits);
}

#[test]
fn a_profile_that_is_created_in_between_has_what_it_was_given() {
    let server = server();
    post(&server, CORP, "corp/roles/remove", &[("role", "USER")]);
    let form = [("attributeName", "city")];
    post(&server, CORP, "corp/attribute_definitions/remove", &form);
    let id = ObjectId::from_bytes([9; 12]);
    let write = server.app.store.write(move |txn| {
        let mut new =
            tables::profile::get(txn, ObjectId::parse(BEN).expect("an id"))?.expect("it exists");
        new.id = id;
        new.username = "new".to_owned();
        new.roles = Some(vec!["USER".to_owned()]);
        new.attributes
            .get_or_insert_default()
            .set("city", &json!("Rome"));
        tables::profile::put(txn, &new)
    });
    server.block_on(write).expect("it is written");
    // One that is deleted meanwhile is not written again.
    server.delete_profile(BEN);
    let assert_new = || {
        let attributes = Some(json!({"city": "Rome"}));
        assert_state(&server, &id.to_string(), Some(&["USER"]), attributes);
    };
    assert_new();
    assert_eq!(carry_out(&server), 1);
    assert_new();
    let ben = ObjectId::parse(BEN).expect("an id");
    let found = server.app.store.read(|txn| tables::profile::get(txn, ben));
    assert_eq!(found, Ok(None));
}

#[test]
fn only_so_many_changes_may_be_pending() {
    let server = server();
    let remove = || post(&server, CORP, "corp/roles/remove", &[("role", "NONE")]);
    for _ in 0..64 {
        assert_eq!(remove().status, 200);
    }
    let message = "Earlier changes are still being carried out on the tenant's profiles; nothing was changed; try again";
    let refused = remove();
    refused.assert_error(503, "OTHER", message);
    assert_eq!(refused.header("retry-after"), "1");
    // A change that no profile follows, and one of another tenant, do not wait.
    let added = post(&server, CORP, "corp/roles/add", &[("role", "NEW")]);
    assert_eq!(added.status, 200);
    let other = post(&server, ADMIN, "other/roles/remove", &[("role", "USER")]);
    assert_eq!(other.status, 200);
    assert_eq!(carry_out(&server), 3);
    assert_eq!(remove().status, 200);
}

#[test]
fn a_tenant_that_is_created_again_begins_without_pending_changes() {
    let server = server();
    post(&server, CORP, "corp/roles/remove", &[("role", "USER")]);
    post(&server, CORP, "corp/delete", &[]).assert_empty();
    post_json(&server, ADMIN, "create", &json!({"name": "corp"}));
    let form = [
        ("tenantName", "corp"),
        ("username", "anna"),
        ("createProfile", "true"),
    ];
    let new = server.client().post_with("create", &form).login();
    add_role(&server, &new.profile_id, "USER");
    assert_eq!(carry_out(&server), 0);
    assert_state(&server, &new.profile_id, Some(&["USER"]), None);
    post(&server, CORP, "corp/roles/remove", &[("role", "USER")]);
    assert_state(&server, &new.profile_id, Some(&[]), None);
}

/// Makes the entry of anna, the first of the tenant's profiles, in the index by username one that cannot be read.
fn spoil_first_entry(server: &Server) {
    use tables::profile::{BY_USERNAME, username_key};
    let tenant = TenantName::new("corp").expect("a name");
    let id = ObjectId::parse(ANNA).expect("an id");
    let write = server.app.store.write(move |txn| {
        let found = tables::profile::get(txn, id)?.expect("it exists");
        let key = username_key(&tenant, &found.username);
        txn.put(&BY_USERNAME, &key, &[0xFF])
    });
    server.block_on(write).expect("it is written");
}

#[test]
fn an_entry_that_cannot_be_read_keeps_no_profile_from_following_its_tenant() {
    let server = server();
    spoil_first_entry(&server);
    post(&server, CORP, "corp/roles/remove", &[("role", "USER")]);
    assert_eq!(carry_out(&server), 2);
    assert_eq!(carry_out(&server), 0);
    let anna = json!({"city": "Bern", "age": 44});
    assert_state(&server, ANNA, Some(&["ADMIN"]), Some(anna));
    assert_state(&server, BEN, None, None);
}

#[test]
fn an_entry_that_cannot_be_read_keeps_no_profile_from_ending_with_its_tenant() {
    let server = server();
    spoil_first_entry(&server);
    post(&server, CORP, "corp/delete", &[]).assert_empty();
    let removed = service::tenant::remove_ended(&server.app);
    assert_eq!(server.block_on(removed), Ok(2));
    // The tenant may be there again without them.
    post_json(&server, ADMIN, "create", &json!({"name": "corp"}));
    for id in [ANNA, BEN] {
        let id = ObjectId::parse(id).expect("an id");
        let found = server.app.store.read(|txn| tables::profile::get(txn, id));
        assert_eq!(found, Ok(None));
    }
}
