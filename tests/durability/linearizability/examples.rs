//! The checker on histories made by hand, right ones and wrong ones.

use crate::linearizability::checker::{Event, by_login, linearize};
use crate::linearizability::specification::{
    Answer, Call, LoginId, Presented, Revokes, Rules, Token,
};

const RULES: Rules = Rules {
    grace: true,
    coalesce: false,
    revokes: Revokes::Login,
};

const A: LoginId = LoginId(0);
const B: LoginId = LoginId(1);

fn token(number: u8) -> Token {
    Token::Seen(number)
}

fn with(number: u8) -> Presented {
    Presented::Token(token(number))
}

fn login(id: LoginId, number: u8) -> Answer {
    Answer::Login(id, token(number))
}

fn event(start: u64, end: u64, call: Call, answer: Answer) -> Event {
    Event {
        start,
        call,
        end: Some((end, answer)),
    }
}

fn lost(start: u64, call: Call) -> Event {
    Event {
        start,
        call,
        end: None,
    }
}

/// `A` is created with token 0, and then the rest happens.
fn after_creation(rest: Vec<Event>) -> Vec<Event> {
    let mut events = vec![event(0, 1, Call::Create, login(A, 0))];
    events.extend(rest);
    events
}

#[track_caller]
fn holds(rules: Rules, rest: Vec<Event>) {
    linearize(&rules, &after_creation(rest)).expect("there is an order");
}

#[track_caller]
fn fails(rules: Rules, rest: Vec<Event>) {
    let found = linearize(&rules, &after_creation(rest));
    assert!(found.is_err(), "{found:?} explains what cannot be");
}

fn read(start: u64, end: u64, answer: Answer) -> Event {
    event(start, end, Call::Read(A), answer)
}

fn refresh(start: u64, end: u64, presented: Presented, answer: Answer) -> Event {
    event(start, end, Call::Refresh(A, presented), answer)
}

#[test]
fn one_after_the_other() {
    holds(
        RULES,
        vec![
            refresh(2, 3, Presented::Nothing, login(A, 1)),
            refresh(4, 5, with(1), login(A, 2)),
            refresh(6, 7, with(1), login(A, 2)),
            refresh(8, 9, Presented::Garbage, Answer::Malformed),
            read(10, 11, login(A, 2)),
            refresh(12, 13, with(0), Answer::Reused(Revokes::Login)),
            read(14, 15, Answer::Gone),
            event(16, 17, Call::Delete(A), Answer::Done),
        ],
    );
}

#[test]
fn a_read_may_fall_on_either_side_of_a_rotation_that_it_overlaps() {
    for seen in [0, 1] {
        let rotation = refresh(2, 9, with(0), login(A, 1));
        holds(RULES, vec![rotation, read(3, 4, login(A, seen))]);
    }
}

#[test]
fn a_stale_read() {
    let rotation = refresh(2, 3, with(0), login(A, 1));
    fails(RULES, vec![rotation, read(4, 5, login(A, 0))]);
}

#[test]
fn reads_that_go_back() {
    fails(
        RULES,
        vec![
            refresh(2, 9, with(0), login(A, 1)),
            read(3, 4, login(A, 1)),
            read(5, 6, login(A, 0)),
        ],
    );
}

#[test]
fn a_lost_update() {
    fails(
        RULES,
        vec![
            refresh(2, 6, Presented::Nothing, login(A, 1)),
            refresh(3, 7, Presented::Nothing, login(A, 2)),
            refresh(8, 9, with(0), login(A, 2)),
        ],
    );
}

#[test]
fn two_successors_of_one_token() {
    for rules in [
        RULES,
        Rules {
            grace: false,
            ..RULES
        },
    ] {
        fails(
            rules,
            vec![
                refresh(2, 6, with(0), login(A, 1)),
                refresh(3, 7, with(0), login(A, 2)),
            ],
        );
    }
}

#[test]
fn two_tabs() {
    let tabs = |second| {
        vec![
            refresh(2, 6, with(0), login(A, 1)),
            refresh(3, 7, with(0), second),
        ]
    };
    holds(RULES, tabs(login(A, 1)));
    fails(RULES, tabs(Answer::Reused(Revokes::Login)));
    let without_grace = Rules {
        grace: false,
        ..RULES
    };
    holds(without_grace, tabs(Answer::Reused(Revokes::Login)));
    fails(without_grace, tabs(login(A, 1)));
}

