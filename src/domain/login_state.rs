//! What is stored of a persistent login.

use std::sync::Arc;

use uuid::Uuid;

use crate::clock::timeline::{Moment, Now, Timeline};
use crate::domain::key_ring::{KeyNumber, KeyRing, NONCE_BYTES, SecretKey, TAG_BYTES};
use crate::domain::object_id::ObjectId;
use crate::domain::persistent_login::{Lifetime, PersistentLogin, PersistentLoginId, Token};
use crate::domain::tenant::TenantName;
use crate::domain::token_chain::{AHEAD_MAX, BEHIND_MAX, Generation, TokenChain};

/// Counts the eras of a profile's logins: ending all logins of a profile begins a new era, and ends those of its
/// earlier ones.
pub type Era = u64;

/// What is stored of a persistent login: no token, but what its tokens are derived from by a key.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LoginState {
    /// The id, which never changes.
    pub id: PersistentLoginId,
    /// The name of the profile's tenant.
    pub tenant: TenantName,
    /// Who is logged in.
    pub profile_id: ObjectId,
    /// When the login was created.
    pub created: Moment,
    /// The era of logins that it was created in: ending all logins of a profile begins a new era, and ends those of
    /// its earlier ones.
    pub era: Era,
    /// The generations of its tokens.
    pub chain: TokenChain,
    /// The key of its tokens.
    pub key: KeyEpoch,
    /// The tokens that came with the login from elsewhere, as long as one of them may be accepted.
    pub imported: Option<Arc<ImportedTokens>>,
}

/// Which key the tokens of a login are derived from.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct KeyEpoch {
    /// The number of the key.
    pub number: KeyNumber,
    /// The first generation with this key; those before have an earlier key.
    pub since: Generation,
}

/// The tokens of the first generations of a login, sealed: random ones, which no key derives.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ImportedTokens {
    /// The number of the key that seals them.
    pub key: KeyNumber,
    /// How many generations have one; at most [`IMPORTED_MAX`].
    pub count: Generation,
    /// Their bytes, 16 for each, sealed; what comes after is zero.
    sealed: [u8; sealed_bytes(IMPORTED_MAX)],
}

/// How many generations of a login can have imported tokens.
const IMPORTED_MAX: Generation = 2;

/// How many bytes `count` tokens have, sealed.
const fn sealed_bytes(count: Generation) -> usize {
    NONCE_BYTES + 16 * count as usize + TAG_BYTES
}

impl ImportedTokens {
    /// Seals `tokens`, those of the first generations of the login with this id.
    pub fn seal(
        keys: &KeyRing,
        nonce: [u8; NONCE_BYTES],
        id: PersistentLoginId,
        tokens: &[Token],
    ) -> Self {
        let (number, key) = keys.newest();
        let secrets: Vec<_> = tokens
            .iter()
            .flat_map(|token| token.reveal().into_bytes())
            .collect();
        let count = Generation::try_from(tokens.len()).expect("few tokens are imported");
        let sealed = key.seal(nonce, &secrets, id.uuid().as_bytes());
        Self::from_sealed(number, count, &sealed).expect("it has as many bytes as its tokens")
    }

    /// `count` tokens that the key with this number sealed; `None` if `sealed` is of another length.
    pub fn from_sealed(key: KeyNumber, count: Generation, sealed: &[u8]) -> Option<Self> {
        if count > IMPORTED_MAX || sealed.len() != sealed_bytes(count) {
            return None;
        }
        let mut padded = [0; sealed_bytes(IMPORTED_MAX)];
        padded[..sealed.len()].copy_from_slice(sealed);
        Some(Self {
            key,
            count,
            sealed: padded,
        })
    }

    /// Their bytes, sealed.
    pub fn sealed(&self) -> &[u8] {
        &self.sealed[..sealed_bytes(self.count)]
    }

    fn token(
        &self,
        keys: &KeyRing,
        id: PersistentLoginId,
        generation: Generation,
    ) -> Option<Token> {
        let secrets = keys
            .get(self.key)?
            .open(self.sealed(), id.uuid().as_bytes())?;
        let secret = secrets.chunks_exact(16).nth(generation as usize)?;
        Uuid::from_slice(secret).ok().map(Token::new)
    }
}

/// A login from elsewhere: what its [`LoginState`] is made of, in less memory.
#[derive(Clone, Debug)]
pub struct ImportedLogin {
    /// The id, which never changes.
    pub id: PersistentLoginId,
    /// The name of the profile's tenant.
    pub tenant: TenantName,
    /// Who is logged in.
    pub profile_id: ObjectId,
    /// When the login was created.
    pub created: Moment,
    tokens: ImportedTokens,
}

