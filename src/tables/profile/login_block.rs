//! Why the logins of a profile do not count, for the few profiles of which they do not.

use crate::domain::object_id::ObjectId;
use crate::error::Failure;
use crate::storage::codec::{Decoder, Encoder};
use crate::storage::table::{Fixed, Table};
use crate::storage::transaction::Read;
use crate::storage::transaction::write_txn::WriteTxn;

const LOGIN_BLOCKS: Table<Fixed<12>> = Table::sparse(TABLE_NAME);

/// The name of the table in the file.
pub const TABLE_NAME: &str = "profile_bar";

const VERSION: u8 = 1;

/// Why the logins of a profile do not count.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum LoginBlock {
    /// The profile is disabled.
    Disabled,
    /// The profile was removed.
    Gone,
}

/// Why the logins of the profile with this id, which was there when they were created, may not be used;
/// `None` if they may.
///
/// # Errors
///
/// Of the storage, or of a record that does not decode.
pub fn get(txn: &impl Read, id: ObjectId) -> Result<Option<LoginBlock>, Failure> {
    txn.get(&LOGIN_BLOCKS, id.as_bytes(), decode)
}

/// Puts why the logins of a profile may not be used; `None` if they may.
///
/// # Errors
///
/// Of the storage, or of the record that was there and does not decode.
pub fn put(txn: &WriteTxn, id: ObjectId, block: Option<LoginBlock>) -> Result<(), Failure> {
    // Most writes of a profile leave it as it is, and with it the table that every refresh reads.
    if get(txn, id)? == block {
        return Ok(());
    }
    match block {
        Some(block) => txn.put(&LOGIN_BLOCKS, id.as_bytes(), &encode(block)),
        None => txn.remove(&LOGIN_BLOCKS, id.as_bytes()).map(drop),
    }
}

/// The record of a block.
pub fn encode(block: LoginBlock) -> Vec<u8> {
    let is_gone = match block {
        LoginBlock::Disabled => false,
        LoginBlock::Gone => true,
    };
    Encoder::new(VERSION).bool(is_gone).finish()
}

/// The block in a record.
///
/// # Errors
///
/// [`Failure::Corrupt`].
pub fn decode(record: &[u8]) -> Result<LoginBlock, Failure> {
    let mut decoder = Decoder::new("block of a profile's logins", VERSION, record)?;
    let is_gone = decoder.bool()?;
    decoder.finish()?;
    Ok(if is_gone {
        LoginBlock::Gone
    } else {
        LoginBlock::Disabled
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{Strategy, any};

    use super::*;
    use crate::storage::codec::properties::check;

    #[test]
    fn login_blocks_are_what_they_were() {
        let blocks = any::<bool>().prop_map(|gone| {
            if gone {
                LoginBlock::Gone
            } else {
                LoginBlock::Disabled
            }
        });
        check(blocks, |block| encode(*block), decode);
    }
}
