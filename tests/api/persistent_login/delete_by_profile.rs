//! Deleting all logins of a profile, or all but one.

use std::sync::Arc;

use rememberd::testing::{Event, ObjectId, Reason, jobs, service::persistent_login, tables};
use serde_json::json;

use crate::persistent_login::by_profile::{SECOND, server_with};
use crate::support::client::{Client, LOGINS};
use crate::support::fixture::{
    self, ACME_LOGIN, ADMIN, DISABLED_LOGIN, DISABLED_PROFILE, LOGIN, NO_LOGIN, NOW, PROFILE, TOKEN,
};
use crate::support::process::Launch;
use crate::support::server::{Server, Setup, wait_until};

/// The ids of those logins that still exist.
fn remaining(client: &Client, ids: &[String]) -> Vec<String> {
    let exists = |id: &&String| client.read(id).status == 200;
    ids.iter().filter(exists).cloned().collect()
}

#[test]
fn all_logins_of_a_profile_are_deleted() {
    let (server, ids) = server_with(3);
    let client = server.client();
    client.delete_by_profile(PROFILE, "").assert_deleted(4);
    assert!(remaining(&client, &ids).is_empty());
    for id in &ids {
        client.refresh(id).assert_no_such_login(id);
    }
    assert_eq!(client.by_profile(PROFILE, "").list(), []);
    for id in [DISABLED_LOGIN, ACME_LOGIN] {
        assert_eq!(client.read(id).login().id, id);
    }
    client.delete_by_profile(PROFILE, "").assert_deleted(0);
    let fresh = client.create(PROFILE).login();
    assert_eq!(client.by_profile(PROFILE, "").listed_ids(), [fresh.id]);
    let server = Setup::new().home(server.stop()).start();
    assert!(remaining(&server.client(), &ids).is_empty());
}

#[test]
fn the_logins_of_a_disabled_profile_may_be_deleted() {
    let server = Server::start();
    let client = server.client();
    client
        .delete_by_profile(DISABLED_PROFILE, "")
        .assert_deleted(1);
    client
        .read(DISABLED_LOGIN)
        .assert_no_such_login(DISABLED_LOGIN);
}

#[test]
fn one_login_may_be_excepted() {
    let (server, ids) = server_with(3);
    let client = server.client();
    let kept = client.read(&ids[2]).login();
    let except = format!("&except={}", kept.id);
    client.delete_by_profile(PROFILE, &except).assert_deleted(3);
    assert_eq!(remaining(&client, &ids), [kept.id.as_str()]);
    client.delete_by_profile(PROFILE, &except).assert_deleted(0);
    assert_eq!(client.read(&kept.id).login(), kept);
    client.refresh_with(&kept.id, &kept.token).login();
}

#[test]
fn an_invalid_exception_is_refused_without_effect() {
    let (server, ids) = server_with(2);
    let client = server.client();
    for except in ["", "x", PROFILE, &LOGIN.replace('-', "")] {
        let response = client.delete_by_profile(PROFILE, &format!("&except={except}"));
        response.assert_bad_parameter("except");
    }
    assert_eq!(remaining(&client, &ids), ids);
}

#[test]
fn excepting_a_login_of_another_profile_keeps_none() {
    for except in [NO_LOGIN, ACME_LOGIN] {
        let (server, ids) = server_with(1);
        let client = server.client();
        let response = client.delete_by_profile(PROFILE, &format!("&except={except}"));
        response.assert_deleted(2);
        assert!(remaining(&client, &ids).is_empty());
        assert_eq!(client.read(ACME_LOGIN).login().id, ACME_LOGIN);
    }
}

#[test]
fn an_expired_login_is_deleted_but_not_counted() {
    let server = Setup::new().flag("--persistent-login-max-age=10s").start();
    let client = server.client();
    server.app.clock.advance(5 * SECOND);
    client.create(PROFILE).login();
    server.app.clock.advance(5 * SECOND);
    client.delete_by_profile(PROFILE, "").assert_deleted(1);
    // With the longer default age it would be valid again.
    let server = Setup::new().home(server.stop()).start();
    server.client().read(LOGIN).assert_no_such_login(LOGIN);
}

#[test]
fn a_get_of_delete_by_profile_reads_the_login_with_that_id() {
    let server = Server::start();
    let client = server.client();
    for suffix in ["", ".json"] {
        let target =
            format!("{LOGINS}/delete_by_profile{suffix}?accessTokenId={ADMIN}&profileId={PROFILE}");
        client
            .get(&target)
            .assert_no_such_login("delete_by_profile");
    }
    assert_eq!(client.read(LOGIN).login().id, LOGIN);
}

