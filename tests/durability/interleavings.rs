//! Every short order in which the two devices of an owner, and a thief, can use one login.
//!
//! The devices share one cookie jar: a browser with two tabs. A thief has copied the jar. Each step is a visit
//! after a pause, or a response that arrives late. The server's judgment of every visit must be a row of the
//! table that applies, and what comes of all visits must be what the table promises.

use std::collections::HashSet;
use std::time::Duration;

use rememberd::testing::{Generation, GraceRules, Moment, Presented, Timestamp, TokenChain};

use crate::support;
use crate::support::generations::{Generations, GraceSettings, Row};

const GRACE: Duration = Duration::from_secs(60);
const DAY: Duration = Duration::from_secs(24 * 3_600);

/// The most steps in one order.
const STEPS: usize = 8;

/// Seconds before a step: none in a burst, past the grace period, and past every time for which a replaced token may
/// be accepted.
const PAUSES: &[i64] = &[0, 70, 200];

/// The same, and both sides of every border.
const MANY_PAUSES: &[i64] = &[0, 50, 70, 200];

/// What comes next in the key of a world.
const LATE: u8 = 253;
const HELD: u8 = 254;
const CHAIN: u8 = 255;

/// Visits that are further apart than this share no grace period.
const APART: i64 = 180;

/// A step after a pause.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Step {
    /// The owner presents a token, the newest one or one that was in the jar when a slow request was sent.
    Owner(Generation, Response),
    /// The response to the visit of a device arrives.
    Arrival(usize),
    /// The thief presents any token.
    Thief(Generation, Response),
}

/// What becomes of the response to a visit.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Response {
    Received,
    Lost,
    /// It arrives at some time later, if ever. Until then its device waits.
    Late,
}

/// A set of generations.
type Tokens = u32;

#[derive(Clone, Debug)]
struct World {
    chain: TokenChain,
    model: Generations,
    /// Seconds.
    now: i64,
    /// What is in the jar.
    jar: Generation,
    /// What requests may be on their way with: what was in the jar when they were sent.
    sent: Tokens,
    /// The responses that devices wait for: a token, and when it was issued.
    late: [Option<(Generation, i64)>; 2],
    /// What the thief has.
    stolen: Tokens,
    is_revoked: bool,
    /// Whether the last visit was the thief's, and when it was.
    last: (bool, i64),
    /// How often each received a response, apart from the other's visits, since both came within one grace period.
    owner_visits: u8,
    thief_visits: u8,
}

/// Who takes part, and what may happen.
#[derive(Clone, Copy, Debug)]
struct Cast {
    pauses: &'static [i64],
    lost_answer_grace: Duration,
    has_thief: bool,
    /// Whether a response may arrive when its token was issued longer ago than the grace period, and whether it
    /// may replace a newer token in the jar.
    is_orderly: bool,
}

impl Cast {
    fn rules(self) -> GraceRules {
        GraceRules {
            grace: GRACE,
            lost_answer_grace: self.lost_answer_grace,
        }
    }

    fn settings(self) -> GraceSettings {
        GraceSettings {
            grace: GRACE,
            lost_answer_grace: self.lost_answer_grace,
        }
    }
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_millis(1_000 * second)
}

fn bit(generation: Generation) -> Tokens {
    1 << generation
}

fn members(tokens: Tokens) -> impl Iterator<Item = Generation> {
    (0..Tokens::BITS).filter(move |generation| tokens & bit(*generation) != 0)
}

impl World {
    /// A login that has been used for a while, whose jar a thief copies.
    fn new(cast: Cast) -> Self {
        let (mut chain, mut model) = (TokenChain::NEW, Generations::new());
        for second in [0, 1] {
            chain = chain.rotated(&at(second).into(), GRACE);
            model.rotate(at(second));
        }
        Self {
            jar: chain.current,
            sent: bit(chain.current),
            stolen: if cast.has_thief {
                bit(chain.current)
            } else {
                0
            },
            chain,
            model,
            now: 1_000,
            late: [None; 2],
            is_revoked: false,
            last: (false, 0),
            owner_visits: 0,
            thief_visits: 0,
        }
    }

