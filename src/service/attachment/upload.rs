//! An application uploads an attachment of a profile.
//!
//! The content is written in chunks while it arrives, each in a small transaction, and belongs to no attachment until
//! the last transaction makes it that of one. Whatever is written of an upload that is refused or cut off is removed by
//! [`clean_up`], which each transaction of an upload has a share in.

use std::mem;
use std::sync::Arc;

use md5::{Digest, Md5};

use crate::app::App;
use crate::audit::event::Event;
use crate::domain::attachment::content::Head;
use crate::domain::attachment::media_type::MediaType;
use crate::domain::attachment::name::AttachmentName;
use crate::domain::attachment::{Attachment, BlobId};
use crate::domain::object_id::ObjectId;
use crate::error::Failure;
use crate::service::attachment::clean_up;
use crate::service::attachment::refusal::AttachmentRefusal;
use crate::service::attachment::{self as attachments, Checked};
use crate::service::caller::Caller;
use crate::service::profile::request::SingleProfileRequest;
use crate::service::transaction;
use crate::tables::attachment::chunk::{self, CHUNK_BYTES};
use crate::tables::attachment::in_use::BlobUse;
use crate::tables::attachment::{self, orphan};

/// Refuses a caller that may not upload an attachment of the profile with this id, whatever it uploads.
///
/// # Errors
///
/// Refuses an invalid caller, an unknown profile, and a caller without MANAGE_PROFILES and then READ_TENANT on its
/// tenant, in this order.
pub fn authorize(app: &App, caller: Caller, profile_id: String) -> Checked<()> {
    let request = SingleProfileRequest::new(app, caller, profile_id);
    transaction::read(app, |txn| attachments::authorize(&request, txn).map(drop))
}

/// The content of an upload. Of what is written of it nothing is left, unless it is published.
pub struct Upload {
    /// Jobs of the writer hold it too.
    in_use: Arc<BlobUse>,
    /// What was received of the next chunk.
    pending: Vec<u8>,
    /// How many chunks were written.
    written: u32,
    size: u64,
    head: Head,
    md5: Md5,
}

impl Upload {
    /// An upload of which nothing was received.
    pub fn new(app: &App) -> Self {
        let blob = BlobId::from_bytes(app.entropy.bytes());
        Self {
            in_use: Arc::new(app.uploads.blobs.begin(blob)),
            pending: Vec::new(),
            written: 0,
            size: 0,
            head: Head::default(),
            md5: Md5::new(),
        }
    }

    /// How many bytes were received.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Adds the next bytes of the content.
    ///
    /// # Errors
    ///
    /// Failures of the storage.
    pub async fn push(&mut self, app: &App, mut bytes: &[u8]) -> Result<(), Failure> {
        self.size += bytes.len() as u64;
        self.head.push(bytes);
        self.md5.update(bytes);
        while !bytes.is_empty() {
            if self.pending.len() == CHUNK_BYTES {
                self.write_chunk(app).await?;
            }
            let count = bytes.len().min(CHUNK_BYTES - self.pending.len());
            let (taken, rest) = bytes.split_at(count);
            self.pending.extend_from_slice(taken);
            bytes = rest;
        }
        Ok(())
    }

    /// Writes the pending chunk, which is not the last one.
    async fn write_chunk(&mut self, app: &App) -> Result<(), Failure> {
        let (in_use, number) = (Arc::clone(&self.in_use), self.written);
        let bytes = mem::take(&mut self.pending);
        let _writing = app.uploads.begin_write().await;
        let removed = clean_up::remove_beside(app, in_use.blob);
        let written = app.store.write(move |txn| {
            if number == 0 {
                orphan::put(txn, in_use.blob)?;
            }
            chunk::put(txn, in_use.blob, number, &bytes)
        });
        written.await?;
        removed.await;
        self.written += 1;
        Ok(())
    }

    /// Makes the content that of the attachment of the profile with this id that the file's name says, and returns the
    /// attachment. It replaces one of the same name, whose id it keeps.
    ///
    /// # Errors
    ///
    /// As [`authorize`]; then refuses a name that is none for an attachment, a content that is not what the name says,
    /// and an attachment more than the profile may have, in this order.
    pub async fn publish(
        self,
        app: &App,
        caller: Caller,
        profile_id: String,
        file_name: &str,
    ) -> Checked<Attachment> {
        authorize(app, caller.clone(), profile_id.clone())?;
        let (name, media_type) =
            AttachmentName::of_file(file_name).map_err(AttachmentRefusal::NameInvalid)?;
        self.check_content(media_type)?;
        let request = SingleProfileRequest::new(app, caller, profile_id);
        let new_id = ObjectId::new(request.context.now.time(), app.entropy.bytes());
        let count_max = app.config.attachments.attachment_count_max.get();
        let (in_use, number, last) = (self.in_use, self.written, self.pending);
        let (size, md5) = (self.size, self.md5.finalize().into());
        let _writing = app.uploads.begin_write().await;
        let removed = clean_up::remove_beside(app, in_use.blob);
        let published = transaction::write(app, move |txn| {
            let (token, profile) = attachments::authorize(&request, txn)?;
            let replaced = attachment::get(txn, profile.id, &name)?;
            if replaced.is_none() && attachment::count(txn, profile.id, count_max)? >= count_max {
                return Err(AttachmentRefusal::TooMany { max: count_max }.into());
            }
            let published = Attachment {
                id: replaced.as_ref().map_or(new_id, |replaced| replaced.id),
                name: name.clone(),
                media_type,
                size,
                md5,
                blob: in_use.blob,
            };
            if !last.is_empty() {
                chunk::put(txn, in_use.blob, number, &last)?;
            }
            attachment::put(txn, profile.id, &published, replaced.as_ref())?;
            let context = request.context.as_caller(token);
            context.record_subject(txn, Event::UploadAttachment, (&profile).into());
            Ok(published)
        });
        let published = published.await;
        removed.await;
        published
    }

    fn check_content(&self, named: MediaType) -> Result<(), AttachmentRefusal> {
        if self.head.may_be(named) {
            return Ok(());
        }
        let found = self.head.media_type();
        Err(AttachmentRefusal::ContentDiffers { named, found })
    }
}
