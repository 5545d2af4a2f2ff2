//! The checker on histories written by hand: linearizable ones and others.

use crate::linearizability::checker::{Event, by_login, linearize};
use crate::linearizability::specification::{
    Call, LoginId, Presented, Response, Revokes, Rules, Token,
};

const RULES: Rules = Rules {
    grace: true,
    coalesce: false,
    revokes: Revokes::Login,
};

const WITHOUT_GRACE: Rules = Rules {
    grace: false,
    ..RULES
};

const A: LoginId = LoginId(0);
const B: LoginId = LoginId(1);

fn token(number: u8) -> Token {
    Token::Seen(number)
}

fn with(number: u8) -> Presented {
    Presented::Token(token(number))
}

fn login(id: LoginId, number: u8) -> Response {
    Response::Login(id, token(number))
}

fn event(start: u64, end: u64, call: Call, response: Response) -> Event {
    Event {
        start,
        call,
        end: Some((end, response)),
    }
}

fn lost(start: u64, call: Call) -> Event {
    Event {
        start,
        call,
        end: None,
    }
}

/// The creation of `A` with token 0, followed by `rest`.
fn after_creation(rest: Vec<Event>) -> Vec<Event> {
    let mut events = vec![event(0, 1, Call::Create, login(A, 0))];
    events.extend(rest);
    events
}

#[track_caller]
fn assert_linearizable(rules: Rules, rest: Vec<Event>) {
    linearize(&rules, &after_creation(rest)).expect("there is an order");
}

#[track_caller]
fn assert_violation(rules: Rules, rest: Vec<Event>) {
    let found = linearize(&rules, &after_creation(rest));
    assert!(found.is_err(), "{found:?} is not an order");
}

fn read(start: u64, end: u64, response: Response) -> Event {
    event(start, end, Call::Read(A), response)
}

fn refresh(start: u64, end: u64, presented: Presented, response: Response) -> Event {
    event(start, end, Call::Refresh(A, presented), response)
}

#[test]
fn sequential_calls() {
    assert_linearizable(
        RULES,
        vec![
            refresh(2, 3, Presented::Nothing, login(A, 1)),
            refresh(4, 5, with(1), login(A, 2)),
            refresh(6, 7, with(1), login(A, 2)),
            refresh(8, 9, Presented::Garbage, Response::Malformed),
            read(10, 11, login(A, 2)),
            refresh(12, 13, with(0), login(A, 2)),
            refresh(14, 15, with(9), Response::Reused(Revokes::Nothing)),
            read(16, 17, login(A, 2)),
            event(18, 19, Call::Delete(A), Response::Done),
            read(20, 21, Response::NotFound),
        ],
    );
    assert_linearizable(
        WITHOUT_GRACE,
        vec![
            refresh(2, 3, with(0), login(A, 1)),
            refresh(4, 5, with(9), Response::Reused(Revokes::Nothing)),
            refresh(6, 7, with(0), Response::Reused(Revokes::Login)),
            read(8, 9, Response::NotFound),
        ],
    );
}

#[test]
fn a_read_may_be_ordered_before_or_after_an_overlapping_rotation() {
    for seen in [0, 1] {
        let rotation = refresh(2, 9, with(0), login(A, 1));
        assert_linearizable(RULES, vec![rotation, read(3, 4, login(A, seen))]);
    }
}

#[test]
fn a_stale_read() {
    let rotation = refresh(2, 3, with(0), login(A, 1));
    assert_violation(RULES, vec![rotation, read(4, 5, login(A, 0))]);
}

