//! The file of the secret keys.
//!
//! A line for each key: its number, a space, and 64 hexadecimal digits. Lines that are empty or begin with `#` are
//! ignored.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs::{File, Permissions};
use std::io::{self, ErrorKind, Read as _};
use std::os::unix::fs::PermissionsExt;
use std::path::{self, Path, PathBuf};

use crate::error::{Failure, describe};
use crate::storage::regular_file;
use crate::storage::whole_file::WholeFile;

/// The file's name, if it is in the data directory.
pub const KEY_FILE: &str = "rememberd.keys";

/// The mode of the file.
const FILE_MODE: u32 = 0o600;

/// How many bytes a file of keys may have.
const FILE_BYTES_MAX: u64 = 1 << 20;

/// The text at the beginning, for the person who opens the file.
const HEADER: &str = "\
# The keys of rememberd: a number and 32 bytes in each line. Without them no token in the database is valid.
# Whoever has this file and the database can compute the token of every login.
";

/// How many bytes a key has.
const KEY_BYTES: usize = 32;

/// Keys by their numbers.
type KeysByNumber = BTreeMap<u32, [u8; KEY_BYTES]>;

/// The keys in a file. `Debug` is not implemented: they are secrets.
#[derive(Clone)]
pub struct KeyFile {
    /// Absolute, so that messages are clear whatever the working directory.
    path: PathBuf,
    keys: KeysByNumber,
}

impl KeyFile {
    /// Reads the file; a file that does not exist has no keys. Its mode is set to 0600 if it is another.
    ///
    /// # Errors
    ///
    /// [`Failure::Unusable`] if it cannot be read or is not a file of keys, [`Failure::Storage`] for what may pass.
    /// The message has no key.
    pub fn read(path: &Path) -> Result<Self, Failure> {
        Self::open(path, |path, file| {
            restrict(path, file)?;
            read_keys(path, file)
        })
    }

    /// Reads the file without changing anything, not even its mode.
    ///
    /// # Errors
    ///
    /// As [`KeyFile::read`].
    pub fn look_at(path: &Path) -> Result<Self, Failure> {
        Self::open(path, read_keys)
    }

    fn open(
        path: &Path,
        read: impl FnOnce(&Path, &File) -> Result<KeysByNumber, Failure>,
    ) -> Result<Self, Failure> {
        let path =
            path::absolute(path).map_err(|error| Failure::unusable_file(path, describe(&error)))?;
        let keys = match regular_file::open(&path) {
            Ok(file) => read(&path, &file)?,
            Err(error) if error.kind() == ErrorKind::NotFound => KeysByNumber::new(),
            Err(error) => return Err(Failure::of_access(&path, &error)),
        };
        Ok(Self { path, keys })
    }

    /// The keys in the text of a key file, as those of a file without a path.
    ///
    /// # Errors
    ///
    /// Which line is wrong. The message has no key.
    pub fn parse(text: &str) -> Result<Self, String> {
        Ok(Self {
            path: PathBuf::new(),
            keys: parse_keys(text)?,
        })
    }

    /// Writes the keys, if there are any, durably into the file in another data directory.
    ///
    /// # Errors
    ///
    /// [`Failure::Unusable`] if it cannot be written.
    pub fn copy_to(&self, directory: &Path) -> Result<Self, Failure> {
        let copy = Self {
            path: directory.join(KEY_FILE),
            keys: self.keys.clone(),
        };
        if !copy.keys.is_empty() {
            copy.save()
                .map_err(|error| Failure::unusable_file(&copy.path, describe(&error)))?;
        }
        Ok(copy)
    }

    /// The path.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The keys by their numbers.
    pub fn keys(&self) -> &KeysByNumber {
        &self.keys
    }

    /// Whether it has all keys of `other`.
    pub fn has_all(&self, other: &Self) -> bool {
        let has = |(number, key)| self.keys.get(number) == Some(key);
        other.keys.iter().all(has)
    }

    /// The number of a new key after the key `last`.
    ///
    /// # Errors
    ///
    /// [`Failure::Unusable`] if there is no higher number.
    pub fn number_after(&self, last: u32) -> Result<u32, Failure> {
        last.checked_add(1).ok_or_else(|| {
            let cause = format!(
                "no key can be added, because {last} is the highest number that a key can have"
            );
            Failure::unusable_file(&self.path, cause)
        })
    }

    /// Adds a key and writes the file durably: after a crash it is as before or complete.
    ///
    /// # Errors
    ///
    /// [`Failure::Unusable`] if it cannot be written.
    pub fn add(&mut self, number: u32, key: [u8; KEY_BYTES]) -> Result<(), Failure> {
        self.keys.insert(number, key);
        self.save()
            .map_err(|error| Failure::unusable_file(&self.path, describe(&error)))
    }

    /// Removes a key and writes the file durably, as [`KeyFile::add`].
    ///
    /// # Errors
    ///
    /// As there.
    pub fn remove(&mut self, number: u32) -> Result<(), Failure> {
        self.keys.remove(&number);
        self.save()
            .map_err(|error| Failure::unusable_file(&self.path, describe(&error)))
    }

    /// The same without the keys whose number `is_kept` is not true of.
    pub fn retain(&mut self, is_kept: impl Fn(u32) -> bool) {
        self.keys.retain(|number, _| is_kept(*number));
    }

