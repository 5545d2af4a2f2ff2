//! What a client knows of its logins: what it was told, and what it asked for without an answer.
//!
//! The promise under test is that of an acknowledgement: what was told stays. What was not answered
//! may have happened or not, but in the order in which it was asked for, and each operation with all
//! that it changes or with nothing of it.

use std::collections::{BTreeMap, HashSet, VecDeque};

use rememberd::testing::{PersistentLogin, PersistentLoginId, Token};
use uuid::Uuid;

/// A state that a login may be in.
#[derive(Clone, Debug)]
pub enum State {
    /// It is not there.
    Absent,
    /// It is there, in all fields.
    Is(PersistentLogin),
    /// It is there as an answer showed it. Answers do not tell of the last rotation; the token that it
    /// replaced is this one.
    Shown(PersistentLogin, Option<Token>),
    /// It is there with a token that nobody was told yet, in place of the token here.
    Rotated(PersistentLogin),
}

/// What one operation changes.
#[derive(Clone, Debug, Default)]
pub struct Change {
    pub states: Vec<(PersistentLoginId, State)>,
    /// How many logins it creates whose ids are not known yet.
    pub creations: usize,
}

/// How much of a login is seen.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Sight {
    /// All of it.
    Record,
    /// All but its last rotation.
    Answer,
}

/// The logins of one client, or of several whose operations have one order.
#[derive(Clone, Debug, Default)]
pub struct Ledger {
    /// Of every login that was ever told.
    acknowledged: BTreeMap<PersistentLoginId, State>,
    /// What was asked for and not answered.
    pending: VecDeque<Change>,
    /// Every token that was ever told, so that an old one is not taken for a fresh one.
    told: HashSet<Uuid>,
}

impl Ledger {
    /// The login was there before anything was asked for.
    pub fn begin(&mut self, login: &PersistentLogin) {
        self.acknowledge(login.id, State::Is(login.clone()));
    }

    /// Something was asked for that comes to `change`.
    pub fn ask(&mut self, change: Change) {
        self.pending.push_back(change);
    }

    /// The first of what is not answered was answered, and came to `change`.
    pub fn answer(&mut self, change: Change) {
        self.pending.pop_front().expect("it was asked for");
        for (id, state) in change.states {
            self.acknowledge(id, state);
        }
    }

    /// Holds all logins that there are against the ledger; tells how much of what was not answered
    /// took effect.
    ///
    /// # Errors
    ///
    /// If something acknowledged is lost, or an operation took effect in part, or there is a login or a
    /// token that nobody asked for.
    pub fn verify(&self, found: &[PersistentLogin], sight: Sight) -> Result<usize, String> {
        let mut reasons = Vec::new();
        for effective in 0..=self.pending.len() {
            match self.compare(effective, found, sight) {
                Ok(()) => return Ok(effective),
                Err(reason) => reasons.push(format!("with {effective} unanswered: {reason}")),
            }
        }
        Err(reasons.join("\n"))
    }

    /// The logins were found as they are after everything that was asked for is over.
    ///
    /// # Errors
    ///
    /// As [`Ledger::verify`].
    pub fn resolve(&mut self, found: &[PersistentLogin], sight: Sight) -> Result<usize, String> {
        let effective = self.verify(found, sight)?;
        let mut states = self.states(effective);
        self.pending.clear();
        for login in found {
            let state = match states.remove(&login.id) {
                Some(State::Rotated(before)) => State::Shown(login.clone(), Some(before.token)),
                Some(known) => known,
                None => State::Shown(login.clone(), None),
            };
            self.acknowledge(login.id, state);
        }
        for (id, absent) in states {
            self.acknowledge(id, absent);
        }
        Ok(effective)
    }

    /// The logins that are there as far as was told, each with the token that it had before.
    pub fn present(&self) -> Vec<(&PersistentLogin, Option<Token>)> {
        self.acknowledged
            .values()
            .filter_map(|state| match state {
                State::Is(login) => Some((login, login.rotation.map(|rotation| rotation.replaced))),
                State::Shown(login, replaced) => Some((login, *replaced)),
                State::Absent | State::Rotated(_) => None,
            })
            .collect()
    }

