//! The types that attachments may have.

/// A type of images.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum MediaType {
    /// A Windows bitmap.
    Bmp,
    /// GIF.
    Gif,
    /// JPEG.
    Jpeg,
    /// PNG.
    Png,
    /// TIFF.
    Tiff,
    /// SVG, which may have scripts.
    Svg,
}

/// The names of the types in messages, and their extensions.
pub const EXTENSIONS: &str = "bmp, gif, jpg, jpeg, png, tif, tiff and svg";

impl MediaType {
    /// Every type.
    pub const ALL: [Self; 6] = [
        Self::Bmp,
        Self::Gif,
        Self::Jpeg,
        Self::Png,
        Self::Tiff,
        Self::Svg,
    ];

    /// The type of files with this extension, which is all in lower or all in upper case.
    pub fn of_extension(extension: &str) -> Option<Self> {
        let lower = extension.to_ascii_lowercase();
        if extension != lower && extension != extension.to_ascii_uppercase() {
            return None;
        }
        match lower.as_str() {
            "bmp" => Some(Self::Bmp),
            "gif" => Some(Self::Gif),
            "jpg" | "jpeg" => Some(Self::Jpeg),
            "png" => Some(Self::Png),
            "tif" | "tiff" => Some(Self::Tiff),
            "svg" => Some(Self::Svg),
            _ => None,
        }
    }

    /// Its name as a media type.
    pub const fn essence(self) -> &'static str {
        match self {
            Self::Bmp => "image/bmp",
            Self::Gif => "image/gif",
            Self::Jpeg => "image/jpeg",
            Self::Png => "image/png",
            Self::Tiff => "image/tiff",
            Self::Svg => "image/svg+xml",
        }
    }

    /// The usual extension of its files.
    pub const fn extension(self) -> &'static str {
        match self {
            Self::Bmp => "bmp",
            Self::Gif => "gif",
            Self::Jpeg => "jpg",
            Self::Png => "png",
            Self::Tiff => "tif",
            Self::Svg => "svg",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn extensions_are_in_one_case() {
        for (extension, expected) in [
            ("bmp", Some(MediaType::Bmp)),
            ("gif", Some(MediaType::Gif)),
            ("jpg", Some(MediaType::Jpeg)),
            ("JPEG", Some(MediaType::Jpeg)),
            ("PNG", Some(MediaType::Png)),
            ("tif", Some(MediaType::Tiff)),
            ("TIFF", Some(MediaType::Tiff)),
            ("svg", Some(MediaType::Svg)),
            ("Png", None),
            ("pNG", None),
            ("webp", None),
            (" png", None),
            ("", None),
        ] {
            assert_eq!(MediaType::of_extension(extension), expected, "{extension}");
        }
        for media_type in MediaType::ALL {
            let extension = media_type.extension();
            assert_eq!(MediaType::of_extension(extension), Some(media_type));
        }
    }
}
