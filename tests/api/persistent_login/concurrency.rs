//! Many clients at the same time.

use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;

use crate::support::client::{Client, Login};
use crate::support::concurrency::{distinct, together};
use crate::support::fixture::{LOGIN, PROFILE, first_login};
use crate::support::random::{self, Random};
use crate::support::server::{Server, Setup};

#[test]
fn parallel_refreshes_of_a_login_are_serialized() {
    const REFRESHES: usize = 64;
    let server = Server::start();
    let client = server.client();
    let unfinished = AtomicUsize::new(REFRESHES);
    // A concurrent reader sees each token during one interval only, while it is the current one.
    let (refreshed, mut seen) = thread::scope(|scope| {
        let reader = scope.spawn(|| {
            let mut seen = vec![client.read(LOGIN).login()];
            while unfinished.load(Ordering::SeqCst) > 0 {
                seen.push(client.read(LOGIN).login());
            }
            seen
        });
        let refreshed = together(&server, REFRESHES, |client| {
            let refreshed = client.refresh(LOGIN).login();
            unfinished.fetch_sub(1, Ordering::SeqCst);
            refreshed
        });
        (refreshed, reader.join().expect("no panic"))
    });
    let last = client.read(LOGIN).login();
    seen.push(last.clone());
    seen.dedup();

    let mut tokens: HashSet<&String> = refreshed.iter().map(|login| &login.token).collect();
    assert_eq!(tokens.len(), REFRESHES);
    assert!(tokens.contains(&last.token));
    let first = first_login();
    tokens.insert(&first.token);
    assert_eq!(distinct(seen.iter().map(|login| &login.token)), seen.len());
    for login in refreshed.iter().chain(&seen) {
        assert_eq!(login, &first.with_token(&login.token));
        assert!(tokens.contains(&login.token));
    }
}

#[test]
fn of_two_sequential_refreshes_the_later_one_applies() {
    let server = Server::start();
    let ends = together(&server, 8, |client| {
        // `LOGIN` is refreshed by all threads at the same time, `own` by this thread only.
        let own = client.create(PROFILE).login();
        let mut last = own.clone();
        for _ in 0..10 {
            client.refresh(LOGIN).login();
            last = client.refresh(&own.id).login();
            assert_eq!(client.read(&own.id).login(), last);
        }
        last
    });
    for last in ends {
        assert_eq!(server.client().read(&last.id).login(), last);
    }
}

#[test]
fn a_deleted_login_stays_deleted() {
    const ROUNDS: u64 = 40;
    const REFRESHERS: u64 = 4;
    let server = Server::start();
    let random = Random::new(random::seed());
    for round in 0..ROUNDS {
        let login = server.client().create(PROFILE).login();
        let reads_before = random.below(8);
        let deleted = AtomicBool::new(false);
        let number = AtomicUsize::new(0);
        let refreshes = together(&server, REFRESHERS as usize + 1, |client| {
            if number.fetch_add(1, Ordering::SeqCst) == 0 {
                delete_after(&client, &login, reads_before, &deleted);
                return 0;
            }
            refresh_until_gone(&client, &login, &deleted)
        });
        server
            .client()
            .read(&login.id)
            .assert_no_such_login(&login.id);
        server
            .client()
            .refresh(&login.id)
            .assert_no_such_login(&login.id);
        println!("round {round}: {refreshes:?}");
    }
    let home = server.stop();
    let server = Setup::new().home(home).start();
    assert_eq!(server.client().read(LOGIN).login(), first_login());
}

fn delete_after(client: &Client, login: &Login, reads: u64, deleted: &AtomicBool) {
    for _ in 0..reads {
        client.read(&login.id).login();
    }
    client.delete(&login.id).assert_empty();
    deleted.store(true, Ordering::SeqCst);
    client.read(&login.id).assert_no_such_login(&login.id);
}

/// Refreshes until the login is not found. Returns the number of successful refreshes.
fn refresh_until_gone(client: &Client, login: &Login, deleted: &AtomicBool) -> usize {
    let mut refreshes = 0;
    loop {
        let began_after_delete = deleted.load(Ordering::SeqCst);
        let response = client.refresh(&login.id);
        if began_after_delete || response.status != 200 {
            response.assert_no_such_login(&login.id);
            client.read(&login.id).assert_no_such_login(&login.id);
            return refreshes;
        }
        response.login();
        refreshes += 1;
    }
}

#[test]
fn parallel_creations_return_distinct_logins() {
    const CREATES: usize = 32;
    let server = Server::start();
    let logins = together(&server, CREATES, |client| client.create(PROFILE).login());
    assert_eq!(distinct(logins.iter().map(|login| &login.id)), CREATES);
    assert_eq!(distinct(logins.iter().map(|login| &login.token)), CREATES);
    for login in logins {
        assert_eq!(server.client().read(&login.id).login(), login);
    }
}

#[test]
fn no_login_is_refreshed_after_its_profile_is_disabled() {
    let server = Server::start();
    let disabled = AtomicBool::new(false);
    let number = AtomicUsize::new(0);
    together(&server, 5, |client| {
        if number.fetch_add(1, Ordering::SeqCst) == 0 {
            server.update_profile(PROFILE, |profile| profile.enabled = false);
            disabled.store(true, Ordering::SeqCst);
            return;
        }
        loop {
            let began_after = disabled.load(Ordering::SeqCst);
            let response = client.refresh(LOGIN);
            if began_after || response.status != 200 {
                return response.assert_disabled_profile(PROFILE, "default");
            }
        }
    });
}