/// The id of a login that was imported.
fn imported(number: usize) -> String {
    format!("00000000-0000-4000-8000-{number:012}")
}

/// With `count` imported logins of [`PROFILE`] and no other, more than one transaction removes.
fn crowded(count: usize) -> Setup {
    let logins: Vec<_> = (0..count)
        .map(|number| fixture::login(&imported(number), TOKEN, PROFILE, "default", NOW))
        .collect();
    let mut seed = fixture::seed();
    seed["persistentlogin"] = json!(logins);
    Setup::new().seed(seed)
}

/// Those imported logins that can be used.
fn valid(server: &Server, count: usize) -> Vec<usize> {
    let client = server.client();
    let is_valid = |number: &usize| client.read(&imported(*number)).status == 200;
    (0..count).filter(is_valid).collect()
}

/// Removes the ended logins of [`PROFILE`]. Returns how many there were.
fn clean_up(server: &Server) -> usize {
    let profile = ObjectId::parse(PROFILE).expect("an id");
    let removed = server.block_on(persistent_login::remove_ended(&server.app, profile));
    removed.expect("the storage works")
}

/// How many logins of all profiles are stored.
fn stored(server: &Server) -> u64 {
    let count = server.app.store.read(tables::persistent_login::count);
    count.expect("the storage works")
}

fn pending(server: &Server) -> usize {
    let profiles = persistent_login::ended_profiles(&server.app);
    profiles.expect("the storage works").len()
}

#[test]
fn many_logins_end_with_one_commit_and_are_removed_afterwards() {
    const LOGINS: usize = 1_000;
    let server = crowded(LOGINS).flag("--cleaner-batch-max=64").start();
    let client = server.client();
    let commits = server.app.store.commits();
    client.delete_by_profile(PROFILE, "").assert_deleted(LOGINS);
    assert_eq!(server.app.store.commits(), commits + 1);
    assert_eq!(stored(&server), LOGINS as u64, "none is removed yet");
    // All of them ended with the commit, wherever they are looked at.
    assert!(valid(&server, 9).is_empty());
    let id = imported(LOGINS - 1);
    client.refresh(&id).assert_no_such_login(&id);
    client.refresh_with(&id, TOKEN).assert_no_such_login(&id);
    client.delete(&id).assert_empty();
    assert_eq!(client.by_profile(PROFILE, "").list(), []);
    client.delete_by_profile(PROFILE, "").assert_deleted(0);
    // Those that are created afterwards are valid, also after a restart.
    let fresh = client.create(PROFILE).login();
    assert_eq!(
        client.by_profile(PROFILE, "").listed_ids(),
        [fresh.id.as_str()]
    );
    let server = Setup::new()
        .home(server.stop())
        .at(NOW)
        .flag("--cleaner-batch-max=64")
        .start();
    let client = server.client();
    assert!(valid(&server, 9).is_empty());
    assert_eq!(client.read(&fresh.id).login(), fresh);
    let commits = server.app.store.commits();
    assert_eq!((clean_up(&server), pending(&server)), (LOGINS, 0));
    let batches = LOGINS.div_ceil(64) as u64;
    assert!((batches..=batches + 1).contains(&(server.app.store.commits() - commits)));
    assert_eq!(stored(&server), 1);
    assert_eq!(
        client.by_profile(PROFILE, "").listed_ids(),
        [fresh.id.as_str()]
    );
    client.refresh_with(&fresh.id, &fresh.token).login();
    assert_eq!(clean_up(&server), 0);
}

#[test]
fn the_excepted_one_of_many_goes_on_and_none_comes_back_by_being_excepted() {
    const LOGINS: usize = 100;
    let server = crowded(LOGINS).start();
    let client = server.client();
    let except = |number| format!("&except={}", imported(number));
    client
        .delete_by_profile(PROFILE, &except(7))
        .assert_deleted(LOGINS - 1);
    assert_eq!(valid(&server, LOGINS), [7]);
    // The eighth one has ended already, and this time the seventh one is not excepted.
    client
        .delete_by_profile(PROFILE, &except(8))
        .assert_deleted(1);
    assert!(valid(&server, LOGINS).is_empty());
    assert_eq!((clean_up(&server), pending(&server)), (LOGINS, 0));
    assert!(valid(&server, LOGINS).is_empty());
}

