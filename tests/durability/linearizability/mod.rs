//! Linearizability of the real server with many concurrent clients: some sequential order of the calls
//! must explain all responses (see `checker` and `specification`).
//!
//! `REMEMBERD_TEST_SEED` replays the clients' choices, but not how their calls overlap; a history that
//! fails is printed. `REMEMBERD_TEST_LONG=1` runs many more histories.

mod backup;
mod checker;
mod client;
mod examples;
mod registry;
mod server;
mod specification;

use std::collections::BTreeMap;
use std::sync::Barrier;
use std::thread;
use std::time::Instant;

use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{Rng, RngExt, SeedableRng};
use uuid::Uuid;

use crate::linearizability::checker::{CALLS_MAX, Event};
use crate::linearizability::client::{Client, Ending};
use crate::linearizability::registry::Registry;
use crate::linearizability::server::Server;
use crate::linearizability::specification::{
    Call, LoginId, Presented, Response, Revokes, Rules, State,
};
use crate::support;

/// The number of histories for each setting.
const HISTORIES: usize = 25;

/// The number of histories for each setting in a long run.
const HISTORIES_LONG: usize = 2_000;

const CLIENTS: usize = 8;

/// The number of calls of each client in a history.
const CALLS: usize = 6;

/// The number of logins at the start of a history.
const LOGINS: usize = 2;

const _: () = assert!(CLIENTS * CALLS + LOGINS <= CALLS_MAX);

#[test]
fn with_grace() {
    let rules = Rules {
        grace: true,
        coalesce: false,
        revokes: Revokes::Login,
    };
    assert_linearizable(&["--reuse-grace=10m"], rules, Scope::Login);
}

#[test]
fn without_grace() {
    let rules = Rules {
        grace: false,
        coalesce: false,
        revokes: Revokes::Nothing,
    };
    let flags = [
        "--reuse-grace=0s",
        "--lost-answer-grace=0s",
        "--reuse-revokes=none",
    ];
    assert_linearizable(&flags, rules, Scope::Login);
}

#[test]
fn coalescing_refreshes() {
    let rules = Rules {
        grace: true,
        coalesce: true,
        revokes: Revokes::Login,
    };
    let flags = ["--reuse-grace=10m", "--coalesce-refreshes=10m"];
    assert_linearizable(&flags, rules, Scope::Login);
}

#[test]
fn revoking_profiles() {
    let rules = Rules {
        grace: true,
        coalesce: false,
        revokes: Revokes::Profile,
    };
    let flags = ["--reuse-grace=10m", "--reuse-revokes=profile"];
    assert_linearizable(&flags, rules, Scope::Profile);
}

#[test]
fn listing_and_deleting_the_logins_of_a_profile() {
    let rules = Rules {
        grace: false,
        coalesce: true,
        revokes: Revokes::Nothing,
    };
    let flags = [
        "--reuse-grace=0s",
        "--lost-answer-grace=0s",
        "--coalesce-refreshes=10m",
        "--reuse-revokes=none",
    ];
    assert_linearizable(&flags, rules, Scope::Profile);
}

/// The logins that one call may concern.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Scope {
    Login,
    Profile,
}

/// Runs histories with these settings, and asserts that each is linearizable.
fn assert_linearizable(flags: &[&str], rules: Rules, scope: Scope) {
    let mut random = StdRng::seed_from_u64(support::test_seed());
    let count = if support::is_long() {
        HISTORIES_LONG
    } else {
        HISTORIES
    };
    let server = Server::start(flags, count);
    let mut tally = Tally::default();
    for number in 0..count {
        let profile = server::profile(number);
        let events = history(&server, &profile, scope, &mut random);
        let parts = match scope {
            Scope::Login => checker::by_login(&events),
            Scope::Profile => vec![events],
        };
        for events in parts {
            let order = checker::linearize(&rules, &events)
                .unwrap_or_else(|violation| panic!("history {number}: {violation:?}"));
            tally.count(&rules, &events, &order);
        }
    }
    eprintln!("{count} histories: {:?}", tally.0);
    tally.assert_seen(&["overlapped", "rotated", "reused", "not found", "lost"]);
    if rules.grace || rules.coalesce {
        tally.assert_seen(&["repeated"]);
    }
}

