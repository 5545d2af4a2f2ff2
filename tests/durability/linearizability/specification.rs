//! What the server promises, one call after the other: a pure function on the logins of one profile.
//!
//! Ids and tokens are numbers here, given in the order in which a history showed them. Time is not
//! part of it: a grace period is either always running or never.

use std::collections::BTreeMap;

/// How many tokens a history may show.
pub const TOKENS_MAX: u8 = 128;

/// The settings that decide what a refresh does.
#[derive(Clone, Copy, Debug)]
pub struct Rules {
    /// The token that was just replaced is answered with its successor, rather than refused.
    pub grace: bool,
    /// A refresh without a token is answered with the token of the last rotation.
    pub coalesce: bool,
    /// What a token that was used before revokes.
    pub revokes: Revokes,
}

/// What a token that was used before revokes.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Revokes {
    /// Nothing.
    Nothing,
    /// The login.
    Login,
    /// All logins of the profile.
    Profile,
}

/// A login's number.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct LoginId(pub u8);

/// A token's number.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Token {
    /// One that an answer showed, or that a client generated.
    Seen(u8),
    /// The one that the call of this number made, whose answer nobody got.
    Unseen(u8),
}

/// What a client asks for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Call {
    Create,
    Read(LoginId),
    Refresh(LoginId, Presented),
    Delete(LoginId),
    List,
    DeleteAll { except: Option<LoginId> },
}

/// What comes with a refresh.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Presented {
    Nothing,
    Token(Token),
    Garbage,
}

/// What a client is told.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Answer {
    Login(LoginId, Token),
    /// There is no such login.
    Gone,
    /// The token was used before, and this was revoked.
    Reused(Revokes),
    /// The token is none.
    Malformed,
    Done,
    Listed(Vec<LoginId>),
    Deleted(usize),
}

/// The logins of a profile that are there.
#[derive(Clone, PartialEq, Eq, Hash, Default, Debug)]
pub struct State {
    logins: BTreeMap<LoginId, Login>,
    /// The tokens that were ever given out, a bit for each.
    issued: u128,
}

#[derive(Clone, PartialEq, Eq, Hash, Debug)]
struct Login {
    token: Token,
    /// The token before, if there was a rotation.
    replaced: Option<Token>,
}

/// What the server draws at random, should the call need it: it is what its answer says.
#[derive(Clone, Copy, Debug)]
pub struct Fresh {
    pub id: Option<LoginId>,
    pub token: Token,
}

impl Fresh {
    /// What the call of this number drew, from its answer.
    pub fn of(number: u8, answer: Option<&Answer>) -> Self {
        match answer {
            Some(&Answer::Login(id, token)) => Self {
                id: Some(id),
                token,
            },
            _ => Self {
                id: None,
                token: Token::Unseen(number),
            },
        }
    }
}

/// What becomes of `state` by `call`, and what is answered; `None` if it needs something fresh and
/// `fresh` is not.
pub fn step(rules: &Rules, mut state: State, call: &Call, fresh: Fresh) -> Option<(State, Answer)> {
    let answer = match *call {
        Call::Create => {
            let id = fresh.id.filter(|id| !state.logins.contains_key(id))?;
            state.issue(fresh.token)?;
            let login = Login {
                token: fresh.token,
                replaced: None,
            };
            state.logins.insert(id, login);
            Answer::Login(id, fresh.token)
        }
        Call::Read(id) => state.show(id),
        Call::Refresh(_, Presented::Garbage) => Answer::Malformed,
        Call::Refresh(id, presented) => refresh(rules, &mut state, id, presented, fresh.token)?,
        Call::Delete(id) => {
            state.logins.remove(&id);
            Answer::Done
        }
        Call::List => Answer::Listed(state.logins.keys().copied().collect()),
        Call::DeleteAll { except } => {
            let before = state.logins.len();
            state.logins.retain(|&id, _| Some(id) == except);
            Answer::Deleted(before - state.logins.len())
        }
    };
    Some((state, answer))
}

fn refresh(
    rules: &Rules,
    state: &mut State,
    id: LoginId,
    presented: Presented,
    fresh: Token,
) -> Option<Answer> {
    let Some(login) = state.logins.get(&id) else {
        return Some(Answer::Gone);
    };
    let (rotates, reused) = match presented {
        Presented::Token(token) if token == login.token => (true, false),
        Presented::Token(token) => (false, !(rules.grace && login.replaced == Some(token))),
        Presented::Nothing | Presented::Garbage => {
            (!(rules.coalesce && login.replaced.is_some()), false)
        }
    };
    if reused {
        match rules.revokes {
            Revokes::Nothing => {}
            Revokes::Login => drop(state.logins.remove(&id)),
            Revokes::Profile => state.logins.clear(),
        }
        return Some(Answer::Reused(rules.revokes));
    }
    if rotates {
        let rotated = Login {
            token: fresh,
            replaced: Some(login.token),
        };
        state.issue(fresh)?;
        state.logins.insert(id, rotated);
    }
    Some(state.show(id))
}

impl State {
    /// The state in which `told` is what was answered where `expected` is what had to be; `None` if
    /// that cannot be. A token that nobody had seen is known from now on.
    pub fn reconcile(mut self, expected: &Answer, told: &Answer) -> Option<Self> {
        match (expected, told) {
            (&Answer::Login(id, Token::Unseen(_)), &Answer::Login(shown, token)) if id == shown => {
                self.issue(token)?;
                self.logins.get_mut(&id)?.token = token;
                Some(self)
            }
            _ => (expected == told).then_some(self),
        }
    }

    fn show(&self, id: LoginId) -> Answer {
        self.logins
            .get(&id)
            .map_or(Answer::Gone, |login| Answer::Login(id, login.token))
    }

    /// Notes that `token` is given out, which may happen once.
    fn issue(&mut self, token: Token) -> Option<()> {
        let Token::Seen(number) = token else {
            return Some(());
        };
        let bit = 1 << number;
        let is_new = self.issued & bit == 0;
        self.issued |= bit;
        is_new.then_some(())
    }
}
