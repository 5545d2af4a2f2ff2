//! The responses to failures are delayed, and nothing else is.

use std::thread;
use std::time::{Duration, Instant};

use crate::authentication::{PASSWORD, setup};
use crate::support::fixture::{DISABLED_PROFILE, LOGIN};
use crate::support::server::wait_until;

/// Far more than a request takes otherwise.
const DELAY: Duration = Duration::from_secs(3);

#[test]
fn the_third_failure_is_delayed_and_holds_up_nobody() {
    let server = setup()
        .flag("--sign-in-delay=3s")
        .flag("--password-memory-max=64KiB")
        .start();
    server.update_profile(DISABLED_PROFILE, |profile| profile.enabled = true);
    let client = server.client();
    let began = Instant::now();
    for _ in 0..2 {
        client.sign_in("jdoe", "wrong").assert_bad_credentials();
    }
    assert!(began.elapsed() < DELAY, "the first two are delayed");
    thread::scope(|scope| {
        let hashes = server.app.passwords.hashes();
        let began = Instant::now();
        let delayed: Vec<_> = (0..4)
            .map(|_| {
                let client = crate::support::client::Client::new(server.address);
                scope.spawn(move || {
                    client.sign_in("jdoe", "wrong").assert_bad_credentials();
                    began.elapsed()
                })
            })
            .collect();
        wait_until("all are compared", || {
            server.app.passwords.hashes() == hashes + 4
        });
        // On one of two threads that serve, and on the only one that hashes.
        client.read(LOGIN).login();
        client.sign_in("old", PASSWORD).ticket();
        client.sign_in("jdoe", PASSWORD).ticket();
        assert!(delayed.iter().all(|delayed| !delayed.is_finished()));
        for delayed in delayed {
            let elapsed = delayed.join().expect("it is refused");
            assert!(elapsed >= DELAY, "after {elapsed:?}");
        }
    });
}

#[test]
fn by_default_the_delay_is_a_second() {
    let server = setup().start();
    let client = server.client();
    let elapsed = [(); 3].map(|()| {
        let began = Instant::now();
        client.sign_in("jdoe", "wrong").assert_bad_credentials();
        began.elapsed()
    });
    assert!(elapsed[2] >= Duration::from_secs(1), "{elapsed:?}");
}

#[test]
fn no_more_sign_ins_wait_than_may() {
    let server = setup()
        .flag("--sign-in-failures-at-once=0")
        .flag("--sign-in-delay=3s")
        .flag("--sign-ins-max=1")
        .start();
    thread::scope(|scope| {
        let hashes = server.app.passwords.hashes();
        let client = server.client();
        let delayed = scope.spawn(move || client.sign_in("jdoe", "wrong"));
        wait_until("it is compared", || {
            server.app.passwords.hashes() == hashes + 1
        });
        let response = server.client().sign_in("jdoe", PASSWORD);
        response.assert_other_error(503);
        assert_eq!(response.header("retry-after"), "1");
        delayed
            .join()
            .expect("it is refused")
            .assert_bad_credentials();
    });
    server.client().sign_in("jdoe", PASSWORD).ticket();
}
