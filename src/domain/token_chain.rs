//! The generations of a login's tokens, and what presenting a token of each of them means.
//!
//! A login has one token for each generation; the highest is the current one. The generations that were themselves
//! presented form a chain: each is the *parent* of the one that replaced it. A generation that nobody ever
//! presented can become void: the client that should have received it asked again with the parent.
//!
//! Which of the generations before the parent were replaced lately is remembered in two windows, each as long as
//! the grace period. A generation in a window is accepted for two grace periods after the window began: at least
//! one after it was replaced, and less than two.

use std::time::Duration;

use crate::clock::timeline::{Moment, Now};

/// The number of a token among those of its login: 0 for the first, one more with each rotation.
pub type Generation = u32;

/// How many generations above the current one a token is looked for in: so many rotations a database may have
/// lost by being restored from a backup.
pub const AHEAD_MAX: Generation = 1_024;

/// How many generations below the current one a token is looked for in.
pub const BEHIND_MAX: Generation = 4_096;

/// How many generations in a row must have been presented again late for a login to count as shared.
pub const SHARED_GENERATIONS: u8 = 8;

/// How long after a rotation the replaced token comes from one burst of requests. Later it may come from a second
/// client.
pub const BURST: Duration = Duration::from_secs(10);

/// For how long tokens that were replaced are accepted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct GraceRules {
    /// For how long a replaced token gets the current one, without a rotation; zero for not at all.
    pub grace: Duration,
    /// For how long the last replaced token rotates again, if nobody ever presented its successor; zero for not
    /// at all.
    pub lost_answer_grace: Duration,
}

/// The state of a login's generations.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct TokenChain {
    /// The generation of the token that is valid now.
    pub current: Generation,
    /// The last rotation; `None` until the first.
    pub rotation: Option<Rotation>,
}

/// The last rotation of a login, and what is remembered of those before.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Rotation {
    /// When it happened.
    pub at: Moment,
    /// The generation that was presented.
    pub parent: Generation,
    /// The window that this rotation is in.
    pub window: Window,
    /// The window before, if a generation in it may still be accepted.
    pub previous: Option<Window>,
    /// How many generations before the current one, in a row, were presented again later than [`BURST`] after
    /// they had been replaced. At most [`SHARED_GENERATIONS`], which was logged.
    pub late_generations: u8,
    /// Whether the parent was presented again later than [`BURST`].
    pub is_late: bool,
    /// Whether no token was presented: the client compares by itself what it reads.
    pub without_token: bool,
}

/// Generations that were replaced within one grace period. They end where the next window begins, or at the
/// current generation.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Window {
    /// The first of them.
    pub first: Generation,
    /// From here on all were presented. Those between are void.
    pub resume: Generation,
    /// When the first of them was replaced.
    pub began: Moment,
}

impl Window {
    fn begin(first: Generation, resume: Generation, began: Moment) -> Self {
        Self {
            first,
            resume,
            began,
        }
    }

    fn has(&self, generation: Generation, end: Generation) -> bool {
        generation == self.first || (self.resume..end).contains(&generation)
    }

    fn is_accepted(&self, now: &Now, grace: Duration) -> bool {
        now.age(self.began) < 2 * grace
    }
}

/// What presenting a token means.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Presented {
    /// It is the current one: rotate.
    Current,
    /// It was replaced a moment ago and comes from another tab, or from a client that did not receive its
    /// response: return the current one.
    JustReplaced,
    /// It is the last one that was presented, and its successor was not, though the grace period is over: the
    /// response was lost. Rotate, with the same parent.
    LostAnswer,
    /// It is newer than the database, which was restored: rotate from there.
    Ahead,
    /// It was replaced: there are two copies of it.
    Reused,
}

impl TokenChain {
    /// The chain of a new login.
    pub const NEW: Self = Self {
        current: 0,
        rotation: None,
    };

    /// What presenting the token of `generation` at `now` means.
    pub fn judge(&self, generation: Generation, now: &Now, rules: GraceRules) -> Presented {
        if generation == self.current {
            return Presented::Current;
        }
        if generation > self.current {
            return Presented::Ahead;
        }
        let Some(rotation) = &self.rotation else {
            return Presented::Reused;
        };
        if generation == rotation.parent {
            return if is_within(rotation.at, rules.grace, now) {
                Presented::JustReplaced
            } else if is_within(rotation.at, rules.lost_answer_grace, now) {
                Presented::LostAnswer
            } else {
                Presented::Reused
            };
        }
        if self.was_just_replaced(rotation, generation, now, rules.grace) {
            return Presented::JustReplaced;
        }
        Presented::Reused
    }

