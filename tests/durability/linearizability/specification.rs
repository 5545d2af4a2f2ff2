//! The sequential specification of the server: a pure function on the logins of one profile.
//!
//! Ids and tokens are numbers here, in the order in which a history returned them. Time is not part of
//! it: a grace period either never ends or does not exist.

use std::collections::BTreeMap;

/// The maximum number of tokens in a history.
pub const TOKENS_MAX: u8 = 128;

/// The settings that apply to a refresh.
#[derive(Clone, Copy, Debug)]
pub struct Rules {
    /// Whether a refresh with a replaced token returns the current one instead of a refusal.
    pub grace: bool,
    /// Whether a refresh without a token returns the token of the last rotation.
    pub coalesce: bool,
    /// The logins that a reused token revokes.
    pub revokes: Revokes,
}

/// The logins that a reused token revokes.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Revokes {
    /// Nothing.
    Nothing,
    /// The login.
    Login,
    /// All logins of the profile.
    Profile,
}

/// The number of a login.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct LoginId(pub u8);

/// The number of a token.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Token {
    /// One that a response returned, or that a client generated.
    Seen(u8),
    /// The one that the call with this number generated, whose response was lost.
    Unseen(u8),
}

/// A request of a client.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Call {
    Create,
    Read(LoginId),
    Refresh(LoginId, Presented),
    Delete(LoginId),
    List,
    DeleteAll {
        except: Option<LoginId>,
    },
    /// A backup, whose logins are read after it is restored.
    BackUp,
}

/// The token parameter of a refresh.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Presented {
    Nothing,
    Token(Token),
    Garbage,
}

/// A response of the server.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Response {
    Login(LoginId, Token),
    /// No login has this id.
    NotFound,
    /// The token was reused, or never the login's, and this was revoked.
    Reused(Revokes),
    /// The token is malformed.
    Malformed,
    Done,
    Listed(Vec<LoginId>),
    Logins(Vec<(LoginId, Token)>),
    Deleted(usize),
}

/// The logins of a profile.
#[derive(Clone, PartialEq, Eq, Hash, Default, Debug)]
pub struct State {
    logins: BTreeMap<LoginId, Login>,
    /// All tokens that were ever returned, a bit for each.
    issued: u128,
}

#[derive(Clone, PartialEq, Eq, Hash, Debug)]
struct Login {
    token: Token,
    /// The tokens that rotations replaced.
    replaced: Vec<Token>,
    /// The last of them, where reads show it: no token was presented in the rotation, and refreshes are coalesced.
    shown: Option<Token>,
}

/// The random values that the server generates for a call, taken from its response.
#[derive(Clone, Copy, Debug)]
pub struct Fresh {
    pub id: Option<LoginId>,
    pub token: Token,
}

impl Fresh {
    /// The values of the call with this number, from its response if it was received.
    pub fn of(number: u8, response: Option<&Response>) -> Self {
        match response {
            Some(&Response::Login(id, token)) => Self {
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

/// The state after `call` and its response; `None` if the call must generate a value and `fresh` is used
/// already.
pub fn step(
    rules: &Rules,
    mut state: State,
    call: &Call,
    fresh: Fresh,
) -> Option<(State, Response)> {
    let response = match *call {
        Call::Create => {
            let id = fresh.id.filter(|id| !state.logins.contains_key(id))?;
            state.issue(fresh.token)?;
            let login = Login {
                token: fresh.token,
                replaced: Vec::new(),
                shown: None,
            };
            state.logins.insert(id, login);
            Response::Login(id, fresh.token)
        }
        Call::Read(id) => state.read_response(id),
        Call::Refresh(_, Presented::Garbage) => Response::Malformed,
        Call::Refresh(id, presented) => refresh(rules, &mut state, id, presented, fresh.token)?,
        Call::Delete(id) => {
            state.logins.remove(&id);
            Response::Done
        }
        Call::List => Response::Listed(state.logins.keys().copied().collect()),
        Call::BackUp => Response::Logins(
            state
                .logins
                .iter()
                .map(|(&id, login)| (id, login.shown.unwrap_or(login.token)))
                .collect(),
        ),
        Call::DeleteAll { except } => {
            let before = state.logins.len();
            state.logins.retain(|&id, _| Some(id) == except);
            Response::Deleted(before - state.logins.len())
        }
    };
    Some((state, response))
}

fn refresh(
    rules: &Rules,
    state: &mut State,
    id: LoginId,
    presented: Presented,
    fresh: Token,
) -> Option<Response> {
    let Some(login) = state.logins.get(&id) else {
        return Some(Response::NotFound);
    };
    let (rotates, reused) = match presented {
        Presented::Token(token) if token == login.token => (true, false),
        Presented::Token(token) if login.replaced.contains(&token) => (false, !rules.grace),
        // One that was never the login's is refused and revokes nothing.
        Presented::Token(_) => return Some(Response::Reused(Revokes::Nothing)),
        Presented::Nothing | Presented::Garbage => {
            (!rules.coalesce || login.replaced.is_empty(), false)
        }
    };
    if reused {
        match rules.revokes {
            Revokes::Nothing => {}
            Revokes::Login => drop(state.logins.remove(&id)),
            Revokes::Profile => state.logins.clear(),
        }
        return Some(Response::Reused(rules.revokes));
    }
    if rotates {
        let mut replaced = login.replaced.clone();
        replaced.push(login.token);
        let is_shown = rules.coalesce && presented == Presented::Nothing;
        let rotated = Login {
            token: fresh,
            replaced,
            shown: is_shown.then_some(login.token),
        };
        state.issue(fresh)?;
        state.logins.insert(id, rotated);
    }
    Some(state.login_response(id))
}

impl Login {
    /// Puts the token that was received in place of an unseen one.
    fn identify(&mut self, unseen: Token, received: Token) {
        let replaced = self.replaced.iter_mut();
        let tokens = replaced.chain(&mut self.shown).chain([&mut self.token]);
        tokens
            .filter(|token| **token == unseen)
            .for_each(|token| *token = received);
    }
}

impl State {
    /// Compares the `received` response with the `expected` one. Returns the state, in which an unseen
    /// token is replaced by the one received; `None` if they differ.
    pub fn reconcile(mut self, expected: &Response, received: &Response) -> Option<Self> {
        match (expected, received) {
            (&Response::Login(id, unseen @ Token::Unseen(_)), &Response::Login(shown, token))
                if id == shown =>
            {
                self.issue(token)?;
                self.logins.get_mut(&id)?.identify(unseen, token);
                Some(self)
            }
            (Response::Logins(logins), Response::Logins(found)) if logins.len() == found.len() => {
                for (&(id, expected), &(shown, token)) in logins.iter().zip(found) {
                    let expected = Response::Login(id, expected);
                    self = self.reconcile(&expected, &Response::Login(shown, token))?;
                }
                Some(self)
            }
            _ => (expected == received).then_some(self),
        }
    }

    /// The response to a read of this login.
    fn read_response(&self, id: LoginId) -> Response {
        match self.logins.get(&id).and_then(|login| login.shown) {
            Some(token) => Response::Login(id, token),
            None => self.login_response(id),
        }
    }

    /// The response that returns this login.
    fn login_response(&self, id: LoginId) -> Response {
        self.logins
            .get(&id)
            .map_or(Response::NotFound, |login| Response::Login(id, login.token))
    }

    /// Marks `token` as returned; `None` if it was returned before.
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