#[test]
fn a_token_that_comes_back() {
    fails(
        RULES,
        vec![
            refresh(2, 3, with(0), login(A, 1)),
            refresh(4, 5, with(1), login(A, 2)),
            refresh(6, 7, with(2), login(A, 0)),
        ],
    );
}

#[test]
fn a_resurrected_login() {
    for ended in [
        event(2, 3, Call::Delete(A), Answer::Done),
        refresh(2, 3, with(9), Answer::Reused(Revokes::Login)),
        event(2, 3, Call::DeleteAll { except: None }, Answer::Deleted(1)),
    ] {
        holds(RULES, vec![ended.clone(), read(4, 5, Answer::Gone)]);
        fails(RULES, vec![ended.clone(), read(4, 5, login(A, 0))]);
        let rotation = refresh(4, 5, Presented::Nothing, login(A, 1));
        fails(RULES, vec![ended, rotation]);
    }
}

#[test]
fn a_login_that_is_gone_for_no_reason() {
    fails(RULES, vec![read(2, 3, Answer::Gone)]);
    let refused = refresh(2, 3, with(9), Answer::Reused(Revokes::Nothing));
    let rules = Rules {
        revokes: Revokes::Nothing,
        ..RULES
    };
    holds(rules, vec![refused.clone(), read(4, 5, login(A, 0))]);
    fails(rules, vec![refused, read(4, 5, Answer::Gone)]);
}

#[test]
fn coalesced_refreshes() {
    let rules = Rules {
        coalesce: true,
        ..RULES
    };
    let refreshes = |second| {
        vec![
            refresh(2, 6, Presented::Nothing, login(A, 1)),
            refresh(3, 7, Presented::Nothing, login(A, second)),
        ]
    };
    holds(rules, refreshes(1));
    fails(rules, refreshes(2));
    holds(RULES, refreshes(2));
    fails(RULES, refreshes(1));
    let across_a_creation = refresh(2, 3, Presented::Nothing, login(A, 0));
    fails(rules, vec![across_a_creation]);
}

#[test]
fn a_call_whose_answer_was_lost_may_happen_late_or_never() {
    let unanswered = || lost(2, Call::Refresh(A, with(0)));
    holds(RULES, vec![unanswered(), read(3, 4, login(A, 0))]);
    holds(
        RULES,
        vec![
            unanswered(),
            read(3, 4, login(A, 0)),
            read(5, 6, login(A, 1)),
            refresh(7, 8, with(0), login(A, 1)),
        ],
    );
    fails(
        RULES,
        vec![
            unanswered(),
            read(3, 4, login(A, 1)),
            read(5, 6, login(A, 2)),
        ],
    );
    fails(
        RULES,
        vec![read(2, 3, login(A, 1)), lost(4, Call::Refresh(A, with(0)))],
    );
    let deletion = lost(2, Call::Delete(A));
    holds(RULES, vec![deletion, read(3, 4, Answer::Gone)]);
}

#[test]
fn a_revoked_profile_is_gone_at_once() {
    let rules = Rules {
        revokes: Revokes::Profile,
        ..RULES
    };
    let history = |seen| {
        vec![
            event(2, 3, Call::Create, login(B, 1)),
            refresh(4, 5, with(9), Answer::Reused(Revokes::Profile)),
            event(6, 7, Call::Read(B), seen),
        ]
    };
    holds(rules, history(Answer::Gone));
    fails(rules, history(login(B, 1)));
}

#[test]
fn lists_and_deletions_of_a_profile_see_one_moment() {
    let history = |listed: &[LoginId], deleted| {
        vec![
            event(2, 3, Call::Create, login(B, 1)),
            event(4, 8, Call::Delete(A), Answer::Done),
            event(5, 6, Call::List, Answer::Listed(listed.to_vec())),
            event(
                9,
                10,
                Call::DeleteAll { except: Some(A) },
                Answer::Deleted(deleted),
            ),
        ]
    };
    holds(RULES, history(&[A, B], 1));
    holds(RULES, history(&[B], 1));
    fails(RULES, history(&[A], 1));
    fails(RULES, history(&[A, B], 2));
}

#[test]
fn logins_are_looked_at_one_by_one() {
    let events = after_creation(vec![
        event(2, 3, Call::Create, login(B, 1)),
        read(4, 5, login(A, 0)),
        event(4, 5, Call::Read(B), login(B, 0)),
    ]);
    let histories = by_login(&events);
    assert_eq!(histories.len(), 2);
    assert!(linearize(&RULES, &histories[0]).is_ok());
    assert!(linearize(&RULES, &histories[1]).is_err());
}