    /// After a pause: what cannot happen any more is forgotten.
    fn after(&self, pause: i64, cast: Cast) -> Self {
        let mut world = self.clone();
        world.now += pause;
        let now = at(world.now);
        // A slow request arrives within the grace period after its token was replaced.
        let is_late = |token| world.model.age(token, now).is_some_and(|age| age > GRACE);
        let sent = members(world.sent).filter(|token| *token == world.jar || !is_late(*token));
        world.sent = sent.map(bit).sum();
        if cast.is_orderly {
            for late in &mut world.late {
                *late = late.filter(|(token, issued)| {
                    *token >= world.jar && world.now - issued <= GRACE.as_secs() as i64
                });
            }
            world.late.sort();
        }
        // Every token is judged here, so that the thief need not present those that are reused for ever.
        for token in 0..=world.chain.current {
            world.assert_judged(token, cast);
        }
        let stolen = members(world.stolen).filter(|token| !world.is_finished(*token, cast));
        world.stolen = stolen.map(bit).sum();
        world
    }

    /// Whether the token can never be accepted again: only a parent can be replaced once more.
    fn is_finished(&self, token: Generation, cast: Cast) -> bool {
        let rows = self.model.rows(token, at(self.now), cast.settings());
        rows == [Row::Reused] && self.model.parent() != Some(token)
    }

    fn steps(&self) -> Vec<Step> {
        use Response::{Late, Lost, Received};
        let mut steps = Vec::new();
        if self.late.contains(&None) {
            for token in members(self.sent) {
                steps.extend([Received, Lost, Late].map(|response| Step::Owner(token, response)));
            }
        }
        let late = (0..self.late.len()).filter(|device| self.late[*device].is_some());
        steps.extend(late.map(Step::Arrival));
        for token in members(self.stolen) {
            steps.extend([Received, Lost].map(|response| Step::Thief(token, response)));
        }
        steps
    }

    fn apply(&mut self, step: Step, cast: Cast) {
        match step {
            Step::Arrival(device) => {
                let (token, _) = self.late[device].take().expect("it is on its way");
                self.late.sort();
                self.receive(token);
            }
            Step::Owner(token, response) => {
                if !self.present(token, cast) {
                    return;
                }
                self.count(false, response);
                let current = self.chain.current;
                let issued = self.model.rotated_at().map(|at| at.as_millis() / 1_000);
                match response {
                    Response::Received => self.receive(current),
                    Response::Lost => {}
                    Response::Late => {
                        let free = self.late.iter_mut().find(|late| late.is_none());
                        *free.expect("a device is free") =
                            Some((current, issued.unwrap_or_default()));
                        // Which device waits for which is the same.
                        self.late.sort();
                    }
                }
            }
            Step::Thief(token, response) => {
                if !self.present(token, cast) {
                    return;
                }
                self.count(true, response);
                if response == Response::Received {
                    self.stolen |= bit(self.chain.current);
                }
            }
        }
    }

    fn receive(&mut self, token: Generation) {
        self.jar = token;
        self.sent |= bit(token);
    }

    /// Presents a token to the server, and asserts that its judgment is one of the table. Returns whether the
    /// token is accepted.
    fn present(&mut self, token: Generation, cast: Cast) -> bool {
        let now = at(self.now);
        match self.assert_judged(token, cast) {
            Row::Current => {
                self.chain = self.chain.rotated(&now.into(), GRACE);
                self.model.rotate(now);
            }
            Row::JustReplaced => {}
            Row::LostAnswer => {
                self.chain = self.chain.rotated_again(&now.into());
                self.model.rotate_again(now);
            }
            Row::Newer => panic!("nobody has a newer token"),
            Row::Reused => self.is_revoked = true,
        }
        assert_eq!(self.chain.current, self.model.current());
        !self.is_revoked
    }

    /// Asserts that what the server makes of a token is a row of the table that applies, and returns it.
    fn assert_judged(&self, token: Generation, cast: Cast) -> Row {
        let now = at(self.now);
        let row = row(self.chain.judge(token, &now.into(), cast.rules()));
        let rows = self.model.rows(token, now, cast.settings());
        assert!(
            rows.contains(&row),
            "{token}: {row:?} and not {rows:?}: {self:?}"
        );
        row
    }

