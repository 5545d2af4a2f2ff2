//! Decoded records of a small table that every request asks for.
//!
//! A memo belongs to one state of its table and is shared by all editions of the database that have this
//! state: who writes to the table has the next edition begin with an empty memo.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

/// How many records a memo keeps: far more than there are applications.
const RECORDS_MAX: usize = 1_024;

/// Records by their keys.
#[derive(Debug)]
pub struct Memo<V> {
    records: RwLock<HashMap<[u8; 32], Arc<V>>>,
}

impl<V> Default for Memo<V> {
    fn default() -> Self {
        Self {
            records: RwLock::default(),
        }
    }
}

impl<V> Memo<V> {
    /// The record under `key`, which `look_up` finds if it is not known.
    ///
    /// # Errors
    ///
    /// Of `look_up`.
    pub fn get<E>(
        &self,
        key: [u8; 32],
        look_up: impl FnOnce() -> Result<Option<V>, E>,
    ) -> Result<Option<Arc<V>>, E> {
        let records = self.records.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = records.get(&key) {
            return Ok(Some(Arc::clone(known)));
        }
        drop(records);
        let Some(found) = look_up()?.map(Arc::new) else {
            return Ok(None);
        };
        let mut records = self.records.write().unwrap_or_else(PoisonError::into_inner);
        if records.len() < RECORDS_MAX {
            records.insert(key, Arc::clone(&found));
        }
        Ok(Some(found))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_found_is_looked_up_once_and_what_is_not_each_time() {
        let memo = Memo::default();
        let found = |value: Option<u8>| memo.get::<()>([1; 32], || Ok(value));
        assert_eq!(found(None), Ok(None));
        assert_eq!(found(Some(1)), Ok(Some(Arc::new(1))));
        assert_eq!(found(Some(2)), Ok(Some(Arc::new(1))));
    }

    #[test]
    fn it_does_not_grow_without_end() {
        let memo = Memo::default();
        for number in 0..2 * RECORDS_MAX {
            let mut key = [0; 32];
            key[..8].copy_from_slice(&number.to_be_bytes());
            let found = memo.get::<()>(key, || Ok(Some(number)));
            assert_eq!(found, Ok(Some(Arc::new(number))));
        }
        let records = memo.records.read().expect("nobody panicked");
        assert_eq!(records.len(), RECORDS_MAX);
    }
}
