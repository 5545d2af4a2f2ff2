//! The profiles all of whose logins were ended at once, until the logins are removed.
//!
//! Ending all logins of a profile is one small row, however many they are: it begins a new era of logins, the
//! profile's logins of earlier eras are ended with its commit, and they are removed afterwards. The row is removed with
//! the last of them, so that there are few rows. All of them are kept in memory, where each use of a login looks.

use std::ops::{Bound, ControlFlow};
use std::sync::Arc;

use uuid::Uuid;

use crate::domain::login_state::{Era, LoginState};
use crate::domain::object_id::ObjectId;
use crate::domain::persistent_login::PersistentLoginId;
use crate::error::Failure;
use crate::storage::codec::{Decoder, Encoder};
use crate::storage::table::{Fixed, Table};
use crate::storage::transaction::write_txn::WriteTxn;
use crate::storage::transaction::{Derived, Read};
use crate::tables::ended::Ends;
use crate::tables::ended_tenants::EndedTenants;
use crate::tables::persistent_login::ended_together::{self, EndedTogether};
use crate::tables::{ended_tenants, meta};

const NAME: &str = "persistent_login_ended";
const ENDED: Table<Fixed<12>> = Table::new(NAME);
const VERSION: u8 = 1;

/// That all logins of a profile were ended, but one perhaps.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct EndOfAll {
    /// The era that began with it: logins of earlier ones are ended.
    pub era: Era,
    /// The login that was not ended.
    pub except: Option<PersistentLoginId>,
}

impl EndOfAll {
    /// Whether it ended the profile's login with this id, which was created in this era.
    pub fn has_ended(&self, id: PersistentLoginId, era: Era) -> bool {
        era < self.era && self.except != Some(id)
    }
}

/// The ends of all logins of a profile whose logins may be there still, those of tenants, and those of all logins of a
/// tenant. One that cannot be read
/// concerns its profile or tenant alone.
#[derive(Debug)]
pub struct EndedLogins {
    profiles: Ends<ObjectId, EndOfAll>,
    /// They are here too, so that a use of a login looks into one value.
    tenants: EndedTenants,
    together: EndedTogether,
}

impl EndedLogins {
    /// Whether the login was ended.
    ///
    /// # Errors
    ///
    /// If what the profile has does not decode.
    pub fn have(
        &self,
        profile_id: ObjectId,
        id: PersistentLoginId,
        era: Era,
    ) -> Result<bool, Failure> {
        Ok(self
            .of(profile_id)?
            .is_some_and(|end| end.has_ended(id, era)))
    }

    /// The ends of all logins of a tenant, or of all there are.
    pub fn together(&self) -> &EndedTogether {
        &self.together
    }

    /// What ended the logins of the profile, if anything did.
    ///
    /// # Errors
    ///
    /// As [`EndedLogins::have`].
    pub fn of(&self, profile_id: ObjectId) -> Result<Option<EndOfAll>, Failure> {
        self.profiles.of(&profile_id)
    }

    /// The profiles, but those whose end cannot be read.
    pub fn profiles(&self) -> impl Iterator<Item = ObjectId> {
        self.profiles.readable().copied()
    }
}

impl Derived for EndedLogins {
    const TABLES: &'static [&'static str] =
        &[NAME, ended_tenants::TABLE_NAME, ended_together::TABLE_NAME];

    fn derive(txn: &impl Read) -> Result<Self, Failure> {
        let mut profiles = Ends::default();
        txn.scan(&ENDED, Bound::Unbounded, |profile_id, record| {
            profiles.insert(ObjectId::from_bytes(*profile_id), record.and_then(decode));
            Ok(ControlFlow::Continue(()))
        })?;
        let tenants = EndedTenants::derive(txn)?;
        Ok(Self {
            profiles,
            tenants,
            together: EndedTogether::read(txn)?,
        })
    }
}

/// The ends whose logins may be there still.
///
/// # Errors
///
/// Of the storage.
pub fn all(txn: &impl Read) -> Result<Arc<EndedLogins>, Failure> {
    txn.derived()
}