impl ImportedLogin {
    /// The login with a token that no key derives. The nonce must be random.
    pub fn new(
        login: &PersistentLogin,
        timeline: &Timeline,
        keys: &KeyRing,
        nonce: [u8; NONCE_BYTES],
    ) -> Self {
        Self {
            id: login.id,
            tenant: login.tenant.clone(),
            profile_id: login.profile_id,
            created: timeline.moment(login.timestamp),
            tokens: ImportedTokens::seal(keys, nonce, login.id, &[login.token]),
        }
    }

    /// The login as it is stored, in this era.
    pub fn state(&self, era: Era) -> LoginState {
        LoginState {
            id: self.id,
            tenant: self.tenant.clone(),
            profile_id: self.profile_id,
            created: self.created,
            era,
            chain: TokenChain::NEW,
            key: KeyEpoch {
                number: self.tokens.key,
                since: 0,
            },
            imported: Some(Arc::new(self.tokens.clone())),
        }
    }
}

impl LoginState {
    /// When the login was last used: rotated, or created.
    pub fn last_used(&self) -> Moment {
        let rotation = self.chain.rotation;
        rotation.map_or(self.created, |rotation| rotation.at)
    }

    /// Whether the login has expired.
    pub fn is_expired(&self, now: &Now, lifetime: Lifetime) -> bool {
        lifetime.is_over(self.created, self.last_used(), now)
    }

    /// The login with its current token; `None` if the token's key is missing.
    pub fn issue(&self, keys: &KeyRing, timeline: &Timeline) -> Option<PersistentLogin> {
        Some(PersistentLogin {
            id: self.id,
            tenant: self.tenant.clone(),
            profile_id: self.profile_id,
            token: self.token(keys, self.chain.current)?,
            timestamp: timeline.time(self.created),
        })
    }

    /// The token of a generation up to the current one; `None` if its key is missing, or it was imported and is
    /// not kept any more.
    pub fn token(&self, keys: &KeyRing, generation: Generation) -> Option<Token> {
        if let Some(imported) = &self.imported
            && generation < imported.count
        {
            return imported.token(keys, self.id, generation);
        }
        let KeyEpoch { number, since } = self.key;
        let key = if generation < since {
            keys.before(number).next()
        } else {
            keys.get(number)
        };
        Some(key?.token(self.id, generation))
    }

    /// Whether the keys of the login's next tokens are there.
    pub fn has_key(&self, keys: &KeyRing) -> bool {
        keys.get(self.key.number).is_some()
    }

    /// The login after a rotation to this chain: its next token is derived from the newest key.
    #[must_use]
    pub fn rotated(self, chain: TokenChain, keys: &KeyRing) -> Self {
        let (number, _) = keys.newest();
        let key = if number == self.key.number {
            self.key
        } else {
            KeyEpoch {
                number,
                since: chain.current,
            }
        };
        Self { chain, key, ..self }
    }

    /// The generations that a token may be of, the most likely ones first: bounded, however old the login.
    pub fn possible_generations(&self) -> impl Iterator<Item = Generation> + use<> {
        let current = self.chain.current;
        let parent = self.chain.rotation.map(|rotation| rotation.parent);
        let behind = (current.saturating_sub(BEHIND_MAX)..current).rev();
        let ahead = current.saturating_add(1)..=current.saturating_add(AHEAD_MAX);
        [current]
            .into_iter()
            .chain(parent)
            .chain(behind)
            .chain(ahead)
    }

