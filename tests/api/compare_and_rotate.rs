//! A refresh that tells which token the user presented: compared and rotated in one.

use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use rememberd::domain::persistent_login::Token;
use rememberd::error::{Error, Refusal, Revoked};
use rememberd::service::access::Caller;
use rememberd::service::persistent_login;
use rememberd::trail::Event;

use crate::client::{Answer, Client, LOGINS};
use crate::crowd::{distinct, together};
use crate::fixture::{
    ACME_LOGIN, ADMIN, DISABLED_LOGIN, DISABLED_PROFILE, EXPIRING, EXPIRY, LOGIN, NO_LOGIN, NOW,
    POWERLESS, PROFILE, PROFILES, TOKEN, first_login,
};
use crate::random::{self, Random};
use crate::server::{Server, Setup};

/// How long a replaced token is answered by default.
const GRACE: Duration = Duration::from_secs(60);

const MILLISECOND: Duration = Duration::from_millis(1);

/// A UUID that nobody was given as a token.
const NO_TOKEN: &str = "11111111-2222-4333-8444-555555555555";

const LOGIN_REVOKED: &str = "the persistent login was revoked";

#[track_caller]
fn is_gone(client: &Client, id: &str) {
    client.read(id).is_no_login(id);
    client.refresh(id).is_no_login(id);
}

/// Asserts that `work` is done without a commit.
#[track_caller]
fn costs_no_commit(server: &Server, work: impl FnOnce()) {
    let commits = server.app.store.commits();
    work();
    server.wait_for_writer();
    assert_eq!(server.app.store.commits(), commits);
}

#[test]
fn the_current_token_is_rotated() {
    let server = Server::start();
    let client = server.client();
    let mut current = first_login();
    for _ in 0..5 {
        server.app.clock.advance(10 * GRACE);
        let next = client.refresh_with(LOGIN, &current.token).login();
        assert_ne!(next.token, current.token);
        assert_eq!(next, first_login().with_token(&next.token));
        assert_eq!(client.read(LOGIN).login(), next);
        current = next;
    }
}

#[test]
fn the_token_just_replaced_gets_its_successor_and_costs_no_commit() {
    let server = Server::start();
    let client = server.client();
    server.app.clock.advance(GRACE);
    let next = client.refresh_with(LOGIN, TOKEN).login();
    costs_no_commit(&server, || {
        for _ in 0..3 {
            assert_eq!(client.refresh_with(LOGIN, TOKEN).login(), next);
        }
        assert_eq!(client.read(LOGIN).login(), next);
    });
    // The successor is as good as if it had been told once.
    assert_ne!(client.refresh_with(LOGIN, &next.token).login(), next);
}

#[test]
fn the_grace_period_counts_from_the_rotation_and_holds_its_last_moment() {
    let server = Server::start();
    let client = server.client();
    let next = client.refresh_with(LOGIN, TOKEN).login();
    for step in [GRACE / 2, GRACE / 2] {
        server.app.clock.advance(step);
        assert_eq!(client.refresh_with(LOGIN, TOKEN).login(), next);
    }
    server.app.clock.advance(MILLISECOND);
    client.refresh_with(LOGIN, TOKEN).is_reuse(LOGIN_REVOKED);
    is_gone(&client, LOGIN);
    // Whoever holds the current token is logged out with the other.
    client.refresh_with(LOGIN, &next.token).is_no_login(LOGIN);
}

#[test]
fn the_grace_period_is_configurable() {
    let server = Setup::new().flag("--reuse-grace=5s").start();
    let client = server.client();
    let next = client.refresh_with(LOGIN, TOKEN).login();
    server.app.clock.advance(Duration::from_secs(5));
    assert_eq!(client.refresh_with(LOGIN, TOKEN).login(), next);
    server.app.clock.advance(MILLISECOND);
    client.refresh_with(LOGIN, TOKEN).is_reuse(LOGIN_REVOKED);
}

