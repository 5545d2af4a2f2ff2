//! What presenting each token of a login may come to, by the table of the wire contract alone.
//!
//! It knows every generation by itself: whether its token was presented, and when it was replaced. The server
//! keeps two windows instead, so that a fault in them is not repeated here.

use std::time::Duration;

use rememberd::testing::{Generation, Timestamp};

/// How many rotations in a row must have been followed by a late visit for a login to count as shared.
const SHARED_AFTER: usize = 8;

/// How long after a rotation the visit of a parent is not late.
const BURST: Duration = Duration::from_secs(10);

/// For how many grace periods after its replacement a token may be accepted.
const GRACES_MAX: u32 = 3;

/// The settings that the table names.
#[derive(Clone, Copy, Debug)]
pub struct GraceSettings {
    pub grace: Duration,
    pub lost_answer_grace: Duration,
}

/// A row of the table.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Row {
    /// The current token: it is replaced.
    Current,
    /// One that was replaced a moment ago: nothing changes.
    JustReplaced,
    /// The parent after the grace period: its successor is void, and there is a new one.
    LostAnswer,
    /// One that is newer than the database: it is replaced.
    Newer,
    /// One that was replaced: there are two copies of the cookie.
    Reused,
}

/// The tokens of a login.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Generations {
    /// By their numbers; the last one is current.
    tokens: Vec<Issued>,
    parent: Option<usize>,
    rotated: Option<Timestamp>,
    /// Whether no token was presented in the last rotation.
    without_token: bool,
    /// How many rotations in a row were followed by a late visit, the last one excluded.
    late_rotations: usize,
    /// Whether the last rotation was followed by a late visit.
    is_late: bool,
    /// Whether eight in a row were.
    is_shared: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
struct Issued {
    presented: Seen,
    /// The last rotation at which it was the parent.
    replaced: Option<Timestamp>,
}

/// Whether a token was presented before another one replaced it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
enum Seen {
    Never,
    Presented,
    /// It was, and what is remembered of it may have been lost: accepting it is allowed and not necessary.
    Uncertain,
}

const FRESH: Issued = Issued {
    presented: Seen::Never,
    replaced: None,
};

impl Generations {
    /// Those of a login that was just created.
    pub fn new() -> Self {
        Self {
            tokens: vec![FRESH],
            parent: None,
            rotated: None,
            without_token: false,
            late_rotations: 0,
            is_late: false,
            is_shared: false,
        }
    }

    pub fn current(&self) -> Generation {
        number(self.tokens.len() - 1)
    }

    /// The generation that the last rotation replaced.
    pub fn parent(&self) -> Option<Generation> {
        self.parent.map(number)
    }

    /// The generation that the last rotation replaced, if no token was presented in it.
    pub fn replaced_without_token(&self) -> Option<Generation> {
        self.parent().filter(|_| self.without_token)
    }

    /// The time of the last rotation.
    pub fn rotated_at(&self) -> Option<Timestamp> {
        self.rotated
    }

    /// The rows that may apply if the token of this generation is presented at `now`.
    pub fn rows(
        &self,
        generation: Generation,
        now: Timestamp,
        rules: GraceSettings,
    ) -> &'static [Row] {
        let index = generation as usize;
        let Some(issued) = self.tokens.get(index) else {
            return &[Row::Newer];
        };
        if index + 1 == self.tokens.len() {
            return &[Row::Current];
        }
        let is_within = |limit: Duration| {
            !limit.is_zero() && issued.replaced.is_some_and(|then| now <= then.plus(limit))
        };
        let is_parent = self.parent == Some(index);
        if issued.presented == Seen::Never {
            return &[Row::Reused];
        }
        if is_within(rules.grace) && (is_parent || issued.presented == Seen::Presented) {
            return &[Row::JustReplaced];
        }
        if is_parent && is_within(rules.lost_answer_grace) {
            return &[Row::LostAnswer];
        }
        if is_within(GRACES_MAX * rules.grace) {
            return &[Row::JustReplaced, Row::Reused];
        }
        &[Row::Reused]
    }

    /// How long ago the token of this generation was replaced; `None` if it was not.
    pub fn age(&self, generation: Generation, now: Timestamp) -> Option<Duration> {
        let replaced = self.tokens.get(generation as usize)?.replaced?;
        let age = now.as_millis() - replaced.as_millis();
        Some(Duration::from_millis(u64::try_from(age).unwrap_or(0)))
    }

    /// Applies a rotation in which no token was presented.
    pub fn rotate_without_token(&mut self, now: Timestamp) {
        self.rotate(now);
        self.without_token = true;
    }

    /// Applies a rotation in which the current token was presented.
    pub fn rotate(&mut self, now: Timestamp) {
        let current = self.tokens.len() - 1;
        self.replace(current, now);
    }

    /// Applies a rotation in which the parent was presented.
    pub fn rotate_again(&mut self, now: Timestamp) {
        let parent = self.parent.expect("there is a parent");
        self.replace(parent, now);
    }

    /// Applies a rotation in which a token was presented that is newer than the database.
    pub fn rotate_newer(&mut self, generation: Generation, now: Timestamp) {
        // What happened since the last rotation that the database knows is not known.
        let lost = Issued {
            presented: Seen::Uncertain,
            replaced: self.rotated,
        };
        let known = self.tokens.len() - 1;
        self.tokens.truncate(known);
        self.tokens.resize(generation as usize, lost);
        self.tokens.push(FRESH);
        self.replace(generation as usize, now);
    }

    fn replace(&mut self, presented: usize, now: Timestamp) {
        let now = self.rotated.map_or(now, |rotated| rotated.max(now));
        self.tokens[presented] = Issued {
            presented: Seen::Presented,
            replaced: Some(now),
        };
        self.tokens.push(FRESH);
        self.parent = Some(presented);
        self.rotated = Some(now);
        self.without_token = false;
        self.late_rotations = if self.is_late {
            self.late_rotations + 1
        } else {
            0
        };
        self.is_late = false;
    }

    /// Applies a visit with a token that was just replaced. Returns whether the login counts as shared from now
    /// on.
    pub fn visit(&mut self, generation: Generation, now: Timestamp) -> bool {
        let is_parent = self.parent == Some(generation as usize);
        let is_late = self.age(generation, now) > Some(BURST);
        if !is_parent || !is_late {
            return false;
        }
        self.is_late = true;
        let is_shared = self.late_rotations + 1 >= SHARED_AFTER;
        let is_new = is_shared && !self.is_shared;
        self.is_shared |= is_shared;
        is_new
    }

    /// Another grace period applies from now on. What was forgotten under the last one stays so.
    pub fn change_grace(&mut self) {
        for issued in &mut self.tokens {
            if issued.presented == Seen::Presented {
                issued.presented = Seen::Uncertain;
            }
        }
    }
}

fn number(index: usize) -> Generation {
    Generation::try_from(index).expect("there are few")
}
