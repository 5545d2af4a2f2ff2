//! A client's record of its logins: acknowledged changes, and requests without a response.
//!
//! An acknowledged change must survive. Requests without a response may have taken effect or not, but in
//! the order in which they were sent, and each of them atomically.

use std::collections::{BTreeMap, HashSet, VecDeque};

use crate::support::login::Login;
use rememberd::testing::{PersistentLoginId, Token};
use uuid::Uuid;

/// A state of a login.
#[derive(Clone, Debug)]
pub enum State {
    /// It does not exist.
    Absent,
    /// It exists with exactly these fields.
    Exactly(Login),
    /// It exists as a response returned it. Responses do not include the last rotation; the token that it
    /// replaced is this one.
    Returned(Login, Option<Token>),
    /// It exists with a token that was never returned, in place of this one's.
    Rotated(Login),
}

/// The changes of one operation.
#[derive(Clone, Debug, Default)]
pub struct Change {
    pub states: Vec<(PersistentLoginId, State)>,
    /// The number of logins that it creates with ids that are not known yet.
    pub creations: usize,
}

/// The fields of a login that are visible.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum View {
    /// All fields.
    Record,
    /// All fields except its last rotation.
    Response,
}

/// The logins of one client, or of several clients whose operations have a total order.
#[derive(Clone, Debug, Default)]
pub struct Ledger {
    /// The last acknowledged state of every login that was ever returned.
    acknowledged: BTreeMap<PersistentLoginId, State>,
    /// The changes of requests without a response.
    pending: VecDeque<Change>,
    /// Every token that was ever returned, to tell old tokens from new ones.
    known_tokens: HashSet<Uuid>,
}

impl Ledger {
    /// Adds a login that existed before the first request.
    pub fn add_existing(&mut self, login: &Login) {
        self.set_state(login.id, State::Exactly(login.clone()));
    }

    /// Records a request that causes `change`.
    pub fn request(&mut self, change: Change) {
        self.pending.push_back(change);
    }

    /// Records the response to the oldest pending request, which caused `change`.
    pub fn acknowledge(&mut self, change: Change) {
        self.pending.pop_front().expect("it was requested");
        for (id, state) in change.states {
            self.set_state(id, state);
        }
    }

    /// Compares all existing logins with the ledger. Returns the number of pending changes that took effect.
    ///
    /// # Errors
    ///
    /// If an acknowledged change is lost, or an operation took effect in part, or a login or a token was not
    /// requested.
    pub fn verify(&self, found: &[Login], view: View) -> Result<usize, String> {
        let mut reasons = Vec::new();
        for effective in 0..=self.pending.len() {
            match self.compare(effective, found, view) {
                Ok(()) => return Ok(effective),
                Err(reason) => reasons.push(format!("with {effective} pending: {reason}")),
            }
        }
        Err(reasons.join("\n"))
    }

    /// Compares all existing logins with the ledger when no request is in progress, and takes them over as
    /// acknowledged. Returns the number of pending changes that took effect.
    ///
    /// # Errors
    ///
    /// As [`Ledger::verify`].
    pub fn reconcile(&mut self, found: &[Login], view: View) -> Result<usize, String> {
        let effective = self.verify(found, view)?;
        let mut states = self.states(effective);
        self.pending.clear();
        for login in found {
            let state = match states.remove(&login.id) {
                Some(State::Rotated(before)) => State::Returned(login.clone(), Some(before.token)),
                Some(known) => known,
                None => State::Returned(login.clone(), None),
            };
            self.set_state(login.id, state);
        }
        for (id, absent) in states {
            self.set_state(id, absent);
        }
        Ok(effective)
    }

    /// The logins that exist according to the acknowledged changes, each with the token that its last
    /// rotation replaced.
    pub fn present(&self) -> Vec<(&Login, Option<Token>)> {
        self.acknowledged
            .values()
            .filter_map(|state| match state {
                State::Exactly(login) => {
                    Some((login, login.rotation.map(|rotation| rotation.replaced)))
                }
                State::Returned(login, replaced) => Some((login, *replaced)),
                State::Absent | State::Rotated(_) => None,
            })
            .collect()
    }