#[test]
fn without_a_grace_period_a_replaced_token_is_used_up_at_once() {
    let server = Setup::new().flag("--reuse-grace=0s").start();
    let client = server.client();
    let next = client.refresh_with(LOGIN, TOKEN).login();
    let next = client.refresh_with(LOGIN, &next.token).login();
    client.refresh_with(LOGIN, TOKEN).is_reuse(LOGIN_REVOKED);
    client.refresh_with(LOGIN, &next.token).is_no_login(LOGIN);
    let other = client.create(PROFILE).login();
    client.refresh_with(&other.id, &other.token).login();
    client
        .refresh_with(&other.id, &other.token)
        .is_reuse(LOGIN_REVOKED);
}

#[test]
fn a_token_replaced_before_the_last_one_was_used_already() {
    let server = Server::start();
    let client = server.client();
    let next = client.refresh_with(LOGIN, TOKEN).login();
    let last = client.refresh_with(LOGIN, &next.token).login();
    client.refresh_with(LOGIN, TOKEN).is_reuse(LOGIN_REVOKED);
    is_gone(&client, LOGIN);
    for token in [TOKEN, &next.token, &last.token] {
        client.refresh_with(LOGIN, token).is_no_login(LOGIN);
    }
    client.delete(LOGIN).is_empty();
}

#[test]
fn a_token_that_is_not_of_this_login_revokes_this_login_alone() {
    let server = Server::start();
    let client = server.client();
    let (one, two) = (
        client.create(PROFILE).login(),
        client.create(PROFILE).login(),
    );
    client
        .refresh_with(LOGIN, &one.token)
        .is_reuse(LOGIN_REVOKED);
    is_gone(&client, LOGIN);
    client
        .refresh_with(&one.id, NO_TOKEN)
        .is_reuse(LOGIN_REVOKED);
    is_gone(&client, &one.id);
    assert_eq!(client.read(&two.id).login(), two);
}

#[test]
fn a_reuse_may_revoke_every_login_of_the_profile() {
    let server = Setup::new().flag("--reuse-revokes=profile").start();
    let client = server.client();
    let mut others = [
        client.create(PROFILE).login(),
        client.create(PROFILE).login(),
    ];
    others[0] = client.refresh_with(&others[0].id, &others[0].token).login();
    let of_another_profile = client.read(ACME_LOGIN).login();
    client
        .refresh_with(LOGIN, NO_TOKEN)
        .is_reuse("all persistent logins of the profile were revoked");
    is_gone(&client, LOGIN);
    for other in &others {
        is_gone(&client, &other.id);
    }
    assert_eq!(client.by_profile(PROFILE, "").list(), []);
    assert_eq!(client.read(ACME_LOGIN).login(), of_another_profile);
    // The profile may log in again.
    let fresh = client.create(PROFILE).login();
    client.refresh_with(&fresh.id, &fresh.token).login();
}

#[test]
fn a_reuse_may_revoke_nothing() {
    let server = Setup::new().flag("--reuse-revokes=none").start();
    let client = server.client();
    let next = client.refresh_with(LOGIN, TOKEN).login();
    costs_no_commit(&server, || {
        client
            .refresh_with(LOGIN, NO_TOKEN)
            .is_reuse("nothing was revoked");
        assert_eq!(client.refresh_with(LOGIN, TOKEN).login(), next);
    });
    server.app.clock.advance(GRACE + MILLISECOND);
    client
        .refresh_with(LOGIN, TOKEN)
        .is_reuse("nothing was revoked");
    assert_eq!(client.read(LOGIN).login(), next);
    client.refresh_with(LOGIN, &next.token).login();
}

#[test]
fn a_refresh_without_a_token_counts_as_a_rotation() {
    let server = Server::start();
    let client = server.client();
    let next = client.refresh(LOGIN).login();
    assert_eq!(client.refresh_with(LOGIN, TOKEN).login(), next);
    client.refresh(LOGIN).login();
    client.refresh_with(LOGIN, TOKEN).is_reuse(LOGIN_REVOKED);
    is_gone(&client, LOGIN);
}