    /// Adds the keys of `other`, and writes the file as [`KeyFile::add`].
    ///
    /// # Errors
    ///
    /// As there.
    pub fn add_all(&mut self, other: &Self) -> Result<(), Failure> {
        self.keys.extend(&other.keys);
        self.save()
            .map_err(|error| Failure::unusable_file(&self.path, describe(&error)))
    }

    /// Has the keys of `other` instead of its own, and writes the file as [`KeyFile::add`].
    ///
    /// # Errors
    ///
    /// As there.
    pub fn replace_all(&mut self, other: &Self) -> Result<(), Failure> {
        self.keys.clear();
        self.add_all(other)
    }

    /// The text of the file, which is secret.
    pub fn text(&self) -> String {
        let mut text = HEADER.to_owned();
        for (number, key) in &self.keys {
            write!(text, "{number} ").expect("text grows");
            for byte in key {
                write!(text, "{byte:02x}").expect("text grows");
            }
            text.push('\n');
        }
        text
    }

    fn save(&self) -> io::Result<()> {
        WholeFile::prepare(&self.path, self.text().as_bytes())?.publish()
    }
}

/// Sets the mode of the file, if other users may read it.
fn restrict(path: &Path, file: &File) -> Result<(), Failure> {
    let metadata = file
        .metadata()
        .map_err(|error| Failure::of_access(path, &error))?;
    if metadata.permissions().mode() & 0o077 != 0 {
        // It may be on a read-only disk, or belong to another user.
        let changed = file.set_permissions(Permissions::from_mode(FILE_MODE));
        if let Err(error) = changed {
            tracing::warn!(
                error = describe(&error),
                path = %path.display(),
                "other users may read the file of the keys"
            );
        }
    }
    Ok(())
}

fn read_keys(path: &Path, file: &File) -> Result<KeysByNumber, Failure> {
    let metadata = file
        .metadata()
        .map_err(|error| Failure::of_access(path, &error))?;
    if metadata.len() > FILE_BYTES_MAX {
        return Err(Failure::unusable_file(
            path,
            "it is too long for a file of keys",
        ));
    }
    let text =
        io::read_to_string(file.take(FILE_BYTES_MAX)).map_err(|error| match error.kind() {
            ErrorKind::InvalidData => Failure::unusable_file(path, "it is not a file of keys"),
            _ => Failure::of_access(path, &error),
        })?;
    parse_keys(&text).map_err(|cause| Failure::unusable_file(path, cause))
}

fn parse_keys(text: &str) -> Result<KeysByNumber, String> {
    let mut keys = KeysByNumber::new();
    for (index, line) in text.lines().enumerate() {
        if line.trim().is_empty() || line.starts_with('#') {
            continue;
        }
        let number = index + 1;
        let (name, key) = parse(line)
            .ok_or_else(|| format!("line {number} is not a number and 64 hexadecimal digits"))?;
        if keys.insert(name, key).is_some() {
            return Err(format!("line {number} has a key that is there already"));
        }
    }
    Ok(keys)
}

fn parse(line: &str) -> Option<(u32, [u8; KEY_BYTES])> {
    let (number, digits) = line.trim_end().split_once(' ')?;
    if digits.len() != 2 * KEY_BYTES || !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
        return None;
    }
    let mut key = [0; KEY_BYTES];
    for (byte, pair) in key.iter_mut().zip(digits.as_bytes().chunks_exact(2)) {
        *byte = u8::from_str_radix(str::from_utf8(pair).ok()?, 16).ok()?;
    }
    Some((number.parse().ok()?, key))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_file_has_what_was_added_and_nobody_else_may_read_it() {
        let home = tempfile::tempdir().expect("a temporary directory");
        let path = home.path().join(KEY_FILE);
        let mut file = KeyFile::read(&path).expect("a missing file has no keys");
        assert!(file.keys().is_empty());
        file.add(1, [0xAB; 32]).expect("it is written");
        file.add(7, [0x01; 32]).expect("it is written");
        fs::set_permissions(&path, Permissions::from_mode(0o644)).expect("it is ours");
        let read = KeyFile::read(&path).expect("it is readable");
        assert_eq!(read.keys(), file.keys());
        let mode = fs::metadata(&path).expect("it exists").permissions().mode();
        assert_eq!(mode & 0o777, FILE_MODE);
        assert_eq!(fs::read_dir(home.path()).expect("a directory").count(), 1);
    }

    #[test]
    fn what_is_no_file_of_keys_is_refused_by_the_line_and_without_its_text() {
        let home = tempfile::tempdir().expect("a temporary directory");
        let path = home.path().join(KEY_FILE);
        let key = "ab".repeat(32);
        for (text, line) in [
            (format!("# a comment\n\n1 {key}\n1 {key}\n"), 4),
            (format!("one {key}\n"), 1),
            (format!("1 {key}ab\n"), 1),
            (format!("1 {}é\n", &key[2..]), 1),
            (key.clone(), 1),
        ] {
            fs::write(&path, text).expect("it is written");
            let refused = KeyFile::read(&path)
                .err()
                .expect("it is refused")
                .to_string();
            assert!(refused.contains(&format!("line {line} ")), "{refused}");
            assert!(!refused.contains("abab"), "{refused}");
        }
        fs::write(&path, [0xFF; 64]).expect("it is written");
        assert!(KeyFile::read(&path).is_err());
        assert!(KeyFile::read(home.path()).is_err());
    }
}