#[test]
fn the_excepted_one_survives_the_removal_and_ends_with_a_later_end() {
    const LOGINS: usize = 100;
    let server = crowded(LOGINS).start();
    let client = server.client();
    let except = format!("&except={}", imported(7));
    client
        .delete_by_profile(PROFILE, &except)
        .assert_deleted(LOGINS - 1);
    assert_eq!((clean_up(&server), pending(&server)), (LOGINS - 1, 0));
    assert_eq!(valid(&server, LOGINS), [7]);
    assert_eq!(client.by_profile(PROFILE, "").listed_ids(), [imported(7)]);
    client.delete_by_profile(PROFILE, "").assert_deleted(1);
    assert!(valid(&server, LOGINS).is_empty());
}

#[test]
fn logins_that_are_not_valid_are_not_counted_among_many() {
    const LOGINS: usize = 100;
    let server = crowded(LOGINS)
        .flag("--persistent-login-max-age=10s")
        .start();
    let client = server.client();
    server.app.clock.advance(5 * SECOND);
    client.create(PROFILE).login();
    server.app.clock.advance(5 * SECOND);
    client.delete_by_profile(PROFILE, "").assert_deleted(1);
    assert_eq!(clean_up(&server), LOGINS + 1);
}

#[test]
fn ended_logins_take_no_places_of_the_cap_and_are_recorded_once() {
    const LOGINS: usize = 100;
    let server = crowded(LOGINS)
        .flag("--logins-per-profile-max=100")
        .flag("--persistent-login-max-age=10s")
        .start();
    let client = server.client();
    client.delete_by_profile(PROFILE, "").assert_deleted(LOGINS);
    client.create(PROFILE).login();
    server.app.clock.advance(10 * SECOND);
    while server.block_on(persistent_login::delete_expired(&server.app)) != Ok(0) {}
    assert_eq!(clean_up(&server), 0);
    server.wait_for_writer();
    let count = |event| server.app.audit.count(event);
    assert_eq!(count(Event::Revocation(Reason::Cap)), 0);
    assert_eq!(count(Event::Delete), LOGINS as u64);
    assert_eq!(
        count(Event::Expiry),
        1,
        "only that of the one created since"
    );
}

#[test]
fn the_background_job_removes_ended_logins() {
    const LOGINS: usize = 300;
    let server = crowded(LOGINS).flag("--cleaner-interval=1ms").start();
    server
        .client()
        .delete_by_profile(PROFILE, "")
        .assert_deleted(LOGINS);
    server.spawn(jobs::run(Arc::clone(&server.app)));
    wait_until("the ended logins are removed", || {
        stored(&server) == 0 && pending(&server) == 0
    });
}

#[test]
fn a_reuse_ends_many_logins_of_its_profile_at_once() {
    const LOGINS: usize = 100;
    let server = crowded(LOGINS)
        .flag("--reuse-revokes=profile")
        .flag("--lost-answer-grace=0s")
        .start();
    let client = server.client();
    let id = imported(3);
    client.refresh_with(&id, TOKEN).login();
    server.app.clock.advance(600 * SECOND);
    let commits = server.app.store.commits();
    assert_eq!(client.refresh_with(&id, TOKEN).status, 401);
    assert!(valid(&server, LOGINS).is_empty());
    server.wait_for_writer();
    assert_eq!(server.app.store.commits(), commits + 1);
    let revoked = Event::Revocation(Reason::TokenReuse);
    assert_eq!(server.app.audit.count(revoked), LOGINS as u64);
    assert_eq!(clean_up(&server), LOGINS);
}

#[test]
fn a_database_with_an_end_that_is_not_cleaned_up_is_whole() {
    const LOGINS: usize = 100;
    let server = crowded(LOGINS).start();
    let client = server.client();
    let except = format!("&except={}", imported(7));
    client
        .delete_by_profile(PROFILE, &except)
        .assert_deleted(LOGINS - 1);
    client.create(PROFILE).login();
    let home = server.stop();
    let path = home.path().to_string_lossy().into_owned();
    let checked = Launch::new(&["check", "--data-dir", &path]).run();
    assert!(checked.status.success(), "{checked:?}");
    let server = Setup::new().home(home).at(NOW).start();
    assert_eq!(clean_up(&server), LOGINS - 1);
    assert_eq!(valid(&server, LOGINS), [7]);
}
