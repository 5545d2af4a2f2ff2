//! The ids and tokens of one history, shared by its clients: their numbers, and the tokens of each login.

use std::sync::Mutex;

use crate::linearizability::specification::{LoginId, TOKENS_MAX, Token};

/// See the module. A client adds what it received after its call has ended.
#[derive(Default)]
pub struct Registry(Mutex<Contents>);

#[derive(Default)]
struct Contents {
    /// The number of an id is its index here; the same holds for tokens.
    ids: Vec<String>,
    tokens: Vec<String>,
    /// The tokens of each login, in the order in which they were received first.
    tokens_by_login: Vec<Vec<Token>>,
}

impl Registry {
    /// The number of the login with this id.
    pub fn login(&self, id: &str) -> LoginId {
        self.with(|contents| {
            let number = number(&mut contents.ids, id);
            contents
                .tokens_by_login
                .resize(contents.ids.len(), Vec::new());
            LoginId(u8::try_from(number).expect("histories are short"))
        })
    }

    /// The number of this token.
    pub fn token(&self, text: &str) -> Token {
        let number = self.with(|contents| number(&mut contents.tokens, text));
        assert!(number < usize::from(TOKENS_MAX), "histories are short");
        Token::Seen(u8::try_from(number).expect("it was compared"))
    }

    /// Adds a token to a login.
    pub fn add(&self, LoginId(id): LoginId, token: Token) {
        self.with(|contents| {
            let tokens = &mut contents.tokens_by_login[usize::from(id)];
            if !tokens.contains(&token) {
                tokens.push(token);
            }
        });
    }

    /// The logins that have a token, the newest last.
    pub fn logins(&self) -> Vec<LoginId> {
        self.with(|contents| {
            let numbers = 0..u8::try_from(contents.ids.len()).expect("histories are short");
            numbers
                .filter(|&number| !contents.tokens_by_login[usize::from(number)].is_empty())
                .map(LoginId)
                .collect()
        })
    }

    /// The tokens of the login, the newest last.
    pub fn tokens(&self, LoginId(id): LoginId) -> Vec<Token> {
        self.with(|contents| contents.tokens_by_login[usize::from(id)].clone())
    }

    /// The text of a login's id.
    pub fn id_text(&self, LoginId(id): LoginId) -> String {
        self.with(|contents| contents.ids[usize::from(id)].clone())
    }

    /// The text of a token that was received.
    pub fn token_text(&self, token: Token) -> String {
        match token {
            Token::Seen(number) => {
                self.with(|contents| contents.tokens[usize::from(number)].clone())
            }
            Token::Unseen(_) => panic!("no client has received an unseen token"),
        }
    }

    fn with<T>(&self, access: impl FnOnce(&mut Contents) -> T) -> T {
        access(&mut self.0.lock().expect("no client has panicked"))
    }
}

fn number(texts: &mut Vec<String>, text: &str) -> usize {
    let found = texts.iter().position(|other| other == text);
    found.unwrap_or_else(|| {
        texts.push(text.to_owned());
        texts.len() - 1
    })
}
