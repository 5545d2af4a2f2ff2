//! How passwords are hashed and compared, whatever they are hashed for.

use std::task::Poll;

use rememberd::testing::PasswordHash;
use rememberd::testing::service::password::{Comparison, compare, hash};
use rememberd::testing::{App, Failure};

use crate::authentication::{CONTRACT, COSTLIER, password, setup};
use crate::support::server::{Server, wait_until};

fn parse(text: &str) -> PasswordHash {
    PasswordHash::parse(text).expect("a hash")
}

/// Compares and returns how many argon2id hashes that took, too.
fn count(server: &Server, text: &str, stored: Option<&PasswordHash>) -> (Comparison, u64) {
    let app: &App = &server.app;
    let before = app.passwords.hashes();
    let compared = server.block_on(compare(app, password(text), stored.cloned()));
    (
        compared.expect("it is compared"),
        app.passwords.hashes() - before,
    )
}

/// The replacement of what is stored.
fn replacement(comparison: Comparison) -> PasswordHash {
    match comparison {
        Comparison::Same {
            replacement: Some(hash),
        } => hash,
        other => panic!("{other:?} instead of another hash"),
    }
}

#[test]
fn a_new_hash_is_argon2id_with_the_parameters_of_the_settings() {
    let server = setup().flag("--password-hash-passes=3").start();
    let first = server.block_on(hash(&server.app, password("password")));
    let first = first.expect("it is hashed");
    let second = server.block_on(hash(&server.app, password("password")));
    assert!(first.to_text().starts_with("$argon2id$v=19$m=64,t=3,p=1$"));
    assert_ne!(Ok(&first), second.as_ref(), "both have the same salt");
    let same = Comparison::Same { replacement: None };
    assert_eq!(count(&server, "password", Some(&first)), (same, 1));
    assert_eq!(
        count(&server, "Password", Some(&first)),
        (Comparison::Different, 1)
    );
}

#[test]
fn by_default_a_hash_is_as_strong_as_is_recommended() {
    let server = Server::start();
    let hash = server.block_on(hash(&server.app, password("password")));
    let text = hash.expect("it is hashed").to_text();
    assert!(text.starts_with("$argon2id$v=19$m=7168,t=5,p=1$"), "{text}");
}

#[test]
fn another_hash_is_replaced_once_the_password_is_known() {
    let server = setup().start();
    for stored in [CONTRACT, COSTLIER] {
        let (compared, _) = count(&server, "password", Some(&parse(stored)));
        let new = replacement(compared);
        assert!(new.to_text().starts_with("$argon2id$v=19$m=64,t=5,p=1$"));
        let same = Comparison::Same { replacement: None };
        assert_eq!(count(&server, "password", Some(&new)).0, same);
        assert_eq!(
            count(&server, "passwore", Some(&parse(stored))).0,
            Comparison::Different
        );
    }
}

#[test]
fn the_format_of_the_contract_is_kept_for_who_wants_to_move_back() {
    let server = setup().flag("--password-hash=contract").start();
    let new = server.block_on(hash(&server.app, password("password")));
    let new = new.expect("it is hashed").to_text();
    assert_eq!((new.len(), new.find('|')), (69, Some(44)), "{new}");
    let same = || Comparison::Same { replacement: None };
    assert_eq!(count(&server, "password", Some(&parse(&new))).0, same());
    assert_eq!(count(&server, "password", Some(&parse(CONTRACT))).0, same());
    let (compared, _) = count(&server, "password", Some(&parse(COSTLIER)));
    let back = replacement(compared).to_text();
    assert!(back.contains('|'), "{back}");
}

#[test]
fn every_comparison_costs_one_argon2id_hash() {
    for format in ["argon2id", "contract"] {
        let server = setup().flag(&format!("--password-hash={format}")).start();
        let contract = parse(CONTRACT);
        for text in ["password", "wrong"] {
            assert_eq!(count(&server, text, None), (Comparison::Different, 1));
            assert_eq!(
                count(&server, text, Some(&contract)).1,
                1,
                "{format} {text}"
            );
        }
    }
}

#[test]
fn more_passwords_than_may_wait_are_refused() {
    let server = setup()
        .flag("--password-queue-max=1")
        .flag("--password-memory-max=64KiB")
        .flag("--password-hash-passes=100")
        .start();
    let app = &server.app;
    let mut waiting: Vec<_> = (0..8)
        .map(|_| Box::pin(hash(app, password("password"))))
        .collect();
    // All of them are queued before the first is computed.
    let refused = waiting
        .iter_mut()
        .filter_map(|hash| match server.begin(hash.as_mut()) {
            Poll::Ready(Err(failure)) => Some(failure),
            _ => None,
        })
        .filter(|failure| *failure == Failure::Overloaded)
        .count();
    assert!(refused >= 1, "none is refused");
    drop(waiting);
    wait_until("a password is hashed again", || {
        server.block_on(hash(app, password("password"))).is_ok()
    });
}
