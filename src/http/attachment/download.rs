//! The response with the content of an attachment.

use hyper::body::Bytes;
use hyper::header::{CONTENT_DISPOSITION, CONTENT_TYPE, HeaderValue, X_CONTENT_TYPE_OPTIONS};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::domain::attachment::Attachment;
use crate::domain::attachment::media_type::MediaType;
use crate::error::Failure;
use crate::http::response::{self, Response};
use crate::http::response_body::Pieces;
use crate::service::attachment::download::Download;

/// What is percent-encoded in the name of a file: more than must be (RFC 8187).
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.');

/// 200 with the content of the attachment, which is read as it is sent.
pub fn response(attachment: &Attachment, content: Download) -> Response {
    let mut response = response::file(attachment.size, Content(content));
    let headers = response.headers_mut();
    // As in the wire contract ("Attachments"), though no image has a character set.
    let content_type = format!("{};charset=UTF-8", attachment.media_type.essence());
    headers.insert(CONTENT_TYPE, header_value(content_type));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    // A browser would run the scripts in it, with the rights of this host's pages.
    if attachment.media_type == MediaType::Svg {
        let disposition = disposition(attachment);
        headers.insert(CONTENT_DISPOSITION, header_value(disposition));
    }
    response
}

struct Content(Download);

impl Pieces for Content {
    fn next(&mut self) -> Result<Option<Bytes>, Failure> {
        Ok(self.0.take_chunk()?.map(Bytes::from))
    }
}

/// That the attachment is to be saved, with its name (RFC 6266): in ASCII, and as it is if that differs.
fn disposition(attachment: &Attachment) -> String {
    let (name, extension) = (
        attachment.name.file_name(),
        attachment.media_type.extension(),
    );
    let is_plain = |letter: char| letter.is_ascii_alphanumeric() || "-_.".contains(letter);
    let plain = name.replace(|letter| !is_plain(letter), "_");
    let mut disposition = format!("attachment; filename=\"{plain}.{extension}\"");
    if plain != name {
        let encoded = utf8_percent_encode(name, ENCODED);
        disposition += &format!("; filename*=UTF-8''{encoded}.{extension}");
    }
    disposition
}

fn header_value(text: String) -> HeaderValue {
    HeaderValue::from_maybe_shared(Bytes::from(text)).expect("it has printable ASCII alone")
}

#[cfg(test)]
mod tests {
    use crate::domain::attachment::BlobId;
    use crate::domain::attachment::name::AttachmentName;
    use crate::domain::object_id::ObjectId;

    use super::*;

    #[test]
    fn the_name_of_a_file_cannot_add_to_the_header() {
        for (name, expected) in [
            ("logo", "attachment; filename=\"logo.svg\""),
            ("a/logo-1.2", "attachment; filename=\"logo-1.2.svg\""),
            (
                "ö \"x",
                "attachment; filename=\"___x.svg\"; filename*=UTF-8''%C3%B6%20%22x.svg",
            ),
            (
                "a\r\nX: y",
                "attachment; filename=\"a__X__y.svg\"; filename*=UTF-8''a%0D%0AX%3A%20y.svg",
            ),
        ] {
            let attachment = Attachment {
                id: ObjectId::from_bytes([1; 12]),
                name: AttachmentName::from_text(name),
                media_type: MediaType::Svg,
                size: 1,
                md5: [0; 16],
                blob: BlobId::from_bytes([2; 16]),
            };
            let disposition = disposition(&attachment);
            assert_eq!(disposition, expected);
            header_value(disposition);
        }
    }
}
