//! Several holders of the same token: the tabs of a browser, or a user and a thief.

use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use rememberd::testing::{
    Caller, Event, LoginError, PersistentLoginRefusal, Revoked, Token, service::persistent_login,
};

use crate::persistent_login::compare_and_rotate::{
    GRACE, LOGIN_REVOKED, STRICT, assert_gone, reused_token,
};
use crate::support::concurrency::{distinct, together};
use crate::support::fixture::{ADMIN, LOGIN, PROFILE, TOKEN, first_login};
use crate::support::random::{self, Random};
use crate::support::server::{Server, Setup};

/// The results of refreshes with these tokens that pass their first check and then run in one batch.
fn in_one_batch(server: &Server, id: &str, tokens: [&str; 2]) -> [Result<String, LoginError>; 2] {
    let held = server.hold_writer();
    let refresh = |token: &str| {
        let caller = Caller::new(Some(ADMIN.to_owned()));
        let token = Token::parse(token).expect("a UUID");
        persistent_login::refresh(&server.app, caller, id.to_owned(), Some(token))
    };
    let mut one = pin!(refresh(tokens[0]));
    let mut two = pin!(refresh(tokens[1]));
    assert!(server.begin(one.as_mut()).is_pending());
    assert!(server.begin(two.as_mut()).is_pending());
    drop(held);
    [server.block_on(one), server.block_on(two)]
        .map(|refreshed| refreshed.map(|done| done.login.token.reveal().to_string()))
}

#[test]
fn two_tabs_in_one_batch_receive_the_same_successor() {
    let server = Server::start();
    let commits = server.app.store.commits();
    let [one, two] = in_one_batch(&server, LOGIN, [TOKEN, TOKEN]);
    assert_eq!(one, two);
    let current = server.client().read(LOGIN).login().token;
    assert_ne!(current, TOKEN);
    assert_eq!(one, Ok(current));
    assert_eq!(server.app.store.commits(), commits + 1);
}

#[test]
fn of_two_reuses_in_one_batch_the_second_finds_no_login() {
    let server = Server::start();
    let (login, reused) = reused_token(&server);
    let revoked = Revoked::Login;
    let id = login.id.clone();
    let refused = [
        Err(PersistentLoginRefusal::TokenReused { revoked }.into()),
        Err(PersistentLoginRefusal::NotFound { id }.into()),
    ];
    assert_eq!(
        in_one_batch(&server, &login.id, [&reused, &reused]),
        refused
    );
    assert_gone(&server.client(), &login.id);
}

#[test]
fn a_reuse_revokes_a_rotation_of_the_same_batch() {
    let server = Server::start();
    let (login, reused) = reused_token(&server);
    let [rotated, reused] = in_one_batch(&server, &login.id, [&login.token, &reused]);
    let revoked = Revoked::Login;
    assert!(rotated.is_ok());
    assert_eq!(
        reused,
        Err(PersistentLoginRefusal::TokenReused { revoked }.into())
    );
    assert_gone(&server.client(), &login.id);
}

#[test]
fn many_tabs_receive_the_same_successor_after_one_rotation() {
    const TABS: usize = 64;
    let server = Server::start();
    let mut current = first_login();
    for round in 1..=3 {
        let logins = together(&server, TABS, |client| {
            client.refresh_with(LOGIN, &current.token).login()
        });
        assert_eq!(distinct(logins.iter().map(|login| &login.token)), 1);
        assert_ne!(logins[0], current);
        assert_eq!(server.client().read(LOGIN).login(), logins[0]);
        server.wait_for_writer();
        assert_eq!(server.app.audit.count(Event::Rotation), round);
        let graces = round * (TABS as u64 - 1);
        assert_eq!(server.app.audit.count(Event::Grace), graces);
        assert_eq!(server.app.audit.count(Event::Reuse), 0);
        current = logins[0].clone();
    }
}

#[test]
fn the_second_holder_of_a_copied_token_causes_a_revocation() {
    let server = Server::start();
    let client = server.client();
    let copied = client.refresh_with(LOGIN, TOKEN).login();
    server.app.clock.advance(10 * GRACE);
    // Whether this is the user or the thief does not matter: both are logged out.
    let next = client.refresh_with(LOGIN, &copied.token).login();
    server.app.clock.advance(10 * GRACE);
    let last = client.refresh_with(LOGIN, &next.token).login();
    client
        .refresh_with(LOGIN, &copied.token)
        .assert_reuse(LOGIN_REVOKED);
    for token in [&copied.token, &next.token, &last.token] {
        client
            .refresh_with(LOGIN, token)
            .assert_no_such_login(LOGIN);
    }
}

