//! What a client of a failing disk knows of its logins, each by itself: its requests run beside each
//! other, so that only those of one login have an order.
//!
//! The promise under test is that of an acknowledgement: what was told stays. What was not answered
//! may have happened or not. For each login the ledger keeps, in the order in which they were asked
//! for, the states that it may be in; an answer ends all that came before it.

use std::collections::{BTreeMap, HashSet};

use rememberd::testing::{PersistentLogin, PersistentLoginId};
use uuid::Uuid;

/// A state that a login may be in.
#[derive(Clone, Debug)]
pub enum State {
    /// It is not there.
    Absent,
    /// It is there, in all fields.
    Is(PersistentLogin),
    /// It is there with a token that nobody was told yet; the other fields are these.
    Rotated(PersistentLogin),
}

/// The logins of one client, or of several that share none.
#[derive(Clone, Debug, Default)]
pub struct Ledger {
    logins: BTreeMap<PersistentLoginId, Known>,
    creations_unanswered: usize,
}

#[derive(Clone, Debug, Default)]
struct Known {
    /// First what was last acknowledged, then what may have become of it.
    possible: Vec<State>,
    /// Every token that was ever told, so that an old one is not taken for a fresh one.
    told: HashSet<Uuid>,
}

impl Ledger {
    /// The login was there before anything was asked for.
    pub fn begin(&mut self, login: &PersistentLogin) {
        self.known(login.id).settle_first(Some(login));
    }

    /// Something was asked for that brings the login into `state`.
    pub fn ask(&mut self, id: PersistentLoginId, state: State) {
        self.known(id).possible.push(state);
    }

    /// A login was asked for whose id will be known only from the answer.
    pub fn ask_creation(&mut self) {
        self.creations_unanswered += 1;
    }

    /// That creation was answered.
    pub fn answer_creation(&mut self, login: &PersistentLogin) {
        self.creations_unanswered -= 1;
        self.begin(login);
    }

    /// The login was found as it is after everything that was asked for is over.
    ///
    /// # Errors
    ///
    /// If that is neither what was last acknowledged nor what was asked for since.
    pub fn resolve(
        &mut self,
        id: PersistentLoginId,
        found: Option<&PersistentLogin>,
    ) -> Result<(), String> {
        let known = self.known(id);
        known.check(id, found)?;
        known.possible.truncate(1);
        known.settle_first(found);
        Ok(())
    }

    /// Holds all logins of a database against the ledger.
    ///
    /// # Errors
    ///
    /// If an acknowledged creation, rotation or deletion is lost, or there is a login that nobody
    /// asked for.
    pub fn verify(&self, found: &[PersistentLogin]) -> Result<(), String> {
        let mut found: BTreeMap<_, _> = found.iter().map(|login| (login.id, login)).collect();
        for (&id, known) in &self.logins {
            known.check(id, found.remove(&id))?;
        }
        if found.len() > self.creations_unanswered {
            return Err(format!(
                "{} logins that nobody knows, and {} creations without an answer: {found:?}",
                found.len(),
                self.creations_unanswered
            ));
        }
        Ok(())
    }

    /// The logins that are there for certain, as they were last told.
    pub fn present(&self) -> Vec<&PersistentLogin> {
        self.logins
            .values()
            .filter_map(|known| match known.possible.as_slice() {
                [State::Is(login)] => Some(login),
                _ => None,
            })
            .collect()
    }

    /// What is known of the login: that it is absent, before anything is asked for.
    fn known(&mut self, id: PersistentLoginId) -> &mut Known {
        self.logins.entry(id).or_insert_with(|| Known {
            possible: vec![State::Absent],
            told: HashSet::new(),
        })
    }
}

impl Known {
    fn check(&self, id: PersistentLoginId, found: Option<&PersistentLogin>) -> Result<(), String> {
        match self.position(found, 0) {
            Some(_) => Ok(()),
            None => Err(format!(
                "{id}: found {}, and possible is {}",
                describe(found),
                self.describe()
            )),
        }
    }

    fn position(&self, found: Option<&PersistentLogin>, first: usize) -> Option<usize> {
        (first..self.possible.len()).find(|&index| self.admits(&self.possible[index], found))
    }

    fn admits(&self, state: &State, found: Option<&PersistentLogin>) -> bool {
        match (state, found) {
            (State::Absent, None) => true,
            (State::Is(login), Some(found)) => login == found,
            (State::Rotated(login), Some(found)) => {
                !self.told.contains(&found.token.reveal()) && is_rotation(login, found)
            }
            (State::Absent, Some(_)) | (State::Is(_) | State::Rotated(_), None) => false,
        }
    }

    fn settle_first(&mut self, state: Option<&PersistentLogin>) {
        self.told.extend(state.map(|login| login.token.reveal()));
        self.possible[0] = state.map_or(State::Absent, |login| State::Is(login.clone()));
    }

    fn describe(&self) -> String {
        let states: Vec<_> = self
            .possible
            .iter()
            .map(|state| match state {
                State::Absent => "absent".to_owned(),
                State::Is(login) => describe(Some(login)),
                State::Rotated(login) => format!("{login:?} with a fresh token"),
            })
            .collect();
        states.join(" or ")
    }
}

/// With the token, which `Debug` hides: these are generated, and a failure cannot be understood without.
fn describe(login: Option<&PersistentLogin>) -> String {
    login.map_or_else(
        || "absent".to_owned(),
        |login| format!("{login:?} with token {}", login.token.reveal()),
    )
}

/// Whether `found` is what a rotation makes of `login`. An answer does not tell of the rotation, a
/// record does.
fn is_rotation(login: &PersistentLogin, found: &PersistentLogin) -> bool {
    let remembers = found
        .rotation
        .is_none_or(|rotation| rotation.replaced == login.token);
    let rotated = PersistentLogin {
        token: found.token,
        rotation: found.rotation,
        ..login.clone()
    };
    remembers && rotated == *found
}
