//! Many guesses at once, and changes while a password is compared.

use std::pin::{Pin, pin};

use rememberd::testing::service::authentication::{
    AuthenticationRefusal, Credentials, authenticate,
};
use rememberd::testing::service::password::compare;
use rememberd::testing::{Caller, ObjectId, PasswordHash, tables::profile};

use crate::authentication::{COSTLIER, PASSWORD, password, setup, without_delay};
use crate::support::concurrency::together;
use crate::support::fixture::{ADMIN, PROFILE};
use crate::support::server::{Server, Setup};

/// Settings with which passwords are compared one after the other.
fn one_by_one() -> Setup {
    without_delay().flag("--password-memory-max=64KiB")
}

fn caller() -> Caller {
    Caller::new(Some(ADMIN.to_owned()))
}

fn jdoe(text: &str) -> Credentials {
    Credentials {
        tenant: "default".to_owned(),
        username: "jdoe".to_owned(),
        password: password(text),
    }
}

/// Polls a sign-in until its password is compared and its write is queued.
fn queue_write<T>(server: &Server, mut sign_in: Pin<&mut impl Future<Output = T>>) {
    assert!(server.begin(sign_in.as_mut()).is_pending());
    // It is compared by the same thread, behind that of the sign-in.
    let compared = server.block_on(compare(&server.app, password(PASSWORD), None));
    compared.expect("it is compared");
    assert!(server.begin(sign_in).is_pending());
}

#[test]
fn of_a_hundred_guesses_at_once_ten_are_counted() {
    let server = without_delay().flag("--password-queue-max=200").start();
    let responses = together(&server, 100, |client| client.sign_in("jdoe", "wrong"));
    let (failed, locked): (Vec<_>, Vec<_>) = responses
        .iter()
        .partition(|response| response.status == 401);
    assert_eq!(failed.len(), 10);
    for response in failed {
        response.assert_bad_credentials();
    }
    for response in locked {
        response.assert_locked("10 minutes", 600);
    }
    let response = server.client().sign_in("jdoe", PASSWORD);
    response.assert_locked("10 minutes", 600);
}

#[test]
fn many_right_passwords_at_once_are_all_right() {
    // The first one replaces the hash that the others are compared with.
    let server = setup().flag("--password-queue-max=200").start();
    let responses = together(&server, 20, |client| client.sign_in("jdoe", PASSWORD));
    for response in responses {
        response.ticket();
    }
}

#[test]
fn the_right_password_is_refused_if_the_tenth_failure_is_before_it() {
    let server = one_by_one().start();
    for _ in 0..9 {
        server
            .client()
            .sign_in("jdoe", "wrong")
            .assert_bad_credentials();
    }
    let held = server.hold_writer();
    let mut wrong = pin!(authenticate(&server.app, caller(), jdoe("wrong")));
    queue_write(&server, wrong.as_mut());
    let mut right = pin!(authenticate(&server.app, caller(), jdoe(PASSWORD)));
    queue_write(&server, right.as_mut());
    drop(held);
    let refused = |refusal| Some(rememberd::testing::SignInError::Refused(refusal));
    assert_eq!(
        server.block_on(wrong).err(),
        refused(AuthenticationRefusal::BadCredentials)
    );
    let left = std::time::Duration::from_secs(600);
    assert_eq!(
        server.block_on(right).err(),
        refused(AuthenticationRefusal::Locked { left })
    );
}

#[test]
fn a_password_that_is_changed_while_it_is_compared_does_not_count() {
    let server = one_by_one().start();
    let id = ObjectId::parse(PROFILE).expect("an id");
    for (changed, is_right) in [(None, false), (PasswordHash::parse(COSTLIER), true)] {
        let held = server.hold_writer();
        let mut change = pin!(server.app.store.write(move |txn| {
            let mut found = profile::get(txn, id)?.expect("it exists");
            found.password = changed.clone();
            profile::put(txn, &found)
        }));
        assert!(server.begin(change.as_mut()).is_pending());
        let mut sign_in = pin!(authenticate(&server.app, caller(), jdoe(PASSWORD)));
        queue_write(&server, sign_in.as_mut());
        drop(held);
        server.block_on(change).expect("it is changed");
        assert_eq!(server.block_on(sign_in).is_ok(), is_right);
    }
}