/// Runs clients on a profile that has no logins yet. Returns all their calls in the order of their starts.
fn history(server: &Server, profile: &str, scope: Scope, random: &mut StdRng) -> Vec<Event> {
    let registry = Registry::default();
    let epoch = Instant::now();
    let client = || Client::new(server.address, profile, &registry, epoch);
    let mut first = client();
    for _ in 0..LOGINS {
        first.call(Call::Create, Ending::Received);
    }
    let start = Barrier::new(CLIENTS);
    let mut events = first.events;
    thread::scope(|threads| {
        let clients: Vec<_> = (0..CLIENTS)
            .map(|_| {
                let mut random = StdRng::seed_from_u64(random.next_u64());
                let (mut client, registry, start) = (client(), &registry, &start);
                threads.spawn(move || {
                    start.wait();
                    for _ in 0..CALLS {
                        let (call, ending) = choose(&mut random, registry, scope);
                        client.call(call, ending);
                    }
                    client.events
                })
            })
            .collect();
        for client in clients {
            events.extend(client.join().expect("the client does not panic"));
        }
    });
    events.sort_by_key(|event| event.start);
    events
}

/// Draws the next call of a client.
fn choose(random: &mut StdRng, registry: &Registry, scope: Scope) -> (Call, Ending) {
    let logins = registry.logins();
    // The newest logins are the most likely to exist still.
    let newest = &logins[logins.len().saturating_sub(LOGINS)..];
    let pool = if random.random_ratio(1, 8) {
        &logins
    } else {
        newest
    };
    let id = *pool
        .choose(random)
        .expect("there are logins from the start");
    let call = match (random.random_range(0..100), scope) {
        (0..20, _) => Call::Read(id),
        (20..35, _) => Call::Refresh(id, Presented::Nothing),
        (35..78, _) => Call::Refresh(id, present(random, registry, id)),
        (78..82, _) => Call::Delete(id),
        (82..92, _) | (_, Scope::Login) => Call::Create,
        (92..97, Scope::Profile) => Call::List,
        (_, Scope::Profile) => Call::DeleteAll {
            except: random.random::<bool>().then_some(id),
        },
    };
    let ending = match (random.random_range(0..30), &call) {
        (0, Call::Refresh(..) | Call::Delete(_) | Call::DeleteAll { .. }) => Ending::Aborted,
        (1, Call::Refresh(..) | Call::Delete(_) | Call::DeleteAll { .. }) => Ending::Lost,
        _ => Ending::Received,
    };
    (call, ending)
}

/// Draws the token that a client presents for a login: mostly the newest one.
fn present(random: &mut StdRng, registry: &Registry, id: LoginId) -> Presented {
    let tokens = registry.tokens(id);
    match random.random_range(0..100) {
        0..80 => Presented::Token(*tokens.last().expect("logins in the registry have a token")),
        80..94 => Presented::Token(*tokens.choose(random).expect("it has one")),
        94..97 => {
            let generated = Uuid::from_u128(random.random());
            Presented::Token(registry.token(&generated.to_string()))
        }
        _ => Presented::Garbage,
    }
}

/// Counts of outcomes, so that a run that does not cover them fails.
#[derive(Default)]
struct Tally(BTreeMap<&'static str, usize>);

impl Tally {
    fn count(&mut self, rules: &Rules, events: &[Event], order: &[usize]) {
        let mut state = State::default();
        for &index in order {
            let event = &events[index];
            let next = checker::apply(rules, state.clone(), index, event);
            let next = next.expect("the order is valid");
            self.add(match (&event.call, &event.end) {
                (_, None) => "lost",
                (Call::Refresh(..), Some((_, Response::Login(..)))) if next == state => "repeated",
                (Call::Refresh(..), Some((_, Response::Login(..)))) => "rotated",
                (_, Some((_, Response::Reused(_)))) => "reused",
                (_, Some((_, Response::NotFound))) => "not found",
                (_, Some(_)) => "other",
            });
            state = next;
        }
        for pair in events.windows(2) {
            if pair[0]
                .end
                .as_ref()
                .is_some_and(|&(end, _)| pair[1].start < end)
            {
                self.add("overlapped");
            }
        }
    }

    fn add(&mut self, what: &'static str) {
        *self.0.entry(what).or_default() += 1;
    }

    fn assert_seen(&self, all: &[&str]) {
        for what in all {
            assert!(
                self.0.contains_key(what),
                "no call was {what}: {:?}",
                self.0
            );
        }
    }
}