    /// Every login that was ever told.
    pub fn ids(&self) -> Vec<PersistentLoginId> {
        self.acknowledged.keys().copied().collect()
    }

    /// Whether the token was told to anybody.
    pub fn was_told(&self, token: Token) -> bool {
        self.told.contains(&token.reveal())
    }

    fn acknowledge(&mut self, id: PersistentLoginId, state: State) {
        if let State::Is(login) | State::Shown(login, _) = &state {
            self.told.insert(login.token.reveal());
        }
        self.acknowledged.insert(id, state);
    }

    /// How the logins are if so many of the unanswered changes took effect.
    fn states(&self, effective: usize) -> BTreeMap<PersistentLoginId, State> {
        let mut states = self.acknowledged.clone();
        let changes = self.pending.iter().take(effective);
        states.extend(changes.flat_map(|change| change.states.iter().cloned()));
        states
    }

    fn compare(
        &self,
        effective: usize,
        found: &[PersistentLogin],
        sight: Sight,
    ) -> Result<(), String> {
        let mut found: BTreeMap<_, _> = found.iter().map(|login| (login.id, login)).collect();
        for (id, state) in self.states(effective) {
            let found = found.remove(&id);
            if !self.admits(&state, found, sight) {
                let (found, state) = (describe(found), describe_state(&state));
                return Err(format!("{id}: found {found} in place of {state}"));
            }
        }
        let changes = self.pending.iter().take(effective);
        let creations: usize = changes.map(|change| change.creations).sum();
        let are_new = found
            .values()
            .all(|login| !self.was_told(login.token) && login.rotation.is_none());
        if found.len() != creations || !are_new {
            return Err(format!("{creations} new logins, and found {found:?}"));
        }
        Ok(())
    }

    fn admits(&self, state: &State, found: Option<&PersistentLogin>, sight: Sight) -> bool {
        match (state, found) {
            (State::Absent, None) => true,
            (State::Is(login), Some(found)) => {
                let replaced = login.rotation.map(|rotation| rotation.replaced);
                match sight {
                    Sight::Record => login == found,
                    Sight::Answer => is_shown(login, replaced, found, sight),
                }
            }
            (State::Shown(login, replaced), Some(found)) => {
                is_shown(login, *replaced, found, sight)
            }
            (State::Rotated(before), Some(found)) => {
                let fresh = PersistentLogin {
                    token: found.token,
                    ..before.clone()
                };
                !self.was_told(found.token) && is_shown(&fresh, Some(before.token), found, sight)
            }
            (State::Absent, Some(_))
            | (State::Is(_) | State::Shown(..) | State::Rotated(_), None) => false,
        }
    }
}

/// Whether `found` is this login; when it was last rotated is not known.
fn is_shown(
    login: &PersistentLogin,
    replaced: Option<Token>,
    found: &PersistentLogin,
    sight: Sight,
) -> bool {
    let is_same = PersistentLogin {
        rotation: found.rotation,
        ..login.clone()
    } == *found;
    let remembers = match sight {
        Sight::Record => found.rotation.map(|rotation| rotation.replaced) == replaced,
        Sight::Answer => found.rotation.is_none(),
    };
    is_same && remembers
}

/// With the tokens, which `Debug` hides: these are generated, and a failure cannot be understood without.
fn describe(login: Option<&PersistentLogin>) -> String {
    login.map_or_else(
        || "nothing".to_owned(),
        |login| {
            let replaced = login.rotation.map(|rotation| rotation.replaced.reveal());
            let token = login.token.reveal();
            format!("{login:?} with token {token} after {replaced:?}")
        },
    )
}

fn describe_state(state: &State) -> String {
    match state {
        State::Absent => "nothing".to_owned(),
        State::Is(login) => describe(Some(login)),
        State::Shown(login, replaced) => {
            let replaced = replaced.map(Token::reveal);
            format!("{} after {replaced:?}", describe(Some(login)))
        }
        State::Rotated(login) => format!("{} replaced", describe(Some(login))),
    }
}
