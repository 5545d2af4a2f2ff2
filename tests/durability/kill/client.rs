//! A client with its ledger.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::mpsc::Sender;

use rand::rngs::StdRng;
use rand::seq::IteratorRandom;
use rand::{RngExt, SeedableRng};
use rememberd::testing::{ObjectId, PersistentLogin, PersistentLoginId, ReuseRevokes, Token};

use crate::kill::connection::{Connection, login};
use crate::kill::server::Server;
use crate::support::ledger::{Change, Ledger, Sight, State};

/// How many logins a profile may have, as the server is told.
const LOGINS_MAX: usize = 4;

/// How often what happened.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    answers: usize,
    /// Answers to a replaced token.
    grace: usize,
    pub revoked: usize,
    pub crowded_out: usize,
    /// Tokens presented again after a kill, as their answers were lost.
    pub retried: usize,
    /// Those of them that had been rotated before the kill.
    retried_in_grace: usize,
}

impl Tally {
    pub fn add(&mut self, other: &Self) {
        self.answers += other.answers;
        self.grace += other.grace;
        self.revoked += other.revoked;
        self.crowded_out += other.crowded_out;
        self.retried += other.retried;
        self.retried_in_grace += other.retried_in_grace;
    }
}

/// A client, and what it was told about the logins of its profile, which nobody else touches.
pub struct Client {
    random: StdRng,
    pub profile_id: ObjectId,
    pub ledger: Ledger,
    /// Every token that a login was known to have, in order.
    tokens: BTreeMap<PersistentLoginId, Vec<Token>>,
    /// The login and the token of a rotation whose answer was lost.
    lost: Option<(PersistentLoginId, Token)>,
    pub tally: Tally,
}

impl Client {
    pub fn new(number: usize, seed: u64) -> Self {
        let number = u8::try_from(number).expect("clients are few");
        Self {
            random: StdRng::seed_from_u64(seed),
            profile_id: ObjectId::from_bytes([number; 12]),
            ledger: Ledger::default(),
            tokens: BTreeMap::new(),
            lost: None,
            tally: Tally::default(),
        }
    }

    /// Every login is as the ledger has it, and who lost an answer gets it.
    pub fn check(&mut self, server: &Server) {
        let connection = Connection::new(&server.address);
        let look_first = self.lost.is_none() || self.random.random_bool(0.5);
        if look_first {
            self.look(&connection);
        }
        if let Some((id, presented)) = self.lost.take() {
            if look_first {
                self.ledger.ask(Change::default());
            }
            self.retry(&connection, id, presented);
            self.look(&connection);
        }
    }

    /// Reads everything and holds it against the ledger.
    fn look(&mut self, connection: &Connection) {
        let listed = connection.list(self.profile_id).expect("the server runs");
        let listed: BTreeSet<_> = listed.into_iter().map(|(_, id)| id).collect();
        let ids: BTreeSet<_> = self
            .ledger
            .ids()
            .into_iter()
            .chain(listed.clone())
            .collect();
        let mut found = Vec::new();
        for id in ids {
            let login = connection.read(id).expect("the server runs");
            assert_eq!(login.is_some(), listed.contains(&id), "{id}");
            found.extend(login);
        }
        self.ledger
            .resolve(&found, Sight::Answer)
            .expect("it is as it was told");
        for login in &found {
            self.remember(login);
        }
    }

    /// Presents the token again whose answer was lost, and, as that may be lost too, once more: both get
    /// the same successor, and never a refusal.
    fn retry(&mut self, connection: &Connection, id: PersistentLoginId, presented: Token) {
        let (before, _) = self.present(id).expect("it was there and nobody ended it");
        let answers = [(); 2].map(|()| {
            let answer = connection.refresh(id, Some(presented));
            let (status, body) = answer.expect("the server runs");
            assert_eq!(status, 200, "a retry of {id}: {body}");
            login(&body)
        });
        assert_eq!(answers[0], answers[1]);
        let [after, _] = answers;
        self.tally.retried += 1;
        if before.token == presented {
            self.rotated(&before, &after);
        } else {
            self.tally.retried_in_grace += 1;
            assert_eq!(after, before, "the successor of the lost answer");
            self.ledger.answer(Change::default());
        }
    }

    /// Asks for one thing after the other until the server is gone.
    pub fn work(&mut self, address: &str, revokes: ReuseRevokes, answered: &Sender<()>) {
        let connection = Connection::new(address);
        while self.ask(&connection, revokes).is_some() {
            self.lost = None;
            self.tally.answers += 1;
            if answered.send(()).is_err() {
                panic!("the killer waits until the clients are done");
            }
        }
    }

    /// Asks for one thing; `None` if there was no answer.
    fn ask(&mut self, connection: &Connection, revokes: ReuseRevokes) -> Option<()> {
        let present = self.ledger.present();
        let chosen = present.into_iter().choose(&mut self.random);
        let chosen = chosen.map(|(login, replaced)| (login.clone(), replaced));
        match (self.random.random_range(0..40), chosen) {
            (0..9, _) | (_, None) => self.create(connection),
            (9..20, Some((login, _))) => self.rotate(connection, &login, Some(login.token)),
            (20..23, Some((login, _))) => self.rotate(connection, &login, None),
            (23..29, Some((login, Some(replaced)))) => self.grace(connection, &login, replaced),
            (29..32, Some((login, replaced))) => {
                let Some(used) = self.used_token(&login, replaced) else {
                    return self.rotate(connection, &login, Some(login.token));
                };
                self.reuse(connection, &login, used, revokes)
            }
            (32..34, Some((login, _))) => {
                self.ledger.ask(absent([login.id]));
                connection.delete(login.id)?;
                self.ledger.answer(absent([login.id]));
                Some(())
            }
            (34, Some((login, _))) => self.delete_all_but(connection, login.id),
            (_, Some((login, _))) => {
                assert_eq!(connection.read(login.id)?, Some(login));
                Some(())
            }
        }
    }