#[test]
fn after_a_reuse_is_detected_every_holder_is_logged_out() {
    const ROUNDS: usize = 20;
    const COPIES: usize = 6;
    // All hold a copy of the same token. Without a grace period two of them cannot both continue.
    let server = Setup::new().flag("--reuse-grace=0s").flag(STRICT).start();
    for _ in 0..ROUNDS {
        let stolen = server.client().create(PROFILE).login();
        let detected = AtomicBool::new(false);
        let detections = together(&server, COPIES, |client| {
            let mut token = stolen.token.clone();
            loop {
                let began_after = detected.load(Ordering::SeqCst);
                let response = client.refresh_with(&stolen.id, &token);
                match response.status {
                    200 if !began_after => token = response.login().token,
                    401 if !began_after => {
                        response.assert_reuse(LOGIN_REVOKED);
                        detected.store(true, Ordering::SeqCst);
                        return 1;
                    }
                    _ => {
                        response.assert_no_such_login(&stolen.id);
                        return 0;
                    }
                }
            }
        });
        assert_eq!(detections.iter().sum::<usize>(), 1);
        assert_gone(&server.client(), &stolen.id);
    }
}

#[test]
fn two_who_use_one_cookie_within_the_grace_of_each_other_are_warned_of_once() {
    let server = Server::start();
    let client = server.client();
    let created = client.create(PROFILE).login();
    let id = created.id.as_str();
    let mut token = created.token;
    for generation in 1..=20 {
        let next = client.refresh_with(id, &token).login();
        server.app.clock.advance(Duration::from_secs(11));
        for _ in 0..2 {
            assert_eq!(client.refresh_with(id, &token).login(), next);
        }
        server.wait_for_writer();
        let warnings = server.app.audit.count(Event::Shared);
        assert_eq!(warnings, u64::from(generation >= 8), "{generation}");
        token = next.token;
        server.app.clock.advance(10 * GRACE);
    }
    // A burst within ten seconds is one client.
    let honest = client.create(PROFILE).login();
    let mut token = honest.token;
    for _ in 0..10 {
        let next = client.refresh_with(&honest.id, &token).login();
        server.app.clock.advance(Duration::from_secs(10));
        client.refresh_with(&honest.id, &token).login();
        token = next.token;
    }
    assert_eq!(server.app.audit.count(Event::Shared), 1);
}

/// The expected state of a login: its tokens in their order, when each was replaced, and whether it was presented.
struct Expected {
    tokens: Vec<String>,
    replaced: Vec<Duration>,
    now: Duration,
}

impl Expected {
    /// What presenting the token must come to: the current one must be rotated; one replaced a moment ago must
    /// get the current one, and one replaced long ago must be refused.
    fn age_of(&self, token: &str) -> Option<Duration> {
        let index = self.tokens.iter().position(|other| other == token);
        let replaced = self.replaced.get(index.expect("the login had the token"))?;
        Some(self.now - *replaced)
    }
}

#[test]
fn random_refreshes_by_two_holders_follow_the_rules() {
    let server = Setup::new().flag(STRICT).start();
    let client = server.client();
    let random = Random::new(random::seed());
    for _ in 0..40 {
        let login = client.create(PROFILE).login();
        let mut holders = [login.token.clone(), login.token.clone()];
        let mut expected = Expected {
            tokens: vec![login.token.clone()],
            replaced: Vec::new(),
            now: Duration::ZERO,
        };
        loop {
            let step = GRACE / 4 * u32::try_from(random.below(8)).expect("a small number");
            server.app.clock.advance(step);
            expected.now += step;
            let holder = &mut holders[usize::from(random.below(2) == 1)];
            let response = client.refresh_with(&login.id, holder);
            let current = expected.tokens.last().expect("there is one").clone();
            match expected.age_of(holder) {
                None => {
                    *holder = response.login().token;
                    assert!(!expected.tokens.contains(holder));
                    expected.tokens.push(holder.clone());
                    expected.replaced.push(expected.now);
                }
                Some(age) if age <= GRACE => {
                    *holder = response.login().token;
                    assert_eq!(*holder, current);
                }
                // Between one and three grace periods both are right.
                Some(age) if age <= 3 * GRACE && response.status == 200 => {
                    *holder = response.login().token;
                    assert_eq!(*holder, current);
                }
                Some(_) => {
                    response.assert_reuse(LOGIN_REVOKED);
                    break;
                }
            }
        }
        for holder in holders.iter().chain(expected.tokens.last()) {
            client
                .refresh_with(&login.id, holder)
                .assert_no_such_login(&login.id);
        }
    }
}
