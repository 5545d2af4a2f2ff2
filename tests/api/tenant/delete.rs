//! Deleting a tenant, and with it its profiles and their logins.

use std::fs;
use std::ops::{Bound, ControlFlow};

use rememberd::testing::{Event, ObjectId, Read, TenantName, service, tables};
use serde_json::json;

use crate::support::fixture::{ACME_LOGIN, ACME_PROFILE, LOGIN, PROFILE};
use crate::support::process::Launch;
use crate::support::server::{Server, Setup};
use crate::tenant::support::{
    ADMIN, ANNA, CORP, CORP_JSON, NOTHING, READER, UPDATER, assert_no_such_tenant, get, post,
    post_json, server,
};

fn id_by_username(server: &Server, tenant: &str, username: &str) -> Option<ObjectId> {
    let tenant = TenantName::new(tenant).expect("a name");
    let found = server
        .app
        .store
        .read(|txn| tables::profile::id_by_username(txn, &tenant, username));
    found.expect("it is readable")
}

fn is_there(server: &Server, id: &str) -> bool {
    let id = ObjectId::parse(id).expect("an id");
    let found = server.app.store.read(|txn| {
        let status = tables::profile::status(txn, id)?;
        assert_eq!(tables::profile::get(txn, id)?.is_some(), status.is_some());
        Ok(status.is_some())
    });
    found.expect("it is readable")
}

#[test]
fn nothing_of_it_is_there_from_then_on() {
    let server = server();
    let client = server.client();
    client.read(ACME_LOGIN).login();
    post(&server, ADMIN, "acme.com/delete", &[]).assert_empty();
    let assert_gone = || {
        assert_no_such_tenant(&get(&server, ADMIN, "acme.com"), "acme.com");
        assert!(!is_there(&server, ACME_PROFILE));
        assert_eq!(id_by_username(&server, "acme.com", "jdoe"), None);
        client.read(ACME_LOGIN).assert_no_such_login(ACME_LOGIN);
        client.refresh(ACME_LOGIN).assert_no_such_login(ACME_LOGIN);
        client.delete(ACME_LOGIN).assert_empty();
        client
            .create(ACME_PROFILE)
            .assert_no_such_profile(ACME_PROFILE);
    };
    assert_gone();
    assert_eq!(
        server.block_on(service::tenant::remove_ended(&server.app)),
        Ok(1)
    );
    assert_gone();
    assert_eq!(
        server.block_on(service::tenant::remove_ended(&server.app)),
        Ok(0)
    );
    // The others are as they were.
    client.read(LOGIN).login();
    assert!(id_by_username(&server, "default", "jdoe").is_some());
    assert_eq!(server.app.audit.count(Event::DeleteTenant), 1);
}

#[test]
fn one_that_is_created_again_has_nothing_of_the_old_one() {
    for is_removed_before in [false, true] {
        let server = server();
        let client = server.client();
        let login = client.create(ANNA).login();
        post(&server, CORP, "corp/delete", &[]).assert_empty();
        let remove = || server.block_on(service::tenant::remove_ended(&server.app));
        if is_removed_before {
            assert_eq!(remove(), Ok(2));
        }
        let created = post_json(&server, ADMIN, "create", &json!({"name": "corp"}));
        assert_eq!(created.status, 200);
        client.read(&login.id).assert_no_such_login(&login.id);
        assert!(!is_there(&server, ANNA));
        // The username is free, before anything was removed.
        let form = [
            ("tenantName", "corp"),
            ("username", "anna"),
            ("createProfile", "true"),
        ];
        let new = client.post_with("create", &form).login();
        assert_ne!(new.profile_id, ANNA);
        assert_eq!(remove(), Ok(usize::from(!is_removed_before)));
        client.read(&new.id).login();
        client.read(&login.id).assert_no_such_login(&login.id);
        let found = id_by_username(&server, "corp", "anna");
        assert_eq!(found, ObjectId::parse(&new.profile_id));
        assert!(!is_there(&server, ANNA) && is_there(&server, &new.profile_id));
        // And once more, which ends the new one too.
        post(&server, CORP, "corp/delete", &[]).assert_empty();
        client.read(&new.id).assert_no_such_login(&new.id);
        assert_eq!(remove(), Ok(1));
    }
}

#[test]
fn a_database_with_logins_that_are_still_to_be_removed_is_whole() {
    const LOGINS: usize = 70;
    let server = server();
    for _ in 0..LOGINS {
        server.client().create(ANNA).login();
    }
    post(&server, CORP, "corp/delete", &[]).assert_empty();
    let removed = server.block_on(service::tenant::remove_ended(&server.app));
    assert_eq!(removed, Ok(2));
    let home = server.stop();
    let path = home.path().to_string_lossy().into_owned();
    let checked = Launch::new(&["check", "--data-dir", &path]).run();
    assert!(checked.status.success(), "{checked:?}");
    let server = Setup::new().home(home).start();
    let id = ObjectId::parse(ANNA).expect("an id");
    let clean_up = || {
        let removal = service::persistent_login::remove_ended(&server.app, id);
        server.block_on(removal)
    };
    assert_eq!(clean_up(), Ok(LOGINS));
    assert_eq!(clean_up(), Ok(0));
}

