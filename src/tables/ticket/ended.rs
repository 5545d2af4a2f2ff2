//! The profiles all of whose tickets were ended at once, until the tickets are removed.
//!
//! As the end of all logins of a profile ([`ended`](crate::tables::persistent_login::ended)), it is one small row,
//! however many they are, and takes its era from the same count. It has a table of its own, so that what ends tickets
//! alone changes nothing that a use of a login reads.

use std::ops::{Bound, ControlFlow};
use std::sync::Arc;

use crate::domain::login_state::Era;
use crate::domain::object_id::ObjectId;
use crate::error::Failure;
use crate::storage::table::{Fixed, Table};
use crate::storage::transaction::write_txn::WriteTxn;
use crate::storage::transaction::{Derived, Read};
use crate::tables::ended::{self, Ends};
use crate::tables::meta;

const NAME: &str = "ticket_ended";
const ENDED: Table<Fixed<12>> = Table::new(NAME);

/// The eras that begin with the last end of all tickets of each profile whose tickets may be there still. One that
/// cannot be read concerns its profile alone.
#[derive(Debug)]
pub struct EndedTickets(Ends<ObjectId, Era>);

impl EndedTickets {
    /// Whether a ticket of the profile that was created in this era was ended.
    ///
    /// # Errors
    ///
    /// If what the profile has does not decode.
    pub fn have(&self, profile_id: ObjectId, era: Era) -> Result<bool, Failure> {
        Ok(self.of(profile_id)?.is_some_and(|ended| era < ended))
    }

    /// The era that began when the tickets of the profile were ended, if they were.
    ///
    /// # Errors
    ///
    /// As [`EndedTickets::have`].
    pub fn of(&self, profile_id: ObjectId) -> Result<Option<Era>, Failure> {
        self.0.of(&profile_id)
    }

    /// The profiles, but those whose end cannot be read.
    pub fn profiles(&self) -> impl Iterator<Item = ObjectId> {
        self.0.readable().copied()
    }
}

impl Derived for EndedTickets {
    const TABLES: &'static [&'static str] = &[NAME];

    fn derive(txn: &impl Read) -> Result<Self, Failure> {
        let mut eras = Ends::default();
        txn.scan(&ENDED, Bound::Unbounded, |profile_id, record| {
            eras.insert(ObjectId::from_bytes(*profile_id), record.and_then(decode));
            Ok(ControlFlow::Continue(()))
        })?;
        Ok(Self(eras))
    }
}

/// The ends whose tickets may be there still.
///
/// # Errors
///
/// Of the storage.
pub fn all(txn: &impl Read) -> Result<Arc<EndedTickets>, Failure> {
    txn.derived()
}

/// Whether a ticket of the profile that was created in this era was ended together with all others.
///
/// # Errors
///
/// Of the storage, or of a record that does not decode.
pub fn has_ended(txn: &impl Read, profile_id: ObjectId, era: Era) -> Result<bool, Failure> {
    all(txn)?.have(profile_id, era)
}

/// Ends all tickets of the profile that there are now.
///
/// # Errors
///
/// Of the storage, or of a record that does not decode.
pub fn end_all(txn: &WriteTxn, profile_id: ObjectId) -> Result<(), Failure> {
    let era = meta::begin_era(txn)?;
    txn.put(&ENDED, profile_id.as_bytes(), &ended::encode(&era))
}

/// Forgets that all tickets of the profile were ended, if this was the last time: none of them is left.
///
/// # Errors
///
/// Of the storage, or of a record that does not decode.
pub fn forget(txn: &WriteTxn, profile_id: ObjectId, ended: Era) -> Result<(), Failure> {
    if txn.get(&ENDED, profile_id.as_bytes(), decode)? == Some(ended) {
        txn.remove(&ENDED, profile_id.as_bytes())?;
    }
    Ok(())
}

/// The era of a ticket of the profile that is created now: none that there was ends it.
///
/// # Errors
///
/// Of the storage, or of a record that does not decode.
pub fn era_of_new(txn: &WriteTxn, profile_id: ObjectId) -> Result<Era, Failure> {
    let ended = all(txn)?.of(profile_id)?;
    Ok(meta::login_era(txn)?.max(ended.unwrap_or(0)))
}

/// The era in a record.
///
/// # Errors
///
/// [`Failure::Corrupt`].
pub fn decode(record: &[u8]) -> Result<Era, Failure> {
    ended::decode("end of a profile's tickets", record)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::any;

    use super::*;
    use crate::storage::codec::properties::check;

    #[test]
    fn ends_are_what_they_were() {
        check(any::<u64>(), ended::encode, decode);
    }

    #[test]
    fn an_end_that_cannot_be_read_concerns_its_profile_alone() {
        let profile = |number| ObjectId::from_bytes([number; 12]);
        let unreadable = Failure::Corrupt("unreadable".to_owned());
        let mut ends = Ends::default();
        ends.insert(profile(1), Ok(3));
        ends.insert(profile(2), Err(unreadable.clone()));
        let ended = EndedTickets(ends);
        assert_eq!(ended.have(profile(1), 2), Ok(true));
        assert_eq!(ended.have(profile(1), 3), Ok(false));
        assert_eq!(ended.have(profile(2), 2), Err(unreadable));
        assert_eq!(ended.have(profile(3), 2), Ok(false));
        assert_eq!(Vec::from_iter(ended.profiles()), [profile(1)]);
    }
}