    fn was_just_replaced(
        &self,
        rotation: &Rotation,
        generation: Generation,
        now: &Now,
        grace: Duration,
    ) -> bool {
        let window = &rotation.window;
        if window.has(generation, self.current) {
            return window.is_accepted(now, grace);
        }
        rotation.previous.is_some_and(|previous| {
            previous.has(generation, window.first) && previous.is_accepted(now, grace)
        })
    }

    /// The same, if no token was presented in the last rotation.
    #[must_use]
    pub fn without_token(self) -> Self {
        Self {
            rotation: self.rotation.map(|rotation| Rotation {
                without_token: true,
                ..rotation
            }),
            ..self
        }
    }

    /// The generation of the token that a client is shown which compares it with its cookie by itself: after a rotation
    /// without a token, which is at most `coalesce` old at `now`, still the one that was replaced. A second tab with
    /// the same cookie then finds it unchanged, and its refresh is coalesced.
    pub fn shown(&self, coalesce: Duration, now: &Now) -> Generation {
        match &self.rotation {
            Some(rotation) if rotation.without_token && is_within(rotation.at, coalesce, now) => {
                rotation.parent
            }
            Some(_) | None => self.current,
        }
    }

    /// Whether the last rotation is at most `limit` old at `now`. A limit of zero is none, and a creation is not
    /// a rotation.
    pub fn was_rotated_within(&self, limit: Duration, now: &Now) -> bool {
        self.rotation
            .is_some_and(|rotation| is_within(rotation.at, limit, now))
    }

    /// After a rotation in which the current token was presented, or none.
    #[must_use]
    pub fn rotated(&self, now: &Now, grace: Duration) -> Self {
        let moment = self.not_before_last(now);
        let begun = Window::begin(self.current, self.current + 1, moment);
        let (window, previous) = match &self.rotation {
            Some(rotation) if now.age(rotation.window.began) < grace => {
                (rotation.window, rotation.previous)
            }
            Some(rotation) => (begun, Some(rotation.window)),
            None => (begun, None),
        };
        self.next(Rotation {
            at: moment,
            parent: self.current,
            window,
            previous: previous.filter(|previous| previous.is_accepted(now, grace)),
            late_generations: self.late_generations(),
            is_late: false,
            without_token: false,
        })
    }

    /// After a rotation in which the parent was presented, because the response with the current token was
    /// lost. What is current becomes void.
    #[must_use]
    pub fn rotated_again(&self, now: &Now) -> Self {
        let moment = self.not_before_last(now);
        let parent = self
            .rotation
            .map_or(self.current, |rotation| rotation.parent);
        self.next(Rotation {
            at: moment,
            parent,
            // Nothing before the parent was replaced within the grace period.
            window: Window::begin(parent, self.current + 1, moment),
            previous: None,
            late_generations: self.late_generations(),
            is_late: false,
            without_token: false,
        })
    }

    /// After a rotation in which the token of a generation was presented that is newer than the database.
    #[must_use]
    pub fn rotated_ahead(&self, generation: Generation, now: &Now, grace: Duration) -> Self {
        // If a disk lost what it had synced, the database is only moments old, and requests with the tokens that
        // it knows may still come. Those of the lost generations then belong to the same window.
        Self {
            current: generation,
            ..*self
        }
        .rotated(now, grace)
    }

    /// After `generation` was presented again, if it is the parent and this is the first time that it comes late.
    /// Also whether the login counts as shared from now on.
    #[must_use]
    pub fn presented_late(&self, generation: Generation, now: &Now) -> Option<(Self, bool)> {
        let rotation = self.rotation?;
        let is_in_burst = is_within(rotation.at, BURST, now);
        if generation != rotation.parent || rotation.is_late || is_in_burst {
            return None;
        }
        let is_late = Some(Rotation {
            is_late: true,
            ..rotation
        });
        let is_shared = rotation.late_generations + 1 == SHARED_GENERATIONS;
        let chain = Self {
            rotation: is_late,
            ..*self
        };
        Some((chain, is_shared))
    }

