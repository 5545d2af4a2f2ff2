//! An application reads the content of an attachment, chunk by chunk.

use std::sync::Arc;

use crate::app::App;
use crate::domain::attachment::Attachment;
use crate::error::Failure;
use crate::service::attachment::Checked;
use crate::service::attachment::details::find;
use crate::service::caller::Caller;
use crate::service::profile::request::SingleProfileRequest;
use crate::service::transaction;
use crate::storage::Store;
use crate::storage::transaction::Read;
use crate::tables::attachment::chunk;
use crate::tables::attachment::in_use::BlobUse;

/// The content of an attachment as it was when the download began, which is read as it is taken. That the attachment is
/// replaced or deleted meanwhile does not change it: its blob is kept as long as it is in use.
pub struct Download {
    store: Arc<Store>,
    in_use: BlobUse,
    /// The first chunk, which was read with the attachment.
    first: Option<Vec<u8>>,
    next: u32,
    left: u64,
}

/// The attachment with this name of the profile with this id, and its content.
///
/// # Errors
///
/// As [`details`](super::details::details).
pub fn open(
    app: &App,
    caller: Caller,
    profile_id: String,
    name: String,
) -> Checked<(Attachment, Download)> {
    let request = SingleProfileRequest::new(app, caller, profile_id);
    loop {
        let in_use = transaction::read(app, |txn| {
            let attachment = find(txn, &request, &name)?;
            Ok(app.uploads.blobs.begin(attachment.blob))
        })?;
        // Whoever removes what was replaced looks at what is in use after the commit that replaced it. So it is not
        // removed if a later snapshot has it still.
        let opened = transaction::read(app, |txn| {
            let attachment = find(txn, &request, &name)?;
            if attachment.blob != in_use.blob {
                return Ok(None);
            }
            let mut download = Download {
                store: Arc::clone(&app.store),
                in_use,
                first: None,
                next: 0,
                left: attachment.size,
            };
            // So that what cannot be read is refused, and not broken off.
            if attachment.size > 0 {
                download.first = Some(download.read(txn)?);
            }
            Ok(Some((attachment, download)))
        })?;
        if let Some(opened) = opened {
            return Ok(opened);
        }
    }
}

impl Download {
    /// The next chunk; `None` at the end.
    ///
    /// # Errors
    ///
    /// Failures of the storage.
    pub fn take_chunk(&mut self) -> Result<Option<Vec<u8>>, Failure> {
        if let Some(first) = self.first.take() {
            return Ok(Some(first));
        }
        if self.left == 0 {
            return Ok(None);
        }
        let store = Arc::clone(&self.store);
        store.read(|txn| self.read(txn)).map(Some)
    }

    fn read(&mut self, txn: &impl Read) -> Result<Vec<u8>, Failure> {
        let chunk = chunk::get(txn, self.in_use.blob, self.next)?;
        let left = chunk
            .as_ref()
            .and_then(|chunk| self.left.checked_sub(chunk.len() as u64));
        let (Some(chunk), Some(left)) = (chunk, left) else {
            let number = self.next;
            let cause = format!("attachment: its chunk {number} is missing or too long");
            return Err(Failure::Corrupt(cause));
        };
        self.left = left;
        self.next += 1;
        Ok(chunk)
    }
}
