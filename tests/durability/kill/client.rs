//! A client and its ledger.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::mpsc::Sender;

use rand::rngs::StdRng;
use rand::seq::IteratorRandom;
use rand::{RngExt, SeedableRng};
use rememberd::testing::{ObjectId, PersistentLoginId, Token};

use crate::kill::connection::{Connection, login};
use crate::kill::server::{Patience, Server};
use crate::support::ledger::{Change, Ledger, State, View};
use crate::support::login::Login;

/// The maximum number of logins of a profile, as in the server's settings.
const LOGINS_MAX: usize = 4;

/// The number of times that each outcome occurred.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    responses: usize,
    /// Responses to a replaced token.
    grace: usize,
    pub refused: usize,
    pub revoked_by_cap: usize,
    pub reused: usize,
    pub revoked_by_reuse: usize,
    /// Tokens presented again after a kill, because the response was lost.
    pub retried: usize,
    /// Those of them that were rotated before the kill.
    retried_in_grace: usize,
}

impl Tally {
    pub fn add(&mut self, other: &Self) {
        self.responses += other.responses;
        self.grace += other.grace;
        self.refused += other.refused;
        self.revoked_by_cap += other.revoked_by_cap;
        self.reused += other.reused;
        self.revoked_by_reuse += other.revoked_by_reuse;
        self.retried += other.retried;
        self.retried_in_grace += other.retried_in_grace;
    }
}

/// A client, and the responses that it received about the logins of its profile. No other client changes
/// this profile.
pub struct Client {
    random: StdRng,
    patience: Patience,
    pub profile_id: ObjectId,
    pub ledger: Ledger,
    /// All known tokens of each login, in order.
    tokens: BTreeMap<PersistentLoginId, Vec<Token>>,
    /// The login and the token of a rotation whose response was lost.
    lost: Option<(PersistentLoginId, Token)>,
    pub tally: Tally,
}

impl Client {
    pub fn new(number: usize, seed: u64, patience: Patience) -> Self {
        let number = u8::try_from(number).expect("there are few clients");
        Self {
            random: StdRng::seed_from_u64(seed),
            patience,
            profile_id: ObjectId::from_bytes([number; 12]),
            ledger: Ledger::default(),
            tokens: BTreeMap::new(),
            lost: None,
            tally: Tally::default(),
        }
    }

    /// Asserts that every login is as in the ledger, and that a lost response is returned again.
    pub fn assert_matches(&mut self, server: &Server) {
        let connection = Connection::new(&server.address);
        let reads_first = self.lost.is_none() || self.random.random_bool(0.5);
        if reads_first {
            self.assert_all_match(&connection);
        }
        if let Some((id, presented)) = self.lost.take() {
            if reads_first {
                self.ledger.request(Change::default());
            }
            self.assert_retry_succeeds(&connection, id, presented);
            self.assert_all_match(&connection);
        }
    }

    /// Reads all logins and asserts that they match the ledger.
    fn assert_all_match(&mut self, connection: &Connection) {
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
            .reconcile(&found, View::Response)
            .expect("it matches the ledger");
        for login in &found {
            self.remember(login);
        }
    }

    /// Presents the token of the lost response twice, as that response may be lost too. Asserts that both
    /// requests return the same successor.
    fn assert_retry_succeeds(
        &mut self,
        connection: &Connection,
        id: PersistentLoginId,
        presented: Token,
    ) {
        let (before, _) = self.present(id).expect("no request has ended it");
        let responses = [(); 2].map(|()| {
            let response = connection.refresh(id, Some(presented));
            let (status, body) = response.expect("the server runs");
            assert_eq!(status, 200, "a retry of {id}: {body}");
            login(&body)
        });
        assert_eq!(responses[0], responses[1]);
        let [after, _] = responses;
        self.tally.retried += 1;
        if before.token == presented {
            self.rotated(&before, &after);
        } else {
            self.tally.retried_in_grace += 1;
            assert_eq!(after, before, "the successor in the lost response");
            self.ledger.acknowledge(Change::default());
        }
    }

    /// Sends requests until the server is killed. Sends a message for each response.
    pub fn work(&mut self, address: &str, acknowledged: &Sender<()>) {
        let connection = Connection::new(address);
        while self.request(&connection).is_some() {
            self.lost = None;
            self.tally.responses += 1;
            if acknowledged.send(()).is_err() {
                panic!("the test waits until the clients have ended");
            }
        }
    }

