//! The JSON of attachments.

use serde::Serialize;

use crate::domain::attachment::{Attachment, size};
use crate::error::Failure;
use crate::http::json_list;
use crate::http::response::{self, Response};

/// A response with one attachment.
///
/// # Errors
///
/// As [`response::json`].
pub fn attachment(attachment: &Attachment) -> Result<Response, Failure> {
    response::json(&AttachmentBody::of(attachment))
}

/// A response with attachments. A long one is sent in pieces.
///
/// # Errors
///
/// As [`response::json`].
pub fn list(attachments: Vec<Attachment>) -> Result<Response, Failure> {
    json_list::response(attachments.into_iter(), |json, attachment| {
        response::write_json(json, &AttachmentBody::of(attachment))
    })
}

/// An attachment with the fields of the wire contract ("JSON shapes"), in their order.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct AttachmentBody<'a> {
    md5: String,
    content_type: &'static str,
    file_size: String,
    file_name: &'a str,
    file_size_bytes: u64,
    id: String,
}

impl<'a> AttachmentBody<'a> {
    fn of(attachment: &'a Attachment) -> Self {
        Self {
            md5: hex(attachment.md5),
            content_type: attachment.media_type.essence(),
            file_size: size::text(attachment.size),
            file_name: attachment.name.file_name(),
            file_size_bytes: attachment.size,
            id: attachment.id.to_string(),
        }
    }
}

fn hex(digest: [u8; 16]) -> String {
    format!("{:032x}", u128::from_be_bytes(digest))
}