/// Whether the login was ended together with all others of its profile or tenant, or with all there were.
///
/// # Errors
///
/// Of the storage, or of a record that does not decode.
pub fn has_ended(txn: &impl Read, login: &LoginState) -> Result<bool, Failure> {
    let ended = all(txn)?;
    Ok(ended.have(login.profile_id, login.id, login.era)?
        || ended.tenants.have(&login.tenant, login.era)?
        || !ended.together.is_empty() && ended.together.have(&login.tenant, login.era)?)
}

/// Ends all logins of the profile that there are now, but `except`, which must not have ended before.
///
/// # Errors
///
/// Of the storage, or of a record that does not decode.
pub fn end_all(
    txn: &WriteTxn,
    profile_id: ObjectId,
    except: Option<PersistentLoginId>,
) -> Result<(), Failure> {
    let era = meta::begin_era(txn)?;
    let end = EndOfAll { era, except };
    txn.put(&ENDED, profile_id.as_bytes(), &encode(&end))
}

/// Forgets that all logins of the profile were ended, if this was the last time: none of them is left.
///
/// # Errors
///
/// Of the storage, or of a record that does not decode.
pub fn forget(txn: &WriteTxn, profile_id: ObjectId, end: EndOfAll) -> Result<(), Failure> {
    if txn.get(&ENDED, profile_id.as_bytes(), decode)? == Some(end) {
        txn.remove(&ENDED, profile_id.as_bytes())?;
    }
    Ok(())
}

/// The era of a login of the profile that is created now: none that there was ends it.
///
/// # Errors
///
/// Of the storage, or of a record that does not decode.
pub fn era_of_new(txn: &WriteTxn, profile_id: ObjectId) -> Result<Era, Failure> {
    let ended = all(txn)?;
    let of_profile = ended.of(profile_id)?.map(|end| end.era);
    let together = ended.together.ends().iter().map(|(_, era)| *era);
    let latest = of_profile.into_iter().chain(together).max();
    Ok(meta::login_era(txn)?.max(latest.unwrap_or(0)))
}

fn encode(end: &EndOfAll) -> Vec<u8> {
    Encoder::new(VERSION)
        .varint(end.era)
        .option(end.except.as_ref(), |record, id| {
            record.bytes(id.uuid().as_bytes())
        })
        .finish()
}

/// What ended the logins of a profile.
///
/// # Errors
///
/// [`Failure::Corrupt`].
pub fn decode(record: &[u8]) -> Result<EndOfAll, Failure> {
    let mut decoder = Decoder::new("end of a profile's logins", VERSION, record)?;
    let era = decoder.varint()?;
    let except = decoder.option(|record| {
        let id = Uuid::from_bytes(record.array()?);
        Ok(PersistentLoginId::new(id))
    })?;
    decoder.finish()?;
    Ok(EndOfAll { era, except })
}

#[cfg(test)]
mod tests {
    use proptest::option;
    use proptest::prelude::{Strategy, any};

    use super::*;
    use crate::storage::codec::properties::check;

    #[test]
    fn ends_are_what_they_were() {
        let ends = (any::<u64>(), option::of(any::<u128>())).prop_map(|(era, except)| EndOfAll {
            era,
            except: except.map(|id| PersistentLoginId::new(Uuid::from_u128(id))),
        });
        check(ends, encode, decode);
    }

    #[test]
    fn an_end_that_cannot_be_read_concerns_its_profile_alone() {
        let profile = |number| ObjectId::from_bytes([number; 12]);
        let id = PersistentLoginId::new(Uuid::from_u128(7));
        let end = EndOfAll {
            era: 3,
            except: None,
        };
        let unreadable = Failure::Corrupt("unreadable".to_owned());
        let mut profiles = Ends::default();
        profiles.insert(profile(1), Ok(end));
        profiles.insert(profile(2), Err(unreadable.clone()));
        let ended = EndedLogins {
            profiles,
            tenants: EndedTenants::default(),
            together: EndedTogether::default(),
        };
        assert_eq!(ended.have(profile(1), id, 2), Ok(true));
        assert_eq!(ended.have(profile(1), id, 3), Ok(false));
        assert_eq!(ended.have(profile(2), id, 2), Err(unreadable));
        assert_eq!(ended.have(profile(3), id, 2), Ok(false));
        assert_eq!(Vec::from_iter(ended.profiles()), [profile(1)]);
    }
}