#[test]
fn what_is_no_uuid_is_refused_and_nothing_changes() {
    let server = Server::start();
    let client = server.client();
    let braced = format!("{{{TOKEN}}}");
    let urn = format!("urn:uuid:{TOKEN}");
    let (simple, padded) = (TOKEN.replace('-', ""), format!(" {TOKEN} "));
    let long = TOKEN.repeat(100);
    let not_hex = TOKEN.replace('f', "g");
    let misplaced = "f390e222c-844-44a2-ad38-afa471527101";
    costs_no_commit(&server, || {
        for token in [
            "", "x", &braced, &urn, &simple, &padded, &long, &not_hex, misplaced, "null",
        ] {
            client.refresh_with(LOGIN, token).is_bad_parameter("token");
        }
    });
    assert_eq!(client.read(LOGIN).login(), first_login());
    client.refresh_with(LOGIN, TOKEN).login();
}

#[test]
fn the_access_token_is_looked_at_first() {
    let server = Server::start();
    let client = server.client();
    let unknown = client.with_token("nobody");
    for token in ["", "x", TOKEN, NO_TOKEN] {
        unknown.refresh_with(LOGIN, token).is_error(
            403,
            "ACCESS_DENIED",
            "No access token found for ID \"nobody\"",
        );
    }
    client.with_token("").refresh_with(LOGIN, "x").is_error(
        403,
        "ACCESS_DENIED",
        "Access token ID param missing from request",
    );
    server.app.clock.advance(Duration::from_millis(
        EXPIRY.as_millis().abs_diff(NOW.as_millis()),
    ));
    let expired = client.with_token(EXPIRING).refresh_with(LOGIN, NO_TOKEN);
    assert!(expired.body.contains("expired on"), "{expired:?}");
    assert_eq!(client.read(LOGIN).login(), first_login());
}

#[test]
fn who_may_not_refresh_may_not_revoke() {
    let server = Server::start();
    let client = server.client();
    for caller in [POWERLESS, PROFILES] {
        for token in [TOKEN, NO_TOKEN] {
            let answer = client.with_token(caller).refresh_with(LOGIN, token);
            answer.is_denied("MANAGE_TICKETS", "default");
        }
    }
    assert_eq!(client.read(LOGIN).login(), first_login());
}

#[test]
fn a_token_may_be_presented_in_upper_case() {
    let server = Server::start();
    let client = server.client();
    let upper = TOKEN.to_uppercase();
    let next = client.refresh_with(LOGIN, &upper).login();
    assert_eq!(next.token, next.token.to_lowercase());
    assert_eq!(client.refresh_with(LOGIN, &upper).login(), next);
}

#[test]
fn a_login_that_is_not_there_is_not_found_whatever_is_presented() {
    let server = Server::start();
    let client = server.client();
    let (deleted, expired) = (client.create(PROFILE).login(), first_login());
    client.delete(&deleted.id).is_empty();
    server.app.clock.advance(Duration::from_secs(1_296_000));
    let upper = LOGIN.to_uppercase();
    for (id, token) in [
        (NO_LOGIN, NO_TOKEN),
        ("not-a-uuid", NO_TOKEN),
        (&upper, TOKEN),
        (&deleted.id, &deleted.token),
        (&expired.id, &expired.token),
        (&expired.id, NO_TOKEN),
    ] {
        client.refresh_with(id, token).is_no_login(id);
    }
}

#[test]
fn a_disabled_profile_is_told_before_a_reuse() {
    let server = Server::start();
    let client = server.client();
    let before = client.read(DISABLED_LOGIN).login();
    for token in [before.token.as_str(), NO_TOKEN] {
        let answer = client.refresh_with(DISABLED_LOGIN, token);
        answer.is_disabled_profile(DISABLED_PROFILE, "default");
    }
    server.update_profile(DISABLED_PROFILE, |profile| profile.enabled = true);
    assert_eq!(client.read(DISABLED_LOGIN).login(), before);
    client.refresh_with(DISABLED_LOGIN, &before.token).login();
}

