//! A secret in a file that a setting names: a password, a token.

use std::io::Read;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use rustix::fs::Mode;

use crate::error::describe;
use crate::storage::regular_file;

/// The most bytes of the file: a longer one is another file.
const FILE_BYTES_MAX: u64 = 64 << 10;

/// The secret in the file at `path`: its first line, without the line break. A file that every user of this host may
/// read is logged as a warning.
///
/// # Errors
///
/// Why there is none, for the person who named the file.
pub fn read(path: &Path) -> Result<String, String> {
    let file = regular_file::open(path).map_err(|error| describe(&error))?;
    let metadata = file.metadata().map_err(|error| describe(&error))?;
    if metadata.permissions().mode() & Mode::ROTH.bits() != 0 {
        let path = path.display();
        tracing::warn!(
            %path,
            "every user of this host may read a file with a secret; \"chmod o= {path}\" changes that"
        );
    }
    let mut bytes = Vec::new();
    let read = file.take(FILE_BYTES_MAX + 1).read_to_end(&mut bytes);
    read.map_err(|error| describe(&error))?;
    if bytes.len() as u64 > FILE_BYTES_MAX {
        return Err(format!("it has more than {FILE_BYTES_MAX} bytes"));
    }
    let text = String::from_utf8(bytes).map_err(|_| "it is not UTF-8".to_owned())?;
    match text.lines().next() {
        None | Some("") => Err("its first line is empty, and is to be the secret".to_owned()),
        Some(secret) => Ok(secret.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_line_is_the_secret() {
        let file = tempfile::NamedTempFile::new().expect("a temporary file");
        let read_back = |content: &[u8]| {
            std::fs::write(file.path(), content).expect("it is ours");
            read(file.path())
        };
        for content in ["a b ", "a b \n", "a b \r\n", "a b \nmore\n"] {
            assert_eq!(read_back(content.as_bytes()).as_deref(), Ok("a b "));
        }
        for content in [&b""[..], b"\n", b"\r\nmore", &[0xFF; 20], &[b'x'; 70_000]] {
            assert!(read_back(content).is_err());
        }
        assert!(read(Path::new("/dev/null")).is_err());
    }
}
