//! The device that a refresh comes from, where the application says so.
//!
//! Most refreshes come from the device that is known already. That is found out by a look into a snapshot, before the
//! refresh is queued, so that the writer need not look. What is known of a device changes only with a rotation: as long
//! as the login's generation is the one of that look, it still holds.

use crate::domain::device::{Device, DeviceUpdate};
use crate::domain::login_state::LoginState;
use crate::domain::token_chain::Generation;
use crate::error::Failure;
use crate::storage::transaction::Read;
use crate::storage::transaction::write_txn::WriteTxn;
use crate::tables::persistent_login;
use crate::tables::persistent_login::key::LoginKey;

/// What a refresh shows of the device, and what came of it for the login in one generation.
pub(super) struct SeenDevice {
    update: DeviceUpdate,
    generation: Generation,
    /// The device after the update; `None` if nothing is to be stored.
    changed: Option<Device>,
}

impl SeenDevice {
    /// Looks up what `update` changes of the login's device.
    ///
    /// # Errors
    ///
    /// Failures of the storage.
    pub(super) fn of(
        txn: &impl Read,
        login: &LoginState,
        update: DeviceUpdate,
    ) -> Result<Self, Failure> {
        Ok(Self {
            changed: change(txn, login, &update)?,
            generation: login.chain.current,
            update,
        })
    }

    /// Puts the device of `login`, which is about to be rotated, if that changes.
    ///
    /// # Errors
    ///
    /// Failures of the storage.
    pub(super) fn put(&self, txn: &WriteTxn, login: &LoginState) -> Result<(), Failure> {
        let key = LoginKey::of(login);
        if login.chain.current == self.generation {
            return match &self.changed {
                Some(device) => persistent_login::put_device(txn, key, device),
                None => Ok(()),
            };
        }
        // Another rotation came first, and may have stored another device.
        match change(txn, login, &self.update)? {
            Some(device) => persistent_login::put_device(txn, key, &device),
            None => Ok(()),
        }
    }
}

/// The login's device after the update; `None` if nothing is to be stored. What only lists show must not fail a
/// refresh: an entry that does not decode is replaced, and one on a page that cannot be read is left alone.
fn change(
    txn: &impl Read,
    login: &LoginState,
    update: &DeviceUpdate,
) -> Result<Option<Device>, Failure> {
    let known = match persistent_login::device(txn, LoginKey::of(login)) {
        Err(Failure::Corrupt(_)) => Device::default(),
        Err(Failure::Unreadable(_)) => return Ok(None),
        found => found?,
    };
    Ok(update.applied_to(&known))
}