#[test]
fn a_token_may_stand_in_the_query_which_wins() {
    let server = Server::start();
    let client = server.client();
    let refresh = |query: &str, form: &str| -> Answer {
        let target = format!("{LOGINS}/{LOGIN}/refresh_token?accessTokenId={ADMIN}{query}");
        client.post(&target, form)
    };
    let next = refresh(&format!("&token={TOKEN}"), "").login();
    let current = format!("&token={}", next.token);
    let last = refresh(&current, &format!("token={NO_TOKEN}")).login();
    assert_ne!(last, next);
    refresh("&token=", &format!("token={}", last.token)).is_bad_parameter("token");
    assert_eq!(client.read(LOGIN).login(), last);
    refresh(&format!("&token={NO_TOKEN}"), &current[1..]).is_reuse(LOGIN_REVOKED);
}

#[test]
fn what_a_rotation_replaced_is_known_after_a_restart() {
    let server = Server::start();
    let next = server.client().refresh_with(LOGIN, TOKEN).login();
    let later = NOW.plus(GRACE);
    let server = Setup::new().home(server.stop()).at(later).start();
    assert_eq!(server.client().refresh_with(LOGIN, TOKEN).login(), next);
    server.app.clock.advance(MILLISECOND);
    server
        .client()
        .refresh_with(LOGIN, TOKEN)
        .is_reuse(LOGIN_REVOKED);
    let server = Setup::new().home(server.stop()).at(later).start();
    is_gone(&server.client(), LOGIN);
}

/// What becomes of refreshes with these tokens that all pass their first check and then share a batch.
fn in_one_batch(server: &Server, tokens: [&str; 2]) -> [Result<String, Error>; 2] {
    let held = server.hold_writer();
    let refresh = |token: &str| {
        let caller = Caller::new(Some(ADMIN.to_owned()));
        let token = Token::parse_presented(token).expect("a UUID");
        persistent_login::refresh(&server.app, caller, LOGIN.to_owned(), Some(token))
    };
    let mut one = pin!(refresh(tokens[0]));
    let mut two = pin!(refresh(tokens[1]));
    assert!(server.begin(one.as_mut()).is_pending());
    assert!(server.begin(two.as_mut()).is_pending());
    drop(held);
    [server.block_on(one), server.block_on(two)]
        .map(|refreshed| refreshed.map(|login| login.token.reveal().to_string()))
}

#[test]
fn two_tabs_in_one_batch_end_with_the_same_successor() {
    let server = Server::start();
    let commits = server.app.store.commits();
    let [one, two] = in_one_batch(&server, [TOKEN, TOKEN]);
    assert_eq!(one, two);
    let current = server.client().read(LOGIN).login().token;
    assert_ne!(current, TOKEN);
    assert_eq!(one, Ok(current));
    assert_eq!(server.app.store.commits(), commits + 1);
}

#[test]
fn of_two_reuses_in_one_batch_the_second_finds_nothing() {
    let server = Server::start();
    let revoked = Revoked::Login;
    let id = LOGIN.to_owned();
    let refused = [
        Err(Refusal::TokenReused { revoked }.into()),
        Err(Refusal::NoSuchPersistentLogin { id }.into()),
    ];
    assert_eq!(in_one_batch(&server, [NO_TOKEN, NO_TOKEN]), refused);
    is_gone(&server.client(), LOGIN);
}

#[test]
fn a_rotation_does_not_outlive_the_reuse_in_its_batch() {
    let server = Server::start();
    let [rotated, reused] = in_one_batch(&server, [TOKEN, NO_TOKEN]);
    let revoked = Revoked::Login;
    assert!(rotated.is_ok());
    assert_eq!(reused, Err(Refusal::TokenReused { revoked }.into()));
    is_gone(&server.client(), LOGIN);
}