    /// The id of every login that was ever returned.
    pub fn ids(&self) -> Vec<PersistentLoginId> {
        self.acknowledged.keys().copied().collect()
    }

    /// Whether the token was ever returned.
    pub fn is_known_token(&self, token: Token) -> bool {
        self.known_tokens.contains(&token.reveal())
    }

    fn set_state(&mut self, id: PersistentLoginId, state: State) {
        if let State::Exactly(login) | State::Returned(login, _) = &state {
            self.known_tokens.insert(login.token.reveal());
        }
        self.acknowledged.insert(id, state);
    }

    /// The states of the logins if the first `effective` pending changes took effect.
    fn states(&self, effective: usize) -> BTreeMap<PersistentLoginId, State> {
        let mut states = self.acknowledged.clone();
        let changes = self.pending.iter().take(effective);
        states.extend(changes.flat_map(|change| change.states.iter().cloned()));
        states
    }

    fn compare(&self, effective: usize, found: &[Login], view: View) -> Result<(), String> {
        let mut found: BTreeMap<_, _> = found.iter().map(|login| (login.id, login)).collect();
        for (id, state) in self.states(effective) {
            let found = found.remove(&id);
            if !self.admits(&state, found, view) {
                let (found, state) = (describe(found), describe_state(&state));
                return Err(format!("{id}: found {found} in place of {state}"));
            }
        }
        let changes = self.pending.iter().take(effective);
        let creations: usize = changes.map(|change| change.creations).sum();
        let are_new = found
            .values()
            .all(|login| !self.is_known_token(login.token) && login.rotation.is_none());
        if found.len() != creations || !are_new {
            return Err(format!("{creations} new logins, and found {found:?}"));
        }
        Ok(())
    }

    fn admits(&self, state: &State, found: Option<&Login>, view: View) -> bool {
        match (state, found) {
            (State::Absent, None) => true,
            (State::Exactly(login), Some(found)) => {
                let replaced = login.rotation.map(|rotation| rotation.replaced);
                match view {
                    View::Record => login == found,
                    View::Response => matches_returned(login, replaced, found, view),
                }
            }
            (State::Returned(login, replaced), Some(found)) => {
                matches_returned(login, *replaced, found, view)
            }
            (State::Rotated(before), Some(found)) => {
                let fresh = Login {
                    token: found.token,
                    ..before.clone()
                };
                !self.is_known_token(found.token)
                    && matches_returned(&fresh, Some(before.token), found, view)
            }
            (State::Absent, Some(_))
            | (State::Exactly(_) | State::Returned(..) | State::Rotated(_), None) => false,
        }
    }
}

/// Whether `found` is this login, without comparing the time of its last rotation.
fn matches_returned(login: &Login, replaced: Option<Token>, found: &Login, view: View) -> bool {
    let is_same = Login {
        rotation: found.rotation,
        ..login.clone()
    } == *found;
    let has_replaced = match view {
        View::Record => found.rotation.map(|rotation| rotation.replaced) == replaced,
        View::Response => found.rotation.is_none(),
    };
    is_same && has_replaced
}

/// Includes the tokens, which `Debug` hides: these are test data, and needed to understand a failure.
fn describe(login: Option<&Login>) -> String {
    login.map_or_else(
        || "nothing".to_owned(),
        |login| {
            let replaced = login.rotation.map(|rotation| rotation.replaced.reveal());
            let token = login.token.reveal();
            format!("{login:?} with token {token} in place of {replaced:?}")
        },
    )
}

fn describe_state(state: &State) -> String {
    match state {
        State::Absent => "nothing".to_owned(),
        State::Exactly(login) => describe(Some(login)),
        State::Returned(login, replaced) => {
            let replaced = replaced.map(Token::reveal);
            format!("{} in place of {replaced:?}", describe(Some(login)))
        }
        State::Rotated(login) => format!("{} replaced", describe(Some(login))),
    }
}