    fn count(&mut self, is_thief: bool, response: Response) {
        let (was_thief, then) = self.last;
        self.last = (is_thief, self.now);
        if self.now - then <= APART {
            if is_thief != was_thief {
                (self.owner_visits, self.thief_visits) = (0, 0);
            }
        } else if response == Response::Received {
            let visits = if is_thief {
                &mut self.thief_visits
            } else {
                &mut self.owner_visits
            };
            *visits = (*visits + 1).min(2);
        }
    }

    /// Whether a visit with one of these tokens would be accepted after a long pause.
    fn is_alive(&self, tokens: Tokens, cast: Cast) -> bool {
        let later = at(self.now + 200);
        members(tokens).any(|token| {
            let judged = self.chain.judge(token, &later.into(), cast.rules());
            judged != Presented::Reused
        })
    }

    /// What two worlds must have in common so that everything which can follow is the same in both.
    fn key(&self, cast: Cast) -> Vec<u8> {
        let current = self.chain.current;
        let behind = |generation: Generation| u8::try_from(current - generation).expect("few");
        let (was_thief, then) = self.last;
        let mut key = vec![behind(self.jar)];
        if cast.has_thief {
            let visits = [self.owner_visits, self.thief_visits];
            key.extend(
                [u8::from(was_thief), self.age(then)]
                    .into_iter()
                    .chain(visits),
            );
        }
        for (token, issued) in self.late.into_iter().flatten() {
            key.extend([LATE, behind(token), self.age(issued)]);
        }
        for token in members(self.sent | self.stolen) {
            let holders = [self.sent, self.stolen].map(|tokens| u8::from(tokens & bit(token) != 0));
            key.extend([HELD, behind(token), 2 * holders[0] + holders[1]]);
        }
        if let Some(rotation) = &self.chain.rotation {
            key.extend([
                CHAIN,
                behind(rotation.parent),
                self.age(seconds(rotation.at)),
            ]);
            for window in [Some(rotation.window), rotation.previous]
                .into_iter()
                .flatten()
            {
                let began = self.age(seconds(window.began));
                key.extend([
                    behind(window.first),
                    behind(window.resume.min(current)),
                    began,
                ]);
            }
        }
        for token in (0..=current).filter(|token| !self.is_finished(*token, cast)) {
            if let Some(age) = self.model.age(token, at(self.now)) {
                key.extend([behind(token), self.age(self.now - age.as_secs() as i64)]);
            }
        }
        key
    }

    /// How long ago that is, as far as it matters.
    fn age(&self, then: i64) -> u8 {
        u8::try_from((self.now - then).min(APART + 1)).expect("it is small")
    }
}

fn seconds(moment: Moment) -> i64 {
    moment.as_millis() / 1_000
}

fn row(presented: Presented) -> Row {
    match presented {
        Presented::Current => Row::Current,
        Presented::JustReplaced => Row::JustReplaced,
        Presented::LostAnswer => Row::LostAnswer,
        Presented::Ahead => Row::Newer,
        Presented::Reused => Row::Reused,
    }
}

/// Takes every order of up to [`STEPS`] steps, and checks every step and the world after it. Worlds from which the
/// same can follow are looked at once, after the fewest steps.
fn search(cast: Cast, check: impl Fn(Step, &World)) {
    let mut seen = HashSet::new();
    let mut worlds = vec![World::new(cast)];
    let mut visits = 0;
    for _ in 0..STEPS {
        let mut next = Vec::new();
        for world in &worlds {
            for &pause in cast.pauses {
                let paused = world.after(pause, cast);
                for step in paused.steps() {
                    let mut after = paused.clone();
                    after.apply(step, cast);
                    visits += 1;
                    check(step, &after);
                    if !after.is_revoked && seen.insert(after.key(cast)) {
                        next.push(after);
                    }
                }
            }
        }
        worlds = next;
    }
    eprintln!("{cast:?}: {visits} steps, {} states", seen.len());
}

const OWNER_ALONE: Cast = Cast {
    pauses: MANY_PAUSES,
    lost_answer_grace: DAY,
    has_thief: false,
    is_orderly: true,
};

fn with_thief(lost_answer_grace: Duration) -> Cast {
    Cast {
        pauses: if support::is_long() {
            MANY_PAUSES
        } else {
            PAUSES
        },
        lost_answer_grace,
        has_thief: true,
        is_orderly: true,
    }
}

