//! Attachments: a record for each, and its content in chunks.
//!
//! The content of an upload is a *blob*, which is never changed. It is an *orphan* until its attachment is put, and
//! again once that has been replaced or deleted, so that whatever is left of an upload that was cut off, by a crash
//! too, is found and removed. The attachments of a deleted profile are marked to be removed by one row.

pub mod chunk;
pub mod deleted;
pub mod in_use;
pub mod orphan;

use std::ops::{Bound, ControlFlow};

use crate::domain::attachment::media_type::MediaType;
use crate::domain::attachment::name::AttachmentName;
use crate::domain::attachment::{Attachment, BlobId};
use crate::domain::object_id::ObjectId;
use crate::error::Failure;
use crate::storage::codec::{Decoder, Encoder};
use crate::storage::table::{Bytes, Table};
use crate::storage::transaction::Read;
use crate::storage::transaction::write_txn::WriteTxn;

/// The name of the table in the file.
pub const TABLE_NAME: &str = "attachment";

const ATTACHMENTS: Table<Bytes> = Table::new(TABLE_NAME);
const VERSION: u8 = 1;

/// How many bytes a profile's id has, with which the key begins.
const ID_BYTES: usize = 12;

/// The attachment of the profile with this name.
///
/// # Errors
///
/// Of the storage, or of a record that does not decode.
pub fn get(
    txn: &impl Read,
    profile_id: ObjectId,
    name: &AttachmentName,
) -> Result<Option<Attachment>, Failure> {
    let key = key(profile_id, name);
    txn.get(&ATTACHMENTS, &key, |record| decode(&key, record))
}

/// The attachments of the profile in the order of their names.
///
/// # Errors
///
/// Of the storage, or of a record that does not decode.
pub fn of_profile(txn: &impl Read, profile_id: ObjectId) -> Result<Vec<Attachment>, Failure> {
    let mut found = Vec::new();
    visit(txn, profile_id, |key, record| {
        found.push(decode(key, record?)?);
        Ok(ControlFlow::Continue(()))
    })?;
    Ok(found)
}

/// How many attachments the profile has, counted up to `count_max`.
///
/// # Errors
///
/// Of the storage.
pub fn count(txn: &impl Read, profile_id: ObjectId, count_max: usize) -> Result<usize, Failure> {
    let mut count = 0;
    visit(txn, profile_id, |_, _| {
        count += 1;
        Ok(if count < count_max {
            ControlFlow::Continue(())
        } else {
            ControlFlow::Break(())
        })
    })?;
    Ok(count)
}

/// Puts the attachment, whose blob has its chunks, in place of the one of the profile with its name. The blob is no
/// orphan from then on, and that of the replaced one is.
///
/// # Errors
///
/// Of the storage.
pub fn put(
    txn: &WriteTxn,
    profile_id: ObjectId,
    attachment: &Attachment,
    replaced: Option<&Attachment>,
) -> Result<(), Failure> {
    let key = key(profile_id, &attachment.name);
    txn.put(&ATTACHMENTS, &key, &encode(attachment))?;
    orphan::remove(txn, attachment.blob)?;
    match replaced {
        Some(replaced) => orphan::put(txn, replaced.blob),
        None => Ok(()),
    }
}

/// Removes at most `count_max` attachments of the profile, whose blobs are orphans from then on. Returns how many there
/// were. Where a record cannot be read, its chunks stay until the file is checked and salvaged.
///
/// # Errors
///
/// Of the storage.
fn remove_some(txn: &WriteTxn, profile_id: ObjectId, count_max: usize) -> Result<usize, Failure> {
    let mut found = Vec::new();
    visit(txn, profile_id, |key, record| {
        let blob = record.and_then(|record| Ok(decode(key, record)?.blob));
        found.push((key.to_vec(), Failure::unless_corrupt(blob.map(Some))?));
        Ok(if found.len() < count_max {
            ControlFlow::Continue(())
        } else {
            ControlFlow::Break(())
        })
    })?;
    for (key, blob) in &found {
        txn.remove(&ATTACHMENTS, key)?;
        if let Some(blob) = blob {
            orphan::put(txn, *blob)?;
        }
    }
    Ok(found.len())
}

/// Calls `with` with the entries of the profile until it breaks off.
fn visit(
    txn: &impl Read,
    profile_id: ObjectId,
    mut with: impl FnMut(&[u8], Result<&[u8], Failure>) -> Result<ControlFlow<()>, Failure>,
) -> Result<(), Failure> {
    let prefix = profile_id.as_bytes().as_slice();
    txn.scan(&ATTACHMENTS, Bound::Included(prefix), |key, record| {
        if key.starts_with(prefix) {
            with(key, record)
        } else {
            Ok(ControlFlow::Break(()))
        }
    })
}

fn key(profile_id: ObjectId, name: &AttachmentName) -> Vec<u8> {
    [profile_id.as_bytes(), name.as_str().as_bytes()].concat()
}

fn encode(attachment: &Attachment) -> Vec<u8> {
    Encoder::new(VERSION)
        .bytes(attachment.id.as_bytes())
        .bytes(attachment.blob.as_bytes())
        .bytes(&[type_number(attachment.media_type)])
        .varint(attachment.size)
        .bytes(&attachment.md5)
        .finish()
}

/// The attachment with this key and record.
///
/// # Errors
///
/// [`Failure::Corrupt`].
pub fn decode(key: &[u8], record: &[u8]) -> Result<Attachment, Failure> {
    let mut decoder = Decoder::new("attachment", VERSION, record)?;
    let name = key
        .get(ID_BYTES..)
        .and_then(|name| str::from_utf8(name).ok())
        .ok_or_else(|| decoder.corrupt(format_args!("its key has no name in UTF-8")))?;
    let attachment = Attachment {
        name: AttachmentName::from_text(name),
        id: ObjectId::from_bytes(decoder.array()?),
        blob: BlobId::from_bytes(decoder.array()?),
        media_type: {
            let [number] = decoder.array()?;
            let found = MediaType::ALL
                .into_iter()
                .find(|it| type_number(*it) == number);
            found.ok_or_else(|| decoder.corrupt(format_args!("type {number} is not known")))?
        },
        size: decoder.varint()?,
        md5: decoder.array()?,
    };
    decoder.finish()?;
    Ok(attachment)
}

/// What a type is in a record, for ever.
const fn type_number(media_type: MediaType) -> u8 {
    match media_type {
        MediaType::Bmp => 1,
        MediaType::Gif => 2,
        MediaType::Jpeg => 3,
        MediaType::Png => 4,
        MediaType::Tiff => 5,
        MediaType::Svg => 6,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{Strategy, any};
    use proptest::sample::select;

    use crate::storage::codec::properties::check;

    use super::*;

    #[test]
    fn records_are_what_they_were() {
        let key = [&[7; ID_BYTES][..], "zwölf/x".as_bytes()].concat();
        let ids = (any::<[u8; 12]>(), any::<[u8; 16]>(), any::<[u8; 16]>());
        let types = select(MediaType::ALL.to_vec());
        let attachments =
            (ids, types, any::<u64>()).prop_map(|((id, blob, md5), media_type, size)| Attachment {
                id: ObjectId::from_bytes(id),
                name: AttachmentName::from_text("zwölf/x"),
                media_type,
                size,
                md5,
                blob: BlobId::from_bytes(blob),
            });
        check(attachments, encode, move |record| decode(&key, record));
    }
}