#[test]
fn reads_out_of_order() {
    assert_violation(
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
    assert_violation(
        WITHOUT_GRACE,
        vec![
            refresh(2, 6, Presented::Nothing, login(A, 1)),
            refresh(3, 7, Presented::Nothing, login(A, 2)),
            refresh(8, 9, with(0), login(A, 2)),
        ],
    );
}

#[test]
fn two_successors_of_one_token() {
    for rules in [RULES, WITHOUT_GRACE] {
        assert_violation(
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
    assert_linearizable(RULES, tabs(login(A, 1)));
    assert_violation(RULES, tabs(Response::Reused(Revokes::Login)));
    assert_linearizable(WITHOUT_GRACE, tabs(Response::Reused(Revokes::Login)));
    assert_violation(WITHOUT_GRACE, tabs(login(A, 1)));
}

#[test]
fn a_token_that_is_returned_again() {
    assert_violation(
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
    let rotated = refresh(2, 3, Presented::Nothing, login(A, 1));
    for ended in [
        event(4, 5, Call::Delete(A), Response::Done),
        refresh(4, 5, with(0), Response::Reused(Revokes::Login)),
        event(4, 5, Call::DeleteAll { except: None }, Response::Deleted(1)),
    ] {
        let history = |last| vec![rotated.clone(), ended.clone(), last];
        assert_linearizable(WITHOUT_GRACE, history(read(6, 7, Response::NotFound)));
        assert_violation(WITHOUT_GRACE, history(read(6, 7, login(A, 1))));
        let rotation = refresh(6, 7, Presented::Nothing, login(A, 2));
        assert_violation(WITHOUT_GRACE, history(rotation));
    }
}

#[test]
fn a_login_that_is_lost() {
    assert_violation(RULES, vec![read(2, 3, Response::NotFound)]);
    let refused = refresh(2, 3, with(9), Response::Reused(Revokes::Nothing));
    let rules = Rules {
        revokes: Revokes::Nothing,
        ..RULES
    };
    assert_linearizable(rules, vec![refused.clone(), read(4, 5, login(A, 0))]);
    assert_violation(rules, vec![refused, read(4, 5, Response::NotFound)]);
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
    assert_linearizable(rules, refreshes(1));
    assert_violation(rules, refreshes(2));
    assert_linearizable(RULES, refreshes(2));
    assert_violation(RULES, refreshes(1));
    let across_a_creation = refresh(2, 3, Presented::Nothing, login(A, 0));
    assert_violation(rules, vec![across_a_creation]);
}

#[test]
fn a_call_without_a_response_may_happen_late_or_never() {
    let unanswered = || lost(2, Call::Refresh(A, with(0)));
    assert_linearizable(RULES, vec![unanswered(), read(3, 4, login(A, 0))]);
    assert_linearizable(
        RULES,
        vec![
            unanswered(),
            read(3, 4, login(A, 0)),
            read(5, 6, login(A, 1)),
            refresh(7, 8, with(0), login(A, 1)),
        ],
    );
    assert_violation(
        RULES,
        vec![
            unanswered(),
            read(3, 4, login(A, 1)),
            read(5, 6, login(A, 2)),
        ],
    );
    assert_violation(
        RULES,
        vec![read(2, 3, login(A, 1)), lost(4, Call::Refresh(A, with(0)))],
    );
    let deletion = lost(2, Call::Delete(A));
    assert_linearizable(RULES, vec![deletion, read(3, 4, Response::NotFound)]);
}

#[test]
fn a_revocation_of_a_profile_is_atomic() {
    let rules = Rules {
        revokes: Revokes::Profile,
        ..WITHOUT_GRACE
    };
    let history = |seen| {
        vec![
            event(2, 3, Call::Create, login(B, 1)),
            refresh(4, 5, Presented::Nothing, login(A, 2)),
            refresh(6, 7, with(0), Response::Reused(Revokes::Profile)),
            event(8, 9, Call::Read(B), seen),
        ]
    };
    assert_linearizable(rules, history(Response::NotFound));
    assert_violation(rules, history(login(B, 1)));
}

#[test]
fn lists_and_deletions_of_a_profile_are_atomic() {
    let history = |listed: &[LoginId], deleted| {
        vec![
            event(2, 3, Call::Create, login(B, 1)),
            event(4, 8, Call::Delete(A), Response::Done),
            event(5, 6, Call::List, Response::Listed(listed.to_vec())),
            event(
                9,
                10,
                Call::DeleteAll { except: Some(A) },
                Response::Deleted(deleted),
            ),
        ]
    };
    assert_linearizable(RULES, history(&[A, B], 1));
    assert_linearizable(RULES, history(&[B], 1));
    assert_violation(RULES, history(&[A], 1));
    assert_violation(RULES, history(&[A, B], 2));
}

#[test]
fn a_history_is_checked_login_by_login() {
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