    /// Whether `token` is that of this generation. It takes the same time for every token.
    pub fn is_token_of(&self, keys: &KeyRing, generation: Generation, token: Token) -> bool {
        if let Some(imported) = &self.imported
            && generation < imported.count
        {
            return imported.token(keys, self.id, generation) == Some(token);
        }
        let is_token = |key: &SecretKey| key.token(self.id, generation) == token;
        let KeyEpoch { number, since } = self.key;
        if generation < since {
            keys.before(number).any(is_token)
        } else if generation <= self.chain.current {
            keys.get(number).is_some_and(is_token)
        } else {
            keys.from(number).any(is_token)
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::time::Duration;

    use super::*;
    use crate::clock::Timestamp;

    const SECOND: Duration = Duration::from_secs(1);

    fn at(millis: i64) -> Now {
        Timestamp::from_millis(millis).into()
    }

    fn ring(numbers: &[u8]) -> KeyRing {
        let key = |number: &u8| (KeyNumber::from(*number), SecretKey::new(&[*number; 32]));
        KeyRing::new(numbers.iter().map(key).collect::<BTreeMap<_, _>>(), true)
            .expect("there is a key")
    }

    fn login() -> LoginState {
        LoginState {
            id: PersistentLoginId::new(Uuid::from_u128(7)),
            tenant: TenantName::new("default").expect("not empty"),
            profile_id: ObjectId::from_bytes([7; 12]),
            created: at(1_000).moment,
            era: 0,
            chain: TokenChain::NEW,
            key: KeyEpoch {
                number: 1,
                since: 0,
            },
            imported: None,
        }
    }

    fn rotate(login: LoginState, keys: &KeyRing, now: i64) -> LoginState {
        let chain = login.chain.rotated(&at(now), SECOND);
        login.rotated(chain, keys)
    }

    fn token(login: &LoginState, keys: &KeyRing) -> Token {
        login
            .issue(keys, &Timeline::default())
            .expect("the key is there")
            .token
    }

    /// The generation that `token` is found to be of.
    fn found(login: &LoginState, keys: &KeyRing, token: Token) -> Option<Generation> {
        let mut possible = login.possible_generations();
        possible.find(|generation| login.is_token_of(keys, *generation, token))
    }

    #[test]
    fn expires_when_its_age_is_reached() {
        let lifetime = Lifetime {
            max_age: Duration::from_millis(500),
            idle_max: None,
        };
        assert!(!login().is_expired(&at(1_499), lifetime));
        assert!(login().is_expired(&at(1_500), lifetime));
        let rotated = rotate(login(), &ring(&[1]), 1_400);
        assert!(rotated.is_expired(&at(1_500), lifetime));
    }

    #[test]
    fn expires_when_it_was_idle_for_too_long() {
        let lifetime = Lifetime {
            max_age: 10 * SECOND,
            idle_max: Some(SECOND),
        };
        assert!(!login().is_expired(&at(1_999), lifetime));
        assert!(login().is_expired(&at(2_000), lifetime));
        let used = rotate(login(), &ring(&[1]), 1_900);
        assert!(!used.is_expired(&at(2_899), lifetime));
        assert!(used.is_expired(&at(2_900), lifetime));
        let used_late = rotate(login(), &ring(&[1]), 10_900);
        assert!(used_late.is_expired(&at(11_000), lifetime));
    }

    #[test]
    fn a_token_is_found_in_every_generation_near_the_current_one() {
        let keys = ring(&[1]);
        let mut login = login();
        let mut tokens = vec![token(&login, &keys)];
        for number in 1..=BEHIND_MAX + 2 {
            login = rotate(login, &keys, i64::from(number));
            tokens.push(token(&login, &keys));
        }
        for generation in [0, 1, 2, 3, 77, BEHIND_MAX, BEHIND_MAX + 1, BEHIND_MAX + 2] {
            let expected = Some(generation).filter(|generation| *generation >= 2);
            assert_eq!(found(&login, &keys, tokens[generation as usize]), expected);
        }
        let before = LoginState {
            chain: TokenChain {
                current: 2,
                rotation: None,
            },
            ..login.clone()
        };
        let last = 2 + AHEAD_MAX;
        assert_eq!(found(&before, &keys, tokens[last as usize]), Some(last));
        assert_eq!(found(&before, &keys, tokens[last as usize + 1]), None);
        assert_eq!(found(&login, &ring(&[2]), tokens[9]), None);
        assert_eq!(login.issue(&ring(&[2]), &Timeline::default()), None);
    }

    #[test]
    fn the_next_token_is_derived_from_the_newest_key_and_earlier_ones_are_found() {
        let first = token(&login(), &ring(&[1]));
        let moved = rotate(login(), &ring(&[1, 2]), 2_000);
        assert_eq!(
            moved.key,
            KeyEpoch {
                number: 2,
                since: 1
            }
        );
        let second = token(&moved, &ring(&[1, 2]));
        assert_eq!(second, ring(&[2]).newest().1.token(moved.id, 1));
        let again = rotate(moved, &ring(&[1, 2]), 3_000);
        for (generation, token) in [(0, first), (1, second)] {
            assert_eq!(found(&again, &ring(&[1, 2]), token), Some(generation));
        }
        assert_eq!(found(&again, &ring(&[2]), first), None);
        // A database that is older than the key.
        let third = token(&again, &ring(&[1, 2]));
        assert_eq!(found(&login(), &ring(&[1, 2]), third), Some(2));
        assert_eq!(found(&login(), &ring(&[1]), third), None);
    }

    #[test]
    fn imported_tokens_are_found_as_the_first_generations() {
        let keys = ring(&[1]);
        let tokens = [5, 6].map(|number| Token::new(Uuid::from_u128(number)));
        let imported = ImportedTokens::seal(&keys, [0; NONCE_BYTES], login().id, &tokens);
        let login = LoginState {
            chain: TokenChain {
                current: 1,
                rotation: None,
            },
            imported: Some(Arc::new(imported)),
            ..login()
        };
        assert_eq!(token(&login, &keys), tokens[1]);
        let rotated = rotate(login, &keys, 2_000);
        for (generation, token) in (0..).zip(tokens) {
            assert_eq!(found(&rotated, &keys, token), Some(generation));
        }
        assert_eq!(token(&rotated, &keys), keys.newest().1.token(rotated.id, 2));
        assert_eq!(found(&rotated, &ring(&[2]), tokens[0]), None);
    }
}
