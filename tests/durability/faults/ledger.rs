//! A client's record of its logins on a failing disk. Its requests are concurrent, so that only those for
//! the same login have an order, and each login is tracked separately.
//!
//! An acknowledged change must survive. A request without a response may have taken effect or not. For
//! each login the ledger keeps the states that it may be in, in the order of the requests; a response
//! replaces all states before it.

use std::collections::{BTreeMap, HashSet};

use crate::support::login::Login;
use rememberd::testing::PersistentLoginId;
use uuid::Uuid;

/// A state of a login.
#[derive(Clone, Debug)]
pub enum State {
    /// It does not exist.
    Absent,
    /// It exists with exactly these fields.
    Exactly(Login),
    /// It exists with a token that was never returned, and these other fields.
    Rotated(Login),
}

/// The logins of one client, or of several clients without a common login.
#[derive(Clone, Debug, Default)]
pub struct Ledger {
    logins: BTreeMap<PersistentLoginId, Record>,
    pending_creations: usize,
}

#[derive(Clone, Debug, Default)]
struct Record {
    /// The last acknowledged state, followed by those of pending requests.
    possible: Vec<State>,
    /// Every token that was ever returned, to tell old tokens from new ones.
    known_tokens: HashSet<Uuid>,
}

impl Ledger {
    /// Adds a login that existed before the first request.
    pub fn add_existing(&mut self, login: &Login) {
        self.record(login.id).acknowledge(Some(login));
    }

    /// Records a request that changes the login to `state`.
    pub fn request(&mut self, id: PersistentLoginId, state: State) {
        self.record(id).possible.push(state);
    }

    /// Records a request for a new login.
    pub fn request_creation(&mut self) {
        self.pending_creations += 1;
    }

    /// Records the response to a request for a new login.
    pub fn acknowledge_creation(&mut self, login: &Login) {
        self.pending_creations -= 1;
        self.add_existing(login);
    }

    /// Compares a login with the ledger when no request is in progress, and takes it over as acknowledged.
    ///
    /// # Errors
    ///
    /// If it is neither the last acknowledged state nor that of a request since then.
    pub fn reconcile(
        &mut self,
        id: PersistentLoginId,
        found: Option<&Login>,
    ) -> Result<(), String> {
        let record = self.record(id);
        record.check(id, found)?;
        record.possible.truncate(1);
        record.acknowledge(found);
        Ok(())
    }

    /// Compares all logins of a database with the ledger.
    ///
    /// # Errors
    ///
    /// If an acknowledged creation, rotation or deletion is lost, or a login was not requested.
    pub fn verify(&self, found: &[Login]) -> Result<(), String> {
        let mut found: BTreeMap<_, _> = found.iter().map(|login| (login.id, login)).collect();
        for (&id, record) in &self.logins {
            record.check(id, found.remove(&id))?;
        }
        if found.len() > self.pending_creations {
            return Err(format!(
                "{} unknown logins, and {} creations without a response: {found:?}",
                found.len(),
                self.pending_creations
            ));
        }
        Ok(())
    }

    /// The logins that certainly exist, in their last acknowledged state.
    pub fn present(&self) -> Vec<&Login> {
        self.logins
            .values()
            .filter_map(|record| match record.possible.as_slice() {
                [State::Exactly(login)] => Some(login),
                _ => None,
            })
            .collect()
    }

    /// The record of the login, which is absent before its first request.
    fn record(&mut self, id: PersistentLoginId) -> &mut Record {
        self.logins.entry(id).or_insert_with(|| Record {
            possible: vec![State::Absent],
            known_tokens: HashSet::new(),
        })
    }
}

impl Record {
    fn check(&self, id: PersistentLoginId, found: Option<&Login>) -> Result<(), String> {
        match self.position(found, 0) {
            Some(_) => Ok(()),
            None => Err(format!(
                "{id}: found {}, expected {}",
                describe(found),
                self.describe()
            )),
        }
    }

    fn position(&self, found: Option<&Login>, first: usize) -> Option<usize> {
        (first..self.possible.len()).find(|&index| self.admits(&self.possible[index], found))
    }

    fn admits(&self, state: &State, found: Option<&Login>) -> bool {
        match (state, found) {
            (State::Absent, None) => true,
            // A response does not have the last rotation.
            (State::Exactly(login), Some(found)) => login.returned() == found.returned(),
            (State::Rotated(login), Some(found)) => {
                !self.known_tokens.contains(&found.token.reveal()) && is_rotation(login, found)
            }
            (State::Absent, Some(_)) | (State::Exactly(_) | State::Rotated(_), None) => false,
        }
    }

    fn acknowledge(&mut self, state: Option<&Login>) {
        self.known_tokens
            .extend(state.map(|login| login.token.reveal()));
        self.possible[0] = state.map_or(State::Absent, |login| State::Exactly(login.clone()));
    }

    fn describe(&self) -> String {
        let states: Vec<_> = self
            .possible
            .iter()
            .map(|state| match state {
                State::Absent => "absent".to_owned(),
                State::Exactly(login) => describe(Some(login)),
                State::Rotated(login) => format!("{login:?} with a new token"),
            })
            .collect();
        states.join(" or ")
    }
}

/// Includes the token, which `Debug` hides: it is test data, and needed to understand a failure.
fn describe(login: Option<&Login>) -> String {
    login.map_or_else(
        || "absent".to_owned(),
        |login| format!("{login:?} with token {}", login.token.reveal()),
    )
}

/// Whether `found` is the result of a rotation of `login`. Its rotation is absent in a response.
fn is_rotation(login: &Login, found: &Login) -> bool {
    let has_replaced = found
        .rotation
        .is_none_or(|rotation| rotation.replaced == login.token);
    let rotated = Login {
        token: found.token,
        rotation: found.rotation,
        ..login.clone()
    };
    has_replaced && rotated == *found
}
