//! Every short order in which an owner and a thief can use one login.

use std::time::Duration;

use super::{Generation, GraceRules, Presented, TokenChain};
use crate::clock::Timestamp;

const GRACE: Duration = Duration::from_secs(60);

/// The most steps in one order.
const DEPTH: usize = 7;

/// Between two visits: a burst, or longer than every grace of a replaced token.
const PAUSES: [i64; 2] = [5, 200];

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Step {
    /// The owner comes and receives the response.
    Owner,
    /// The owner comes, and the response is lost.
    OwnerLoses,
    /// The thief comes and receives the response.
    Thief,
}

/// What each of them has, and how often each received a response since both last came within two grace periods.
#[derive(Clone, Copy, Debug)]
struct World {
    chain: TokenChain,
    now: i64,
    owner: Generation,
    thief: Generation,
    is_revoked: bool,
    /// Whether it was the thief, and when.
    last: (bool, i64),
    owner_visits: usize,
    thief_visits: usize,
}

impl World {
    fn visit(&mut self, step: Step, rules: GraceRules) {
        let now = Timestamp::from_millis(1_000 * self.now);
        let presented = if step == Step::Thief {
            self.thief
        } else {
            self.owner
        };
        self.chain = match self.chain.judge(presented, now, rules) {
            Presented::Current => self.chain.rotated(now, rules.grace),
            Presented::JustReplaced => self.chain,
            Presented::LostAnswer => self.chain.rotated_again(now),
            Presented::Ahead => panic!("nobody has a newer token"),
            Presented::Reused => {
                self.is_revoked = true;
                return;
            }
        };
        let is_thief = step == Step::Thief;
        let (was_thief, then) = self.last;
        let is_apart = self.now - then > 120;
        if !is_apart {
            if is_thief != was_thief {
                (self.owner_visits, self.thief_visits) = (0, 0);
            }
        } else if is_thief {
            self.thief_visits += 1;
        } else if step == Step::Owner {
            self.owner_visits += 1;
        }
        self.last = (is_thief, self.now);
        match step {
            Step::Owner => self.owner = self.chain.current,
            Step::OwnerLoses => {}
            Step::Thief => self.thief = self.chain.current,
        }
    }
}

fn search(world: &World, depth: usize, rules: GraceRules, steps: &[Step], check: &impl Fn(&World)) {
    check(world);
    if depth == 0 || world.is_revoked {
        return;
    }
    for &step in steps {
        for pause in PAUSES {
            let mut next = *world;
            next.now += pause;
            next.visit(step, rules);
            search(&next, depth - 1, rules, steps, check);
        }
    }
}

/// A login that was used for a while, whose current cookie both have.
fn world(rules: GraceRules) -> World {
    let chain = (0..3).fold(TokenChain::NEW, |chain, second| {
        chain.rotated(Timestamp::from_millis(second), rules.grace)
    });
    World {
        chain,
        now: 1_000,
        owner: chain.current,
        thief: chain.current,
        is_revoked: false,
        last: (false, 0),
        owner_visits: 0,
        thief_visits: 0,
    }
}

fn rules(lost_answer_grace: Duration) -> GraceRules {
    GraceRules {
        grace: GRACE,
        lost_answer_grace,
    }
}

const DAY: Duration = Duration::from_secs(24 * 3_600);

#[test]
fn an_owner_alone_is_never_revoked_however_many_responses_are_lost() {
    let steps = [Step::Owner, Step::OwnerLoses];
    search(&world(rules(DAY)), DEPTH, rules(DAY), &steps, &|world| {
        assert!(!world.is_revoked, "{world:?}");
    });
}

#[test]
fn owner_and_thief_who_both_come_twice_apart_are_found_out() {
    let steps = [Step::Owner, Step::OwnerLoses, Step::Thief];
    for lost_answer_grace in [Duration::ZERO, DAY] {
        let rules = rules(lost_answer_grace);
        search(&world(rules), DEPTH, rules, &steps, &|world| {
            let both_came_twice = world.owner_visits >= 2 && world.thief_visits >= 2;
            assert!(world.is_revoked || !both_came_twice, "{world:?}");
        });
    }
}

#[test]
fn a_strict_server_finds_the_thief_out_when_the_owner_comes() {
    let rules = rules(Duration::ZERO);
    let mut world = world(rules);
    world.now += 200;
    world.visit(Step::Thief, rules);
    world.now += 200;
    world.visit(Step::Owner, rules);
    assert!(world.is_revoked);
}

#[test]
fn a_thief_who_polls_is_found_out_by_the_next_visit_of_the_owner() {
    for lost_answer_grace in [Duration::ZERO, DAY] {
        let rules = rules(lost_answer_grace);
        let mut world = world(rules);
        for _ in 0..3 {
            world.now += 200;
            world.visit(Step::Thief, rules);
        }
        assert!(!world.is_revoked);
        world.now += 200;
        world.visit(Step::Owner, rules);
        assert!(world.is_revoked, "{lost_answer_grace:?}");
    }
}
