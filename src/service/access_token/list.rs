//! A master looks at all access tokens.

use std::sync::Arc;

use crate::app::App;
use crate::domain::access_token::TokenAction;
use crate::domain::key_ring::KeyRing;
use crate::error::Failure;
use crate::service::access_token::IssuedToken;
use crate::service::access_token::master::MasterRequest;
use crate::service::access_token::refusal::AccessTokenRefusal;
use crate::service::caller::Caller;
use crate::service::error::Error;
use crate::service::list_room::ListRoom;
use crate::service::transaction;
use crate::storage::Store;
use crate::tables::access_token;

/// How many access tokens are read at once.
const STEP_TOKENS: usize = 32;

/// What a list takes beside the digests: the few access tokens that were read, and their JSON.
const LIST_BYTES: usize = 32 << 10;

/// All access tokens, in the order in which they were created.
///
/// # Errors
///
/// Refuses an invalid caller, and one that is no master. [`Failure::ListsFull`] if there is no room for the list.
pub async fn list(app: &App, caller: Caller) -> Result<TokenList, Error<AccessTokenRefusal>> {
    let request = MasterRequest::new(app, caller, TokenAction::Read, None);
    // Nobody but a master gets room.
    transaction::read(app, |txn| request.authorize(txn).map(drop))?;
    let mut room = ListRoom::reserve(app, LIST_BYTES).await?;
    let digests = transaction::read(app, |txn| {
        request.authorize(txn)?;
        Ok(access_token::digests(txn)?)
    })?;
    if !room.grow(LIST_BYTES + size_of_val(&digests[..]))? {
        return Err(Failure::ListsFull.into());
    }
    Ok(TokenList {
        digests,
        next: 0,
        keys: Arc::clone(app.keys.get()?),
        store: Arc::clone(&app.store),
        _room: room,
    })
}

/// A list of access tokens, which are read when they are taken. Those that are deleted meanwhile are left out.
pub struct TokenList {
    digests: Vec<[u8; 32]>,
    next: usize,
    keys: Arc<KeyRing>,
    store: Arc<Store>,
    _room: ListRoom,
}

impl TokenList {
    /// Whether all access tokens were taken.
    pub fn is_complete(&self) -> bool {
        self.next == self.digests.len()
    }

    /// Takes the next few access tokens; none if all of them were taken, or the next few were deleted.
    ///
    /// # Errors
    ///
    /// Failures of the storage.
    pub fn take_some(&mut self) -> Result<Vec<IssuedToken>, Failure> {
        let some = self.digests[self.next..].iter().take(STEP_TOKENS);
        self.next += some.len();
        self.store.read(|txn| {
            let mut tokens = Vec::new();
            for digest in some {
                if let Some((sealed, token)) = access_token::by_digest(txn, digest)? {
                    tokens.push(IssuedToken {
                        id: sealed.open(&self.keys, digest),
                        token: Arc::new(token),
                    });
                }
            }
            Ok(tokens)
        })
    }
}
