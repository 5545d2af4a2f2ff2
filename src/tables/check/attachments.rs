//! Whether each attachment has its content, and each content has its attachment or is to be removed.

use std::collections::{BTreeMap, BTreeSet};

use crate::domain::attachment::BlobId;
use crate::storage::table::KeyKind;
use crate::tables::attachment::chunk;
use crate::tables::attachment::{self, orphan};
use crate::tables::check::entries::describe_key;
use crate::tables::check::report::{Fault, Finding, Mend};

/// What must agree between the tables of attachments.
#[derive(Default)]
pub(super) struct Attachments {
    /// The attachments by their keys, with their blobs and sizes.
    attachments: Vec<(Vec<u8>, BlobId, u64)>,
    contents: BTreeMap<BlobId, Content>,
    orphans: BTreeSet<BlobId>,
}

/// The chunks of a blob.
#[derive(Default)]
struct Content {
    /// How many there are.
    count: u64,
    /// How many bytes they have.
    bytes: u64,
    /// How many there must be, because of the highest number.
    end: u64,
}

impl Attachments {
    pub(super) fn add(&mut self, key: Vec<u8>, blob: BlobId, size: u64) {
        self.attachments.push((key, blob, size));
    }

    pub(super) fn add_chunk(&mut self, blob: BlobId, number: u32, bytes: u64) {
        let content = self.contents.entry(blob).or_default();
        content.count += 1;
        content.bytes += bytes;
        content.end = content.end.max(u64::from(number) + 1);
    }

    pub(super) fn add_orphan(&mut self, blob: BlobId) {
        self.orphans.insert(blob);
    }

    /// Adds what does not agree to `found`.
    pub(super) fn findings(mut self, found: &mut Vec<Finding>) {
        for (key, blob, size) in &self.attachments {
            let content = self.contents.get(blob);
            if !content.map_or(*size == 0, |content| content.is_whole(*size)) {
                let text = "a part of its content is missing";
                let table = attachment::TABLE_NAME;
                found.push(finding(
                    Fault::Damage,
                    table,
                    KeyKind::Bytes,
                    key,
                    None,
                    text,
                ));
                // It is one that no attachment has, then.
                continue;
            }
            self.contents.remove(blob);
            if self.orphans.contains(blob) {
                let text = "an attachment has it";
                let (table, keys) = (orphan::TABLE_NAME, KeyKind::Fixed(16));
                let key = blob.as_bytes();
                found.push(finding(Fault::Disagreement, table, keys, key, None, text));
            }
        }
        for blob in self.contents.keys() {
            if !self.orphans.contains(blob) {
                let record = Some(orphan::encode());
                let text = format!("it is missing, and {} has chunks of it", chunk::TABLE_NAME);
                let (table, keys) = (orphan::TABLE_NAME, KeyKind::Fixed(16));
                let key = blob.as_bytes();
                found.push(finding(
                    Fault::Disagreement,
                    table,
                    keys,
                    key,
                    record,
                    &text,
                ));
            }
        }
    }
}

impl Content {
    /// Whether it is all of an attachment of this size.
    fn is_whole(&self, size: u64) -> bool {
        self.bytes == size && self.count == self.end
    }
}

fn finding(
    fault: Fault,
    table: &str,
    keys: KeyKind,
    key: &[u8],
    record: Option<Vec<u8>>,
    text: &str,
) -> Finding {
    Finding {
        fault,
        text: format!("{table}: {}: {text}", describe_key(table, key)),
        mend: Some(Mend {
            table: table.to_owned(),
            keys,
            key: key.to_vec(),
            record,
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BLOB: BlobId = BlobId::from_bytes([7; 16]);

    /// The tables that a blob must be put in or removed from.
    fn mended(attachments: Attachments) -> Vec<(String, bool)> {
        let mut found = Vec::new();
        attachments.findings(&mut found);
        let mends = found.into_iter().filter_map(|finding| finding.mend);
        mends
            .map(|mend| (mend.table, mend.record.is_some()))
            .collect()
    }

    #[test]
    fn an_attachment_has_all_of_its_content() {
        let size = 65;
        let with = |chunks: &[(u32, u64)]| {
            let mut attachments = Attachments::default();
            attachments.add(vec![1], BLOB, size);
            for &(number, bytes) in chunks {
                attachments.add_chunk(BLOB, number, bytes);
            }
            mended(attachments)
        };
        let full = 60;
        assert_eq!(with(&[(0, full), (1, 5)]), []);
        // Of whatever size they are.
        assert_eq!(with(&[(0, 20), (1, 25), (2, 20)]), []);
        let lost = (attachment::TABLE_NAME.to_owned(), false);
        assert_eq!(with(&[]), std::slice::from_ref(&lost));
        let to_remove = (orphan::TABLE_NAME.to_owned(), true);
        for chunks in [
            &[(0, full)][..],
            &[(1, 5)],
            &[(0, full), (2, 5)],
            &[(0, full), (1, 4)],
        ] {
            assert_eq!(
                with(chunks),
                [lost.clone(), to_remove.clone()],
                "{chunks:?}"
            );
        }
    }

    #[test]
    fn a_content_has_an_attachment_or_is_an_orphan() {
        let mut attachments = Attachments::default();
        attachments.add_chunk(BLOB, 0, 5);
        assert_eq!(mended(attachments), [(orphan::TABLE_NAME.to_owned(), true)]);
        let mut attachments = Attachments::default();
        attachments.add_chunk(BLOB, 3, 5);
        attachments.add_orphan(BLOB);
        attachments.add_orphan(BlobId::from_bytes([8; 16]));
        assert_eq!(mended(attachments), []);
        let mut attachments = Attachments::default();
        attachments.add(vec![1], BLOB, 5);
        attachments.add_chunk(BLOB, 0, 5);
        attachments.add_orphan(BLOB);
        assert_eq!(
            mended(attachments),
            [(orphan::TABLE_NAME.to_owned(), false)]
        );
    }
}