    /// Requests take the time before they are queued, so that the last rotation may be a moment later.
    fn not_before_last(&self, now: &Now) -> Moment {
        let last = self.rotation.map(|rotation| rotation.at);
        last.map_or(now.moment, |last| last.max(now.moment))
    }

    /// The first generation that may still be accepted.
    pub fn first_accepted(&self) -> Generation {
        self.rotation.map_or(self.current, |rotation| {
            let previous = rotation
                .previous
                .map_or(rotation.parent, |window| window.first);
            rotation.window.first.min(rotation.parent).min(previous)
        })
    }

    fn next(&self, rotation: Rotation) -> Self {
        Self {
            current: self.current + 1,
            rotation: Some(rotation),
        }
    }

    /// How many generations in a row were presented again late, the parent among them.
    fn late_generations(&self) -> u8 {
        match &self.rotation {
            Some(rotation) if rotation.late_generations == SHARED_GENERATIONS => SHARED_GENERATIONS,
            Some(rotation) if rotation.is_late => rotation.late_generations + 1,
            Some(_) | None => 0,
        }
    }
}

fn is_within(at: Moment, limit: Duration, now: &Now) -> bool {
    !limit.is_zero() && now.age(at) <= limit
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Timestamp;

    const GRACE: Duration = Duration::from_secs(60);

    const STRICT: GraceRules = GraceRules {
        grace: GRACE,
        lost_answer_grace: Duration::ZERO,
    };

    const LENIENT: GraceRules = GraceRules {
        grace: GRACE,
        lost_answer_grace: Duration::from_secs(24 * 3_600),
    };

    fn at(seconds: i64) -> Now {
        Timestamp::from_millis(1_000 * seconds).into()
    }

    fn rotated(times: &[i64]) -> TokenChain {
        let rotate = |chain: TokenChain, second: &i64| chain.rotated(&at(*second), GRACE);
        times.iter().fold(TokenChain::NEW, rotate)
    }

    #[test]
    fn the_parent_is_accepted_for_the_grace_period() {
        assert_eq!(TokenChain::NEW.judge(0, &at(0), STRICT), Presented::Current);
        let chain = rotated(&[0]);
        assert_eq!(chain.judge(1, &at(9_999), STRICT), Presented::Current);
        assert_eq!(chain.judge(0, &at(60), STRICT), Presented::JustReplaced);
        assert_eq!(chain.judge(0, &at(61), STRICT), Presented::Reused);
        let none = GraceRules {
            grace: Duration::ZERO,
            ..STRICT
        };
        assert_eq!(chain.judge(0, &at(0), none), Presented::Reused);
    }

    #[test]
    fn every_generation_is_accepted_for_one_to_three_grace_periods_after_it_was_replaced() {
        // Rotations at any pace, some within one window, some over the border of several.
        for pace in [1, 7, 20, 31, 59, 60, 61, 90, 130] {
            let mut chain = TokenChain::NEW;
            let mut replaced = Vec::new();
            for step in 0..40 {
                let now = step * pace;
                for (generation, then) in (0..).zip(&replaced) {
                    let age = now - then;
                    let is_accepted =
                        chain.judge(generation, &at(now), STRICT) == Presented::JustReplaced;
                    assert!(is_accepted || age > 60, "{pace}: {generation} after {age}");
                    assert!(
                        !is_accepted || age <= 180,
                        "{pace}: {generation} after {age}"
                    );
                }
                chain = chain.rotated(&at(now), GRACE);
                replaced.push(now);
            }
        }
    }

    #[test]
    fn a_lost_answer_is_given_again_and_what_it_was_becomes_void() {
        let chain = rotated(&[0]);
        assert_eq!(chain.judge(0, &at(61), LENIENT), Presented::LostAnswer);
        let again = chain.rotated_again(&at(61));
        assert_eq!(again.current, 2);
        assert_eq!(again.judge(2, &at(70), LENIENT), Presented::Current);
        assert_eq!(again.judge(1, &at(70), LENIENT), Presented::Reused);
        assert_eq!(again.judge(0, &at(70), LENIENT), Presented::JustReplaced);
        // And once more, and then the new one: the parent keeps its grace, the void ones stay void.
        let third = again.rotated_again(&at(200)).rotated(&at(210), GRACE);
        assert_eq!(third.current, 4);
        for (generation, expected) in [
            (0, Presented::JustReplaced),
            (1, Presented::Reused),
            (2, Presented::Reused),
            (3, Presented::JustReplaced),
            (4, Presented::Current),
        ] {
            assert_eq!(
                third.judge(generation, &at(215), LENIENT),
                expected,
                "{generation}"
            );
        }
        let late = &at(200 + 24 * 3_600 + 11);
        assert_eq!(third.judge(3, late, LENIENT), Presented::Reused);
    }

    #[test]
    fn a_newer_token_is_rotated_from_and_older_ones_are_found_out() {
        let restored = rotated(&[0, 1, 2]);
        assert_eq!(restored.judge(9, &at(500), STRICT), Presented::Ahead);
        let chain = restored.rotated_ahead(9, &at(500), GRACE);
        assert_eq!(chain.current, 10);
        assert_eq!(chain.judge(9, &at(550), STRICT), Presented::JustReplaced);
        for stolen in 0..9 {
            assert_eq!(chain.judge(stolen, &at(501), LENIENT), Presented::Reused);
        }
    }

    #[test]
    fn what_was_replaced_before_a_newer_token_came_keeps_its_grace_period() {
        let chain = rotated(&[0, 50, 70]).rotated_ahead(5, &at(75), GRACE);
        for (generation, expected) in [
            (0, Presented::JustReplaced),
            (1, Presented::JustReplaced),
            (2, Presented::JustReplaced),
            (5, Presented::JustReplaced),
            (6, Presented::Current),
        ] {
            let presented = chain.judge(generation, &at(80), STRICT);
            assert_eq!(presented, expected, "{generation}");
            if generation < 5 {
                let presented = chain.judge(generation, &at(250), STRICT);
                assert_eq!(presented, Presented::Reused, "{generation}");
            }
        }
    }

    #[test]
    fn the_replaced_token_is_shown_for_a_while_after_a_rotation_without_one() {
        let window = Duration::from_secs(5);
        assert_eq!(TokenChain::NEW.without_token(), TokenChain::NEW);
        let chain = rotated(&[0, 100]);
        assert_eq!(chain.shown(window, &at(100)), 2);
        let chain = chain.without_token();
        for (second, expected) in [(99, 1), (100, 1), (105, 1), (106, 2)] {
            assert_eq!(chain.shown(window, &at(second)), expected, "{second}");
        }
        assert_eq!(chain.shown(Duration::ZERO, &at(100)), 2);
        assert_eq!(chain.rotated(&at(101), GRACE).shown(window, &at(101)), 3);
    }

    #[test]
    fn a_rotation_is_never_before_the_last_one() {
        let chain = rotated(&[10, 9]);
        let at_of = |chain: TokenChain| chain.rotation.map(|rotation| rotation.at);
        assert_eq!(at_of(chain), Some(at(10).moment));
        assert_eq!(at_of(chain.rotated_again(&at(5))), Some(at(10).moment));
        assert_eq!(
            at_of(chain.rotated_ahead(9, &at(5), GRACE)),
            Some(at(10).moment)
        );
    }

    #[test]
    fn a_login_counts_as_shared_once_its_last_generations_were_all_presented_late() {
        let mut chain = TokenChain::NEW;
        let mut shared = 0;
        for generation in 0..20 {
            let now = 100 * i64::from(generation);
            chain = chain.rotated(&at(now), GRACE);
            assert_eq!(
                chain.presented_late(generation, &at(now + 10)),
                None,
                "a burst"
            );
            assert_eq!(chain.presented_late(generation + 1, &at(now + 11)), None);
            let late = chain.presented_late(generation, &at(now + 11));
            let (after, is_shared) = late.expect("it is late");
            assert_eq!(
                after.presented_late(generation, &at(now + 12)),
                None,
                "once"
            );
            shared += u8::from(is_shared);
            assert_eq!(shared > 0, generation >= 7, "{generation}");
            chain = after;
        }
        assert_eq!(shared, 1);
        // One generation that was not begins anew.
        let mut chain = TokenChain::NEW;
        for generation in 0..14 {
            let now = 100 * i64::from(generation);
            chain = chain.rotated(&at(now), GRACE);
            if generation != 7 - 1 {
                let (after, is_shared) = chain
                    .presented_late(generation, &at(now + 11))
                    .expect("late");
                assert!(!is_shared, "{generation}");
                chain = after;
            }
        }
    }
}
