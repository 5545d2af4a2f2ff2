//! What the first bytes of a file say it is.

use crate::domain::attachment::media_type::MediaType;

/// So many bytes are looked at. What comes before the root of an SVG document must fit.
const HEAD_BYTES_MAX: usize = 4 << 10;

/// The bytes that files of a type begin with.
const SIGNATURES: [(&[u8], MediaType); 9] = [
    (b"\x89PNG\r\n\x1a\n", MediaType::Png),
    (b"GIF87a", MediaType::Gif),
    (b"GIF89a", MediaType::Gif),
    (b"\xFF\xD8\xFF", MediaType::Jpeg),
    (b"II*\0", MediaType::Tiff),
    (b"MM\0*", MediaType::Tiff),
    (b"II+\0", MediaType::Tiff),
    (b"MM\0+", MediaType::Tiff),
    (b"BM", MediaType::Bmp),
];

/// The first bytes of a file, which are collected while it arrives.
#[derive(Clone, Default, Debug)]
pub struct Head(Vec<u8>);

impl Head {
    /// Adds the next bytes of the file.
    pub fn push(&mut self, bytes: &[u8]) {
        let missing = HEAD_BYTES_MAX - self.0.len();
        self.0.extend_from_slice(&bytes[..bytes.len().min(missing)]);
    }

    /// Whether a file that begins so may be called one of this type. An empty file is of every type.
    pub fn may_be(&self, media_type: MediaType) -> bool {
        self.0.is_empty() || self.media_type() == Some(media_type)
    }

    /// The type of a file that begins so; `None` if it is none of an attachment.
    pub fn media_type(&self) -> Option<MediaType> {
        let signature = SIGNATURES
            .iter()
            .find(|(signature, _)| self.0.starts_with(signature));
        match signature {
            Some((_, media_type)) => Some(*media_type),
            None => has_svg_root(&self.0).then_some(MediaType::Svg),
        }
    }
}

/// Whether this is the beginning of an XML document in UTF-8 whose root is an `svg`.
fn has_svg_root(head: &[u8]) -> bool {
    let mut rest = head.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(head);
    loop {
        rest = rest.trim_ascii_start();
        let behind = if rest.starts_with(b"<?") {
            behind(rest, b"?>")
        } else if rest.starts_with(b"<!--") {
            behind(&rest[4..], b"-->")
        } else if rest.starts_with(b"<!DOCTYPE") {
            behind_doctype(rest)
        } else {
            return is_svg_tag(rest);
        };
        match behind {
            Some(behind) => rest = behind,
            None => return false,
        }
    }
}

/// What follows the first `end` in `text`.
fn behind<'t>(text: &'t [u8], end: &[u8]) -> Option<&'t [u8]> {
    let at = memchr::memmem::find(text, end)?;
    Some(&text[at + end.len()..])
}

/// What follows a declaration of a document's type, which may have declarations in brackets and quotes.
fn behind_doctype(text: &[u8]) -> Option<&[u8]> {
    let (mut quote, mut is_in_brackets) = (None, false);
    for (at, &byte) in text.iter().enumerate() {
        match (quote, byte) {
            (Some(open), _) if byte == open => quote = None,
            (Some(_), _) => {}
            (None, b'"' | b'\'') => quote = Some(byte),
            (None, b'[') => is_in_brackets = true,
            (None, b']') => is_in_brackets = false,
            (None, b'>') if !is_in_brackets => return Some(&text[at + 1..]),
            (None, _) => {}
        }
    }
    None
}

/// Whether this begins with the tag of an `svg` element, with or without a prefix.
fn is_svg_tag(text: &[u8]) -> bool {
    let Some(tag) = text.strip_prefix(b"<") else {
        return false;
    };
    let is_end = |byte: &u8| byte.is_ascii_whitespace() || b"/>".contains(byte);
    let Some(end) = tag.iter().position(is_end) else {
        return false;
    };
    let name = &tag[..end];
    let local = name.iter().rposition(|&byte| byte == b':');
    &name[local.map_or(0, |colon| colon + 1)..] == b"svg"
}

#[cfg(test)]
mod tests {
    use super::*;

    fn media_type(bytes: &[u8]) -> Option<MediaType> {
        // However it arrives.
        let mut head = Head::default();
        for byte in bytes {
            head.push(&[*byte]);
        }
        let mut whole = Head::default();
        whole.push(bytes);
        assert_eq!(head.media_type(), whole.media_type());
        head.media_type()
    }

    #[test]
    fn files_are_known_by_their_first_bytes() {
        for (bytes, expected) in [
            (&b"\x89PNG\r\n\x1a\nrest"[..], Some(MediaType::Png)),
            (b"GIF89a", Some(MediaType::Gif)),
            (b"GIF87a...", Some(MediaType::Gif)),
            (b"\xFF\xD8\xFF\xE0", Some(MediaType::Jpeg)),
            (b"II*\0", Some(MediaType::Tiff)),
            (b"MM\0*", Some(MediaType::Tiff)),
            (b"BM\0", Some(MediaType::Bmp)),
            (b"GIF88a", None),
            (b"\x89PNG", None),
            (b"\x7FELF", None),
            (b"hello", None),
            (b"", None),
        ] {
            assert_eq!(media_type(bytes), expected, "{bytes:?}");
        }
    }

    #[test]
    fn an_svg_document_is_known_by_its_root() {
        for text in [
            "<svg>",
            "<svg/>",
            "\u{FEFF} <svg xmlns=\"http://www.w3.org/2000/svg\">",
            "<?xml version=\"1.0\"?>\n<!-- <html> -->\n<svg\n width='1'>",
            "<!DOCTYPE svg PUBLIC \"-//W3C>\" 'x'><svg:svg xmlns:svg='x'>",
            "<!DOCTYPE svg [<!ENTITY a \"]>\">]><svg >",
        ] {
            assert_eq!(media_type(text.as_bytes()), Some(MediaType::Svg), "{text}");
        }
        let long = format!("<!--{}--><svg>", "x".repeat(HEAD_BYTES_MAX));
        for text in [
            "<html><svg>",
            "<!-- <svg> -->",
            "<svgx>",
            "<svg",
            "svg",
            "<?xml <svg>",
            "<!DOCTYPE html><html><body><svg>",
            "x<svg>",
            &long,
        ] {
            assert_eq!(media_type(text.as_bytes()), None, "{text}");
        }
    }

    #[test]
    fn an_empty_file_contradicts_no_name() {
        let mut head = Head::default();
        assert!(MediaType::ALL.iter().all(|&it| head.may_be(it)));
        head.push(b"GIF89a");
        assert!(head.may_be(MediaType::Gif) && !head.may_be(MediaType::Png));
    }
}
