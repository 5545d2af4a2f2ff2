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
use crate::service::lazy_list::{LazyList, Rest};
use crate::service::list_room::ListRoom;
use crate::service::transaction;
use crate::storage::transaction::Read;
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
pub async fn list(
    app: &App,
    caller: Caller,
) -> Result<LazyList<RestOfTokens>, Error<AccessTokenRefusal>> {
    let request = MasterRequest::new(app, caller, TokenAction::Read, None);
    // Nobody but a master gets room.
    transaction::read(app, |txn| request.authorize(txn).map(drop))?;
    let mut room = ListRoom::reserve(app, LIST_BYTES).await?;
    let keys = app.keys.get()?;
    let (first, rest) = transaction::read(app, |txn| {
        request.authorize(txn)?;
        let mut rest = RestOfTokens {
            digests: access_token::digests(txn)?,
            next: 0,
            keys: Arc::clone(keys),
        };
        Ok((rest.read_some(txn)?, rest))
    })?;
    if !room.grow(LIST_BYTES + size_of_val(&rest.digests[..]))? {
        return Err(Failure::ListsFull.into());
    }
    Ok(LazyList::new(app, room, first, rest))
}

/// The access tokens of a list from the next one on.
pub struct RestOfTokens {
    digests: Vec<[u8; 32]>,
    next: usize,
    keys: Arc<KeyRing>,
}

impl Rest for RestOfTokens {
    type Item = IssuedToken;

    fn is_complete(&self) -> bool {
        self.next == self.digests.len()
    }

    fn read_some(&mut self, txn: &impl Read) -> Result<Vec<IssuedToken>, Failure> {
        let some = self.digests[self.next..].iter().take(STEP_TOKENS);
        self.next += some.len();
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
    }
}
