//! The blobs that are being uploaded or downloaded, which are not removed meanwhile.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use hashbrown::HashMap;

use crate::domain::attachment::BlobId;

/// The blobs in use, and how often each is.
#[derive(Default, Debug)]
pub struct BlobsInUse(Mutex<HashMap<BlobId, usize>>);

/// The use of a blob, which ends when this is dropped.
#[derive(Debug)]
pub struct BlobUse {
    /// The blob.
    pub blob: BlobId,
    all: Arc<BlobsInUse>,
}

impl BlobsInUse {
    /// Begins to use a blob.
    pub fn begin(self: &Arc<Self>, blob: BlobId) -> BlobUse {
        *self.lock().entry(blob).or_default() += 1;
        let all = Arc::clone(self);
        BlobUse { blob, all }
    }

    /// Whether the blob is in use.
    pub fn contains(&self, blob: BlobId) -> bool {
        self.lock().contains_key(&blob)
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<BlobId, usize>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for BlobUse {
    fn drop(&mut self) {
        let mut all = self.all.lock();
        if let Some(count) = all.get_mut(&self.blob) {
            *count -= 1;
            if *count == 0 {
                all.remove(&self.blob);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_blob_is_in_use_until_its_last_use_ends() {
        let all = Arc::new(BlobsInUse::default());
        let blob = BlobId::from_bytes([1; 16]);
        let (first, second) = (all.begin(blob), all.begin(blob));
        drop(first);
        assert!(all.contains(blob));
        drop(second);
        assert!(!all.contains(blob));
    }
}
