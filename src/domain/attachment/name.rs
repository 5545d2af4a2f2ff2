//! The names of attachments.

use std::fmt;

use crate::domain::attachment::media_type::{EXTENSIONS, MediaType};

/// The longest name, in bytes: it is a part of a key.
pub const NAME_BYTES_MAX: usize = 255;

/// The name that an attachment is read by: that of the file that it was uploaded as, without its last extension.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct AttachmentName(String);

/// Why the name of a file is none for an attachment.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum NameInvalid {
    /// Without its extension it is empty, or a part between slashes is.
    Empty,
    /// It is longer than [`NAME_BYTES_MAX`].
    TooLong,
    /// It has something that no path of a request may have, by which it is read.
    NoPath,
    /// It has no extension, or that of no type that attachments may have.
    TypeUnknown,
}

impl AttachmentName {
    /// The name, and the type that the extension says, of an attachment that is uploaded as the file `file_name`.
    ///
    /// # Errors
    ///
    /// Why it is none.
    pub fn of_file(file_name: &str) -> Result<(Self, MediaType), NameInvalid> {
        let (name, extension) = file_name.rsplit_once('.').ok_or(NameInvalid::TypeUnknown)?;
        let media_type = MediaType::of_extension(extension).ok_or(NameInvalid::TypeUnknown)?;
        let name = name.trim_start_matches('/');
        if name.len() > NAME_BYTES_MAX {
            return Err(NameInvalid::TooLong);
        }
        let is_strange = |letter: char| {
            letter.is_control() || letter == '\\' || letter == char::REPLACEMENT_CHARACTER
        };
        if name.contains(is_strange) {
            return Err(NameInvalid::NoPath);
        }
        for part in name.split('/') {
            match part {
                "" => return Err(NameInvalid::Empty),
                // Clients remove them from paths.
                "." | ".." => return Err(NameInvalid::NoPath),
                _ => {}
            }
        }
        Ok((Self(name.to_owned()), media_type))
    }

    /// The name in a record or in a request, which need not be that of any attachment.
    pub fn from_text(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What the wire contract calls the name of the file: what is behind the last slash.
    pub fn file_name(&self) -> &str {
        self.0.rsplit('/').next().unwrap_or(&self.0)
    }
}

impl fmt::Display for NameInvalid {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => formatter.write_str("The name of the attachment has an empty part"),
            Self::TooLong => write!(
                formatter,
                "The name of the attachment is longer than {NAME_BYTES_MAX} bytes"
            ),
            Self::NoPath => formatter.write_str(
                "The name of the attachment has a part '.' or '..', a backslash, a control character, or bytes that \
                 are not UTF-8",
            ),
            Self::TypeUnknown => write!(
                formatter,
                "The file name of an attachment needs one of the extensions {EXTENSIONS}, all in lower or all in upper \
                 case"
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_extension_is_no_part_of_the_name() {
        for (file, name, file_name) in [
            ("me.png", "me", "me"),
            ("a.b.png", "a.b", "a.b"),
            ("a/b c.png", "a/b c", "b c"),
            ("//a.png", "a", "a"),
            ("zwölf \u{1F600}.png", "zwölf \u{1F600}", "zwölf \u{1F600}"),
            ("me.json.png", "me.json", "me.json"),
            ("..a/...png", "..a/..", ""),
            ("a;b=c.png", "a;b=c", "a;b=c"),
        ] {
            let parsed = AttachmentName::of_file(file);
            if file_name.is_empty() {
                assert_eq!(parsed, Err(NameInvalid::NoPath), "{file}");
                continue;
            }
            let (parsed, media_type) = parsed.expect("a name");
            assert_eq!(parsed.as_str(), name, "{file}");
            assert_eq!(parsed.file_name(), file_name, "{file}");
            assert_eq!(media_type, MediaType::Png);
        }
    }

    #[test]
    fn what_no_request_could_name_is_no_name() {
        let long = "ö".repeat(NAME_BYTES_MAX / 2);
        assert!(AttachmentName::of_file(&format!("{long}x.png")).is_ok());
        for (file, problem) in [
            (&*format!("{long}xy.png"), NameInvalid::TooLong),
            ("", NameInvalid::TypeUnknown),
            ("png", NameInvalid::TypeUnknown),
            ("me.", NameInvalid::TypeUnknown),
            ("me.txt", NameInvalid::TypeUnknown),
            ("me.png/x", NameInvalid::TypeUnknown),
            (".png", NameInvalid::Empty),
            ("a/.png", NameInvalid::Empty),
            ("a//b.png", NameInvalid::Empty),
            ("../a.png", NameInvalid::NoPath),
            ("a/./b.png", NameInvalid::NoPath),
            ("...png", NameInvalid::NoPath),
            ("a\\b.png", NameInvalid::NoPath),
            ("a\r\nX: y.png", NameInvalid::NoPath),
            ("a\0.png", NameInvalid::NoPath),
            ("\u{FFFD}.png", NameInvalid::NoPath),
        ] {
            let parsed = AttachmentName::of_file(file).map(|(name, _)| name);
            assert_eq!(parsed, Err(problem), "{file:?}");
        }
    }
}