#[test]
fn an_owner_alone_is_never_revoked() {
    search(OWNER_ALONE, |step, after| {
        assert!(!after.is_revoked, "{step:?}: {after:?}");
    });
}

#[test]
fn owner_and_thief_are_not_both_alive_once_both_came_twice() {
    let cast = with_thief(DAY);
    search(cast, |_, after| assert_not_both_alive(after, cast, 2));
}

#[test]
fn a_strict_server_leaves_only_one_of_them_alive_once_both_came() {
    let cast = with_thief(Duration::ZERO);
    search(cast, |_, after| assert_not_both_alive(after, cast, 1));
}

fn assert_not_both_alive(world: &World, cast: Cast, visits: u8) {
    let came = world.owner_visits.min(world.thief_visits);
    if came < visits || world.is_revoked {
        return;
    }
    let late = world.late.into_iter().flatten();
    let late: Tokens = late.map(|(token, _)| bit(token)).sum();
    let owner = world.is_alive(bit(world.jar) | late, cast);
    let thief = world.is_alive(world.stolen, cast);
    assert!(!owner || !thief, "{world:?}");
}

/// The world after these steps, each after a pause.
fn after(cast: Cast, steps: &[(i64, Step)]) -> World {
    let mut world = World::new(cast);
    for (pause, step) in steps {
        assert!(!world.is_revoked, "before {step:?}");
        world = world.after(*pause, cast);
        world.apply(*step, cast);
    }
    world
}

#[test]
fn a_thief_who_comes_first_is_found_out_as_the_table_says() {
    use Response::Received;
    for (lost_answer_grace, is_strict) in [(Duration::ZERO, true), (DAY, false)] {
        let cast = with_thief(lost_answer_grace);
        let once = [
            (200, Step::Thief(2, Received)),
            (200, Step::Owner(2, Received)),
        ];
        assert_eq!(after(cast, &once).is_revoked, is_strict);
        let polls = [
            (200, Step::Thief(2, Received)),
            (200, Step::Thief(3, Received)),
            (200, Step::Owner(2, Received)),
        ];
        assert!(after(cast, &polls).is_revoked);
    }
    let twice = [
        (200, Step::Thief(2, Received)),
        (200, Step::Owner(2, Received)),
        (200, Step::Thief(3, Received)),
    ];
    assert!(after(with_thief(DAY), &twice).is_revoked);
}

#[test]
fn a_lost_response_is_given_again_for_a_day() {
    const HOUR: i64 = 3_600;
    use Response::{Lost, Received};
    for (hours, is_revoked) in [(1, false), (23, false), (25, true)] {
        let visits = [
            (200, Step::Owner(2, Lost)),
            (hours * HOUR, Step::Owner(2, Received)),
        ];
        assert_eq!(
            after(OWNER_ALONE, &visits).is_revoked,
            is_revoked,
            "{hours}"
        );
    }
}

/// What no server can tell from theft: the jar has a token that was replaced long ago, or is void.
#[test]
fn a_late_response_that_replaces_a_newer_cookie_can_end_a_login() {
    use Response::{Late, Lost, Received};
    let cast = Cast {
        is_orderly: false,
        ..OWNER_ALONE
    };
    let overtaken = [
        (200, Step::Owner(2, Late)),
        (5, Step::Owner(2, Received)),
        (5, Step::Owner(3, Received)),
        (5, Step::Owner(4, Received)),
        (5, Step::Arrival(1)),
        (200, Step::Owner(3, Received)),
    ];
    assert!(after(cast, &overtaken).is_revoked);
    let superseded = [
        (200, Step::Owner(2, Late)),
        (70, Step::Owner(2, Lost)),
        (5, Step::Arrival(1)),
        (5, Step::Owner(3, Received)),
    ];
    assert!(after(cast, &superseded).is_revoked);
    // The owner who comes again in time is not found out, nor if it was overtaken once only.
    let in_time = [&overtaken[..5], &[(40, Step::Owner(3, Received))]].concat();
    assert!(!after(cast, &in_time).is_revoked);
    let once = [&overtaken[..3], &overtaken[4..]].concat();
    assert!(!after(cast, &once).is_revoked);
}