    /// Sends a random request. Returns `None` if no response arrived.
    fn request(&mut self, connection: &Connection) -> Option<()> {
        let present = self.ledger.present();
        let chosen = present.into_iter().choose(&mut self.random);
        let chosen = chosen.map(|(login, replaced)| (login.clone(), replaced));
        let drawn = self.random.random_range(0..40);
        if let (23..31, Some((login, _)), Patience::Strict) = (drawn, &chosen, self.patience) {
            return self.reuse(connection, login);
        }
        match (drawn, chosen) {
            (0..9, _) | (_, None) => self.create(connection),
            (9..20, Some((login, _))) => self.rotate(connection, &login, Some(login.token)),
            (20..23, Some((login, _))) => self.rotate(connection, &login, None),
            (23..29, Some((login, Some(replaced)))) => self.grace(connection, &login, replaced),
            (29..31, Some((login, Some(replaced)))) => self.older(connection, &login, replaced),
            (29..32, Some((login, _))) => self.unknown(connection, &login),
            (32..34, Some((login, _))) => {
                self.ledger.request(absent([login.id]));
                connection.delete(login.id)?;
                self.ledger.acknowledge(absent([login.id]));
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
        self.ledger.request(change);
        let login = connection.create(self.profile_id)?;
        let mut change = absent(ended.iter().copied());
        change
            .states
            .push((login.id, State::Returned(login.clone(), None)));
        assert!(!self.ledger.is_known_token(login.token));
        self.ledger.acknowledge(change);
        self.remember(&login);
        self.tally.revoked_by_cap += ended.len();
        Some(())
    }

    fn rotate(
        &mut self,
        connection: &Connection,
        before: &Login,
        presented: Option<Token>,
    ) -> Option<()> {
        let is_retried = self.patience == Patience::Patient;
        self.lost = presented
            .filter(|_| is_retried)
            .map(|presented| (before.id, presented));
        self.ledger.request(Change {
            states: vec![(before.id, State::Rotated(before.clone()))],
            creations: 0,
        });
        let (status, body) = connection.refresh(before.id, presented)?;
        assert_eq!(status, 200, "{body}");
        self.rotated(before, &login(&body));
        Some(())
    }

    /// Records the response to a rotation.
    fn rotated(&mut self, before: &Login, after: &Login) {
        assert!(
            !self.ledger.is_known_token(after.token),
            "a token is returned twice"
        );
        let token = before.token;
        let expected = Login {
            token: after.token,
            ..before.clone()
        };
        assert_eq!(*after, expected, "a rotation changes only the token");
        self.ledger.acknowledge(Change {
            states: vec![(after.id, State::Returned(after.clone(), Some(token)))],
            creations: 0,
        });
        self.remember(after);
    }

    fn grace(&mut self, connection: &Connection, current: &Login, replaced: Token) -> Option<()> {
        self.lost = Some((current.id, replaced));
        self.ledger.request(Change::default());
        let (status, body) = connection.refresh(current.id, Some(replaced))?;
        assert_eq!(status, 200, "{body}");
        assert_eq!(login(&body), *current);
        self.ledger.acknowledge(Change::default());
        self.tally.grace += 1;
        Some(())
    }

    /// A token that was replaced before the last one, a moment ago, gets the current one too.
    fn older(&mut self, connection: &Connection, current: &Login, replaced: Token) -> Option<()> {
        let tokens = self.tokens[&current.id].iter().copied();
        let older = tokens.filter(|&token| token != current.token && token != replaced);
        match older.choose(&mut self.random) {
            Some(older) => self.grace(connection, current, older),
            None => self.rotate(connection, current, Some(current.token)),
        }
    }

    /// A token that was replaced ends all logins of the profile.
    fn reuse(&mut self, connection: &Connection, current: &Login) -> Option<()> {
        let tokens = self.tokens[&current.id].iter().copied();
        let replaced = tokens.filter(|&token| token != current.token);
        let Some(replaced) = replaced.choose(&mut self.random) else {
            return self.rotate(connection, current, Some(current.token));
        };
        let ended = self.present_ids();
        self.ledger.request(absent(ended.iter().copied()));
        let (status, body) = connection.refresh(current.id, Some(replaced))?;
        assert_eq!(status, 401, "{body}");
        self.tally.reused += 1;
        self.tally.revoked_by_reuse += ended.len();
        self.ledger.acknowledge(absent(ended));
        Some(())
    }

    /// A token of another login is refused, and revokes nothing.
    fn unknown(&mut self, connection: &Connection, login: &Login) -> Option<()> {
        let others = self.tokens.iter().filter(|(id, _)| **id != login.id);
        let tokens = others.flat_map(|(_, tokens)| tokens).copied();
        let Some(token) = tokens.choose(&mut self.random) else {
            return self.rotate(connection, login, Some(login.token));
        };
        self.ledger.request(Change::default());
        let (status, body) = connection.refresh(login.id, Some(token))?;
        assert_eq!(status, 401, "{body}");
        self.ledger.acknowledge(Change::default());
        self.tally.refused += 1;
        Some(())
    }

    fn delete_all_but(&mut self, connection: &Connection, kept: PersistentLoginId) -> Option<()> {
        let mut ids = self.present_ids();
        ids.retain(|&id| id != kept);
        self.ledger.request(absent(ids.iter().copied()));
        let deleted = connection.delete_by_profile(self.profile_id, kept)?;
        assert_eq!(deleted, ids.len());
        self.ledger.acknowledge(absent(ids));
        Some(())
    }

    fn remember(&mut self, login: &Login) {
        let tokens = self.tokens.entry(login.id).or_default();
        if !tokens.contains(&login.token) {
            tokens.push(login.token);
        }
    }

    fn present(&self, id: PersistentLoginId) -> Option<(Login, Option<Token>)> {
        let mut present = self.ledger.present().into_iter();
        let found = present.find(|(login, _)| login.id == id);
        found.map(|(login, replaced)| (login.clone(), replaced))
    }

    fn present_ids(&self) -> Vec<PersistentLoginId> {
        let present = self.ledger.present().into_iter();
        present.map(|(login, _)| login.id).collect()
    }
}

/// The change that removes these logins.
fn absent(ids: impl IntoIterator<Item = PersistentLoginId>) -> Change {
    Change {
        states: ids.into_iter().map(|id| (id, State::Absent)).collect(),
        creations: 0,
    }
}