#[test]
fn many_tabs_end_with_the_same_successor_after_one_rotation() {
    const TABS: usize = 64;
    let server = Server::start();
    let mut current = first_login();
    for round in 1..=3 {
        let answers = together(&server, TABS, |client| {
            client.refresh_with(LOGIN, &current.token).login()
        });
        assert_eq!(distinct(answers.iter().map(|login| &login.token)), 1);
        assert_ne!(answers[0], current);
        assert_eq!(server.client().read(LOGIN).login(), answers[0]);
        server.wait_for_writer();
        assert_eq!(server.app.trail.count(Event::Rotation), round);
        let graces = round * (TABS as u64 - 1);
        assert_eq!(server.app.trail.count(Event::Grace), graces);
        assert_eq!(server.app.trail.count(Event::Reuse), 0);
        current = answers[0].clone();
    }
}

#[test]
fn the_later_of_two_holders_of_a_copy_gives_it_away() {
    let server = Server::start();
    let client = server.client();
    let copied = client.refresh_with(LOGIN, TOKEN).login();
    server.app.clock.advance(10 * GRACE);
    // Whether this is the user or the thief does not matter: neither stays in.
    let next = client.refresh_with(LOGIN, &copied.token).login();
    server.app.clock.advance(10 * GRACE);
    let last = client.refresh_with(LOGIN, &next.token).login();
    client
        .refresh_with(LOGIN, &copied.token)
        .is_reuse(LOGIN_REVOKED);
    for token in [&copied.token, &next.token, &last.token] {
        client.refresh_with(LOGIN, token).is_no_login(LOGIN);
    }
}

#[test]
fn once_a_reuse_is_detected_nobody_stays_in() {
    const ROUNDS: usize = 20;
    const COPIES: usize = 6;
    // Everyone holds a copy of the same token. Without a grace period two of them cannot go on.
    let server = Setup::new().flag("--reuse-grace=0s").start();
    for _ in 0..ROUNDS {
        let stolen = server.client().create(PROFILE).login();
        let detected = AtomicBool::new(false);
        let detections = together(&server, COPIES, |client| {
            let mut token = stolen.token.clone();
            loop {
                let began_after = detected.load(Ordering::SeqCst);
                let answer = client.refresh_with(&stolen.id, &token);
                match answer.status {
                    200 if !began_after => token = answer.login().token,
                    401 if !began_after => {
                        answer.is_reuse(LOGIN_REVOKED);
                        detected.store(true, Ordering::SeqCst);
                        return 1;
                    }
                    _ => {
                        answer.is_no_login(&stolen.id);
                        return 0;
                    }
                }
            }
        });
        assert_eq!(detections.iter().sum::<usize>(), 1);
        is_gone(&server.client(), &stolen.id);
    }
}

/// What the rules make of a login: its tokens, and when the last of them came.
struct Expected {
    current: String,
    replaced: Option<String>,
    age: Duration,
}

#[test]
fn two_holders_of_a_copy_are_told_apart_by_the_rules_alone() {
    let server = Server::start();
    let client = server.client();
    let random = Random::new(random::seed());
    for _ in 0..40 {
        let login = client.create(PROFILE).login();
        let mut holders = [login.token.clone(), login.token.clone()];
        let mut expected = Expected {
            current: login.token.clone(),
            replaced: None,
            age: Duration::ZERO,
        };
        loop {
            let step = GRACE / 4 * u32::try_from(random.below(8)).expect("a small number");
            server.app.clock.advance(step);
            expected.age += step;
            let holder = &mut holders[usize::from(random.below(2) == 1)];
            let answer = client.refresh_with(&login.id, holder);
            if *holder == expected.current {
                *holder = answer.login().token;
                assert_ne!(*holder, expected.current);
                expected.replaced = Some(expected.current);
                expected.current = holder.clone();
                expected.age = Duration::ZERO;
            } else if Some(&*holder) == expected.replaced.as_ref() && expected.age <= GRACE {
                *holder = answer.login().token;
                assert_eq!(*holder, expected.current);
            } else {
                answer.is_reuse(LOGIN_REVOKED);
                break;
            }
        }
        for holder in holders.iter().chain([&expected.current]) {
            client
                .refresh_with(&login.id, holder)
                .is_no_login(&login.id);
        }
    }
}
