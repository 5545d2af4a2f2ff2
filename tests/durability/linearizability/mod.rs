//! Many clients of the real server at a time, whose calls and answers must be explained by an order in
//! which they happened one after the other (see `checker` and `specification`).
//!
//! `REMEMBERD_TEST_SEED` replays the clients' choices, though not how their calls overlap; what failed
//! is printed whole. `REMEMBERD_TEST_LONG=1` makes many more histories.

mod board;
mod checker;
mod client;
mod examples;
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

use crate::linearizability::board::Board;
use crate::linearizability::checker::{CALLS_MAX, Event};
use crate::linearizability::client::{Client, Ending};
use crate::linearizability::server::Server;
use crate::linearizability::specification::{
    Answer, Call, LoginId, Presented, Revokes, Rules, State,
};
use crate::support;

/// How many histories are made under each setting.
const HISTORIES: usize = 25;

/// How many histories are made where a long run is asked for.
const HISTORIES_LONG: usize = 2_000;

const CLIENTS: usize = 8;

/// How many calls each client makes in a history.
const CALLS: usize = 6;

/// How many logins there are at the beginning of a history.
const LOGINS: usize = 2;

const _: () = assert!(CLIENTS * CALLS + LOGINS <= CALLS_MAX);

#[test]
fn with_grace() {
    let rules = Rules {
        grace: true,
        coalesce: false,
        revokes: Revokes::Login,
    };
    run(&["--reuse-grace=10m"], rules, Scope::Login);
}

#[test]
fn without_grace() {
    let rules = Rules {
        grace: false,
        coalesce: false,
        revokes: Revokes::Nothing,
    };
    let flags = ["--reuse-grace=0s", "--reuse-revokes=none"];
    run(&flags, rules, Scope::Login);
}

#[test]
fn coalescing_refreshes() {
    let rules = Rules {
        grace: true,
        coalesce: true,
        revokes: Revokes::Login,
    };
    let flags = ["--reuse-grace=10m", "--coalesce-refreshes=10m"];
    run(&flags, rules, Scope::Login);
}

#[test]
fn revoking_profiles() {
    let rules = Rules {
        grace: true,
        coalesce: false,
        revokes: Revokes::Profile,
    };
    let flags = ["--reuse-grace=10m", "--reuse-revokes=profile"];
    run(&flags, rules, Scope::Profile);
}

#[test]
fn listing_and_deleting_what_a_profile_has() {
    let rules = Rules {
        grace: false,
        coalesce: true,
        revokes: Revokes::Nothing,
    };
    let flags = [
        "--reuse-grace=0s",
        "--coalesce-refreshes=10m",
        "--reuse-revokes=none",
    ];
    run(&flags, rules, Scope::Profile);
}

/// What one call may concern.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Scope {
    Login,
    Profile,
}

/// Makes histories under these settings and explains each.
fn run(flags: &[&str], rules: Rules, scope: Scope) {
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
                .unwrap_or_else(|unexplained| panic!("history {number}: {unexplained:?}"));
            tally.count(&rules, &events, &order);
        }
    }
    eprintln!("{count} histories: {:?}", tally.0);
    tally.expect(&["overlapped", "rotated", "reused", "gone", "lost"]);
    if rules.grace || rules.coalesce {
        tally.expect(&["repeated"]);
    }
}

/// Lets clients loose on some logins of a profile that has none yet; all their calls, in the order in
/// which they began.
fn history(server: &Server, profile: &str, scope: Scope, random: &mut StdRng) -> Vec<Event> {
    let board = Board::default();
    let epoch = Instant::now();
    let client = || Client::new(server.address, profile, &board, epoch);
    let mut first = client();
    for _ in 0..LOGINS {
        first.make(Call::Create, Ending::Answered);
    }
    let together = Barrier::new(CLIENTS);
    let mut events = first.events;
    thread::scope(|threads| {
        let clients: Vec<_> = (0..CLIENTS)
            .map(|_| {
                let mut random = StdRng::seed_from_u64(random.next_u64());
                let (mut client, board, together) = (client(), &board, &together);
                threads.spawn(move || {
                    together.wait();
                    for _ in 0..CALLS {
                        let (call, ending) = choose(&mut random, board, scope);
                        client.make(call, ending);
                    }
                    client.events
                })
            })
            .collect();
        for client in clients {
            events.extend(client.join().expect("the client is well"));
        }
    });
    events.sort_by_key(|event| event.start);
    events
}

/// What a client does next.
fn choose(random: &mut StdRng, board: &Board, scope: Scope) -> (Call, Ending) {
    let logins = board.logins();
    // The newest are the likeliest to be there still.
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
        (35..78, _) => Call::Refresh(id, present(random, board, id)),
        (78..82, _) => Call::Delete(id),
        (82..92, _) | (_, Scope::Login) => Call::Create,
        (92..97, Scope::Profile) => Call::List,
        (_, Scope::Profile) => Call::DeleteAll {
            except: random.random::<bool>().then_some(id),
        },
    };
    let ending = match (random.random_range(0..30), &call) {
        (0, Call::Refresh(..) | Call::Delete(_) | Call::DeleteAll { .. }) => Ending::Abandoned,
        (1, Call::Refresh(..) | Call::Delete(_) | Call::DeleteAll { .. }) => Ending::Lost,
        _ => Ending::Answered,
    };
    (call, ending)
}

/// What a client presents to refresh a login: mostly the newest token that it knows.
fn present(random: &mut StdRng, board: &Board, id: LoginId) -> Presented {
    let shown = board.shown(id);
    match random.random_range(0..100) {
        0..80 => Presented::Token(*shown.last().expect("known logins have shown a token")),
        80..94 => Presented::Token(*shown.choose(random).expect("it has one")),
        94..97 => {
            let made_up = Uuid::from_u128(random.random());
            Presented::Token(board.token(&made_up.to_string()))
        }
        _ => Presented::Garbage,
    }
}

/// What happened how often, so that a run in which nothing much happens is noticed.
#[derive(Default)]
struct Tally(BTreeMap<&'static str, usize>);

impl Tally {
    fn count(&mut self, rules: &Rules, events: &[Event], order: &[usize]) {
        let mut state = State::default();
        for &index in order {
            let event = &events[index];
            let next = checker::happen(rules, state.clone(), index, event);
            let next = next.expect("the order explains it");
            self.add(match (&event.call, &event.end) {
                (_, None) => "lost",
                (Call::Refresh(..), Some((_, Answer::Login(..)))) if next == state => "repeated",
                (Call::Refresh(..), Some((_, Answer::Login(..)))) => "rotated",
                (_, Some((_, Answer::Reused(_)))) => "reused",
                (_, Some((_, Answer::Gone))) => "gone",
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

    fn expect(&self, all: &[&str]) {
        for what in all {
            assert!(
                self.0.contains_key(what),
                "nothing was {what}: {:?}",
                self.0
            );
        }
    }
}