#[test]
fn the_access_of_a_profile_whose_record_is_damaged_stays_ended() {
    let server = server();
    let login = server.client().create(ANNA).login();
    let ticket = server.client().create_ticket(ANNA).ticket();
    let home = server.stop();
    let path = home.path().join("rememberd.redb");
    let mut file = fs::read(&path).expect("the database");
    // A record begins with its version, flags, the tenant, an era and a revision of one byte each, and the username.
    let is_record = |bytes: &[u8]| bytes.starts_with(b"\x04corp") && bytes[7..] == *b"\x04anna";
    let at = file.windows(12).position(is_record).expect("its record") - 2;
    file[at] = 99;
    fs::write(&path, file).expect("it is written");
    let server = Setup::new().home(home).start();
    let client = server.client();
    client.read(&login.id).login();
    client.read_ticket(&ticket.id).ticket();
    post(&server, CORP, "corp/delete", &[]).assert_empty();
    for _ in 0..2 {
        client.read(&login.id).assert_no_such_login(&login.id);
        client.refresh(&login.id).assert_no_such_login(&login.id);
        client
            .read_ticket(&ticket.id)
            .assert_no_such_ticket(&ticket.id);
        let removed = server.block_on(service::tenant::remove_ended(&server.app));
        removed.expect("the store is open");
    }
}

#[test]
fn no_login_ends_but_those_of_the_tenant_where_neither_record_nor_entry_can_be_read() {
    use tables::profile::{BY_USERNAME, PROFILES, username_key};
    let server = server();
    let client = server.client();
    let (anna, other) = (client.create(ANNA).login(), client.create(PROFILE).login());
    let ticket = client.create_ticket(ANNA).ticket();
    let write = server.app.store.write(|txn| {
        let tenant = TenantName::new("corp").expect("a name");
        txn.put(&BY_USERNAME, &username_key(&tenant, "anna"), &[0xFF])?;
        for id in [ANNA, PROFILE] {
            let id = ObjectId::parse(id).expect("an id");
            txn.put(&PROFILES, id.as_bytes(), &[0xFF])?;
        }
        Ok(())
    });
    server.block_on(write).expect("it is written");
    post(&server, CORP, "corp/delete", &[]).assert_empty();
    let removed = server.block_on(service::tenant::remove_ended(&server.app));
    removed.expect("the store is open");
    client.read(&anna.id).assert_no_such_login(&anna.id);
    client
        .read_ticket(&ticket.id)
        .assert_no_such_ticket(&ticket.id);
    client.read(&other.id).login();
}

#[test]
fn an_entry_of_a_ticket_that_cannot_be_read_keeps_nothing_from_ending() {
    use tables::ticket::BY_DIGEST;
    let server = server();
    let client = server.client();
    let tickets: Vec<_> = (0..3)
        .map(|_| client.create_ticket(ANNA).ticket())
        .collect();
    let write = server.app.store.write(|txn| {
        let mut first = None;
        txn.scan(&BY_DIGEST, Bound::Unbounded, |digest, _| {
            first = Some(*digest);
            Ok(ControlFlow::Break(()))
        })?;
        // That of the ticket that is removed first.
        txn.put(&BY_DIGEST, &first.expect("one of three"), &[0xFF])
    });
    server.block_on(write).expect("it is written");
    post(&server, CORP, "corp/delete", &[]).assert_empty();
    let removed = service::tenant::remove_ended(&server.app);
    assert_eq!(server.block_on(removed), Ok(2));
    for ticket in tickets {
        client
            .read_ticket(&ticket.id)
            .assert_no_such_ticket(&ticket.id);
    }
    assert!(!is_there(&server, ANNA));
}

#[test]
fn an_unknown_one_is_deleted_already() {
    let server = server();
    let commits = server.app.store.commits();
    post(&server, ADMIN, "none/delete", &[]).assert_empty();
    assert_eq!(server.app.store.commits(), commits);
}

#[test]
fn who_may() {
    let server = server();
    for token in [NOTHING, READER] {
        for name in ["corp", "none"] {
            let refused = post(&server, token, &format!("{name}/delete"), &[]);
            refused.assert_denied("DELETE_TENANT", name);
        }
    }
    let message = "Access token ID param missing from request";
    post(&server, "", "corp/delete", &[]).assert_error(403, "ACCESS_DENIED", message);
    assert_eq!(get(&server, ADMIN, "corp").body, CORP_JSON);
    post(&server, UPDATER, "corp/delete", &[]).assert_empty();
    assert_no_such_tenant(&get(&server, ADMIN, "corp"), "corp");
}