    fn create(&mut self, connection: &Connection) -> Option<()> {
        let mut listed = connection.list(self.profile_id)?;
        listed.sort();
        let ended = (listed.len() + 1).saturating_sub(LOGINS_MAX);
        let ended: Vec<_> = listed.into_iter().take(ended).map(|(_, id)| id).collect();
        let mut change = absent(ended.iter().copied());
        change.creations = 1;
        self.ledger.ask(change);
        let login = connection.create(self.profile_id)?;
        let mut change = absent(ended.iter().copied());
        change
            .states
            .push((login.id, State::Shown(login.clone(), None)));
        assert!(!self.ledger.was_told(login.token));
        self.ledger.answer(change);
        self.remember(&login);
        self.tally.crowded_out += ended.len();
        Some(())
    }

    fn rotate(
        &mut self,
        connection: &Connection,
        before: &PersistentLogin,
        presented: Option<Token>,
    ) -> Option<()> {
        self.lost = presented.map(|presented| (before.id, presented));
        self.ledger.ask(Change {
            states: vec![(before.id, State::Rotated(before.clone()))],
            creations: 0,
        });
        let (status, body) = connection.refresh(before.id, presented)?;
        assert_eq!(status, 200, "{body}");
        self.rotated(before, &login(&body));
        Some(())
    }

    /// A rotation was answered.
    fn rotated(&mut self, before: &PersistentLogin, after: &PersistentLogin) {
        assert!(!self.ledger.was_told(after.token), "a token is told twice");
        let token = before.token;
        let expected = PersistentLogin {
            token: after.token,
            ..before.clone()
        };
        assert_eq!(*after, expected, "a rotation changes the token alone");
        self.ledger.answer(Change {
            states: vec![(after.id, State::Shown(after.clone(), Some(token)))],
            creations: 0,
        });
        self.remember(after);
    }

    fn grace(
        &mut self,
        connection: &Connection,
        current: &PersistentLogin,
        replaced: Token,
    ) -> Option<()> {
        self.lost = Some((current.id, replaced));
        self.ledger.ask(Change::default());
        let (status, body) = connection.refresh(current.id, Some(replaced))?;
        assert_eq!(status, 200, "{body}");
        assert_eq!(login(&body), *current);
        self.ledger.answer(Change::default());
        self.tally.grace += 1;
        Some(())
    }

    fn reuse(
        &mut self,
        connection: &Connection,
        login: &PersistentLogin,
        used: Token,
        revokes: ReuseRevokes,
    ) -> Option<()> {
        let revoked: Vec<_> = match revokes {
            ReuseRevokes::None => Vec::new(),
            ReuseRevokes::Login => vec![login.id],
            ReuseRevokes::Profile => self.present_ids(),
        };
        self.ledger.ask(absent(revoked.iter().copied()));
        let (status, body) = connection.refresh(login.id, Some(used))?;
        assert_eq!(status, 401, "{body}");
        self.ledger.answer(absent(revoked.iter().copied()));
        self.tally.revoked += revoked.len();
        Some(())
    }

    fn delete_all_but(&mut self, connection: &Connection, kept: PersistentLoginId) -> Option<()> {
        let mut ids = self.present_ids();
        ids.retain(|&id| id != kept);
        self.ledger.ask(absent(ids.iter().copied()));
        let deleted = connection.delete_by_profile(self.profile_id, kept)?;
        assert_eq!(deleted, ids.len());
        self.ledger.answer(absent(ids));
        Some(())
    }

    /// A token of the login from before the one that was replaced last, or another login's.
    fn used_token(&mut self, login: &PersistentLogin, replaced: Option<Token>) -> Option<Token> {
        let tokens = self.tokens.values().flatten().copied();
        let used = tokens.filter(|&token| token != login.token && Some(token) != replaced);
        used.choose(&mut self.random)
    }

    fn remember(&mut self, login: &PersistentLogin) {
        let tokens = self.tokens.entry(login.id).or_default();
        if !tokens.contains(&login.token) {
            tokens.push(login.token);
        }
    }

    fn present(&self, id: PersistentLoginId) -> Option<(PersistentLogin, Option<Token>)> {
        let mut present = self.ledger.present().into_iter();
        let found = present.find(|(login, _)| login.id == id);
        found.map(|(login, replaced)| (login.clone(), replaced))
    }

    fn present_ids(&self) -> Vec<PersistentLoginId> {
        let present = self.ledger.present().into_iter();
        present.map(|(login, _)| login.id).collect()
    }
}

/// These logins go.
fn absent(ids: impl IntoIterator<Item = PersistentLoginId>) -> Change {
    Change {
        states: ids.into_iter().map(|id| (id, State::Absent)).collect(),
        creations: 0,
    }
}
