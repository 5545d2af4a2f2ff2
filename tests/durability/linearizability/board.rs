//! What the clients of one history know together: the numbers of ids and tokens, and which tokens
//! each login showed.

use std::sync::Mutex;

use crate::linearizability::specification::{LoginId, TOKENS_MAX, Token};

/// See the module. A client puts up what it was told once its call has ended.
#[derive(Default)]
pub struct Board(Mutex<Known>);

#[derive(Default)]
struct Known {
    /// An id's number is its place here, as a token's is below.
    ids: Vec<String>,
    tokens: Vec<String>,
    /// The tokens of each login, in the order in which they were first told.
    shown: Vec<Vec<Token>>,
}

impl Board {
    /// The number of the login with this id.
    pub fn login(&self, id: &str) -> LoginId {
        self.with(|known| {
            let number = number(&mut known.ids, id);
            known.shown.resize(known.ids.len(), Vec::new());
            LoginId(u8::try_from(number).expect("histories are short"))
        })
    }

    /// The number of this token.
    pub fn token(&self, text: &str) -> Token {
        let number = self.with(|known| number(&mut known.tokens, text));
        assert!(number < usize::from(TOKENS_MAX), "histories are short");
        Token::Seen(u8::try_from(number).expect("it was compared"))
    }

    /// Lets everyone know that the login showed this token.
    pub fn put_up(&self, LoginId(id): LoginId, token: Token) {
        self.with(|known| {
            let shown = &mut known.shown[usize::from(id)];
            if !shown.contains(&token) {
                shown.push(token);
            }
        });
    }

    /// The logins that showed a token, the newest last.
    pub fn logins(&self) -> Vec<LoginId> {
        self.with(|known| {
            let numbers = 0..u8::try_from(known.ids.len()).expect("histories are short");
            numbers
                .filter(|&number| !known.shown[usize::from(number)].is_empty())
                .map(LoginId)
                .collect()
        })
    }

    /// The tokens that the login showed, the newest last.
    pub fn shown(&self, LoginId(id): LoginId) -> Vec<Token> {
        self.with(|known| known.shown[usize::from(id)].clone())
    }

    /// The text of a login's id.
    pub fn id_text(&self, LoginId(id): LoginId) -> String {
        self.with(|known| known.ids[usize::from(id)].clone())
    }

    /// The text of a token that was seen.
    pub fn token_text(&self, token: Token) -> String {
        match token {
            Token::Seen(number) => self.with(|known| known.tokens[usize::from(number)].clone()),
            Token::Unseen(_) => panic!("nobody can present what nobody saw"),
        }
    }

    fn with<T>(&self, look: impl FnOnce(&mut Known) -> T) -> T {
        look(&mut self.0.lock().expect("no client has panicked"))
    }
}

fn number(texts: &mut Vec<String>, text: &str) -> usize {
    let found = texts.iter().position(|known| known == text);
    found.unwrap_or_else(|| {
        texts.push(text.to_owned());
        texts.len() - 1
    })
}
