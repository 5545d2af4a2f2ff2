//! The file of the secret keys, which several processes may change.

mod text;

use std::fs::{self, File, Permissions};
use std::io::{self, ErrorKind, Read as _};
use std::os::unix::fs::PermissionsExt;
use std::path::{self, Path, PathBuf};

use crate::error::{Failure, describe};
use crate::storage::key_file::text::{KEY_BYTES, KeysByNumber, parse_keys, text_of};
use crate::storage::regular_file;
use crate::storage::whole_file::WholeFile;

/// The file's name, if it is in the data directory.
pub const KEY_FILE: &str = "rememberd.keys";

/// The mode of the file.
const FILE_MODE: u32 = 0o600;

/// How many bytes a file of keys may have.
const FILE_BYTES_MAX: u64 = 1 << 20;

/// How many symbolic links are followed to the file.
const LINKS_MAX: usize = 40;

/// Where the file is: in the data directory, unless the settings name it.
pub fn path(data_dir: &Path, key_file: Option<&Path>) -> PathBuf {
    key_file.map_or_else(|| data_dir.join(KEY_FILE), Path::to_owned)
}

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
        let keys = keys_at(&path, read)?;
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

    /// Where the file itself is, so that no symbolic link to it is replaced by a file.
    pub fn target(&self) -> PathBuf {
        follow_links(self.path.clone())
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

    /// Adds a key and writes the file durably: after a crash it is as before or complete. What others added to the file
    /// since it was read is kept.
    ///
    /// # Errors
    ///
    /// [`Failure::Unusable`] if it cannot be written, and if it has got another key with this number.
    pub fn add(&mut self, number: u32, key: [u8; KEY_BYTES]) -> Result<(), Failure> {
        self.change(|_, keys| insert(keys, number, key))
    }

    /// Prepares to remove a key: all that needs room on the disk is done, and the file is as it was until the change is
    /// published. Nobody else can change it until then.
    ///
    /// # Errors
    ///
    /// [`Failure::Unusable`] if it cannot be written, and if it has got another key with this number.
    pub fn prepare_removal(&self, number: u32) -> Result<PreparedKeys, Failure> {
        self.prepare(|former, keys| match keys.remove(&number) {
            Some(key) if former.get(&number) != Some(&key) => Err(changed(number)),
            Some(_) | None => Ok(()),
        })
    }

    /// Forgets the keys whose number `is_kept` is not true of. The file is as it was.
    pub fn retain(&mut self, is_kept: impl Fn(u32) -> bool) {
        self.keys.retain(|number, _| is_kept(*number));
    }

    /// Adds the keys of `other`, and writes the file as [`KeyFile::add`].
    ///
    /// # Errors
    ///
    /// As there.
    pub fn add_all(&mut self, other: &Self) -> Result<(), Failure> {
        self.change(|_, keys| {
            let mut others = other.keys.iter();
            others.try_for_each(|(number, key)| insert(keys, *number, *key))
        })
    }

    /// Prepares to replace the keys by those of `other`, as [`KeyFile::prepare_removal`].
    ///
    /// # Errors
    ///
    /// [`Failure::Unusable`] if it cannot be written, and if others added a key to it since it was read.
    pub fn prepare_replacement(&self, other: &Self) -> Result<PreparedKeys, Failure> {
        self.prepare(|former, keys| {
            let is_new =
                |(number, key): &(&u32, &[u8; KEY_BYTES])| former.get(number) != Some(*key);
            if let Some((number, _)) = keys.iter().find(is_new) {
                return Err(changed(*number));
            }
            keys.clone_from(&other.keys);
            Ok(())
        })
    }

    /// Writes the file after a change of the keys that are in it now. The change gets those that were read before too.
    fn change(
        &mut self,
        change: impl FnOnce(&KeysByNumber, &mut KeysByNumber) -> Result<(), String>,
    ) -> Result<(), Failure> {
        self.keys = self.prepare(change)?.publish()?;
        Ok(())
    }

    /// As [`KeyFile::change`], but that the file is as it was until the change is published.
    fn prepare(
        &self,
        change: impl FnOnce(&KeysByNumber, &mut KeysByNumber) -> Result<(), String>,
    ) -> Result<PreparedKeys, Failure> {
        let failed = |error: io::Error| Failure::unusable_file(&self.path, describe(&error));
        // Nobody else can begin until it is published, and so nothing that is read here can be out of date by then.
        let file = WholeFile::begin(&self.target()).map_err(failed)?;
        let mut keys = keys_at(&self.path, read_keys)?;
        change(&self.keys, &mut keys).map_err(|cause| Failure::unusable_file(&self.path, cause))?;
        file.write(text_of(&keys).as_bytes()).map_err(failed)?;
        Ok(PreparedKeys {
            path: self.path.clone(),
            file,
            keys,
        })
    }

    /// The text of the file, which is secret.
    pub fn text(&self) -> String {
        text_of(&self.keys)
    }

    fn save(&self) -> io::Result<()> {
        WholeFile::prepare(&self.target(), self.text().as_bytes())?.publish()
    }
}

/// A change of a key file that is on the disk, and not in the file yet. `Debug` is not implemented: it has secrets.
pub struct PreparedKeys {
    /// The path of the key file.
    path: PathBuf,
    file: WholeFile,
    keys: KeysByNumber,
}

impl PreparedKeys {
    /// Makes the change, durably. Returns the keys that are in the file then.
    ///
    /// # Errors
    ///
    /// [`Failure::Unusable`] if it cannot be written.
    pub fn publish(self) -> Result<KeysByNumber, Failure> {
        let Self { path, file, keys } = self;
        let published = file.publish();
        published.map_err(|error| Failure::unusable_file(&path, describe(&error)))?;
        Ok(keys)
    }
}

fn insert(keys: &mut KeysByNumber, number: u32, key: [u8; KEY_BYTES]) -> Result<(), String> {
    if *keys.entry(number).or_insert(key) == key {
        Ok(())
    } else {
        Err(changed(number))
    }
}

fn changed(number: u32) -> String {
    format!("another process changed key {number} in it meanwhile, and nothing was done; try again")
}

/// Where the file is that is reached over the symbolic links at `path`, whether it exists or not.
fn follow_links(path: PathBuf) -> PathBuf {
    let mut path = path;
    for _ in 0..LINKS_MAX {
        let Ok(target) = fs::read_link(&path) else {
            break;
        };
        let directory = path.parent().unwrap_or(Path::new("/"));
        path = directory.join(target);
    }
    path
}

/// The keys that `read` finds in the file at `path`; none if there is no file.
fn keys_at(
    path: &Path,
    read: impl FnOnce(&Path, &File) -> Result<KeysByNumber, Failure>,
) -> Result<KeysByNumber, Failure> {
    match regular_file::open(path) {
        Ok(file) => read(path, &file),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(KeysByNumber::new()),
        Err(error) => Err(Failure::of_access(path, &error)),
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

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;
    use std::thread;

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
    fn keys_that_are_added_at_once_are_all_in_the_file() {
        let home = tempfile::tempdir().expect("a temporary directory");
        let path = home.path().join(KEY_FILE);
        let add = |thread: u8, round: u8| loop {
            let mut file = KeyFile::read(&path).expect("it is readable");
            let last = file.keys().last_key_value().map_or(0, |(last, _)| *last);
            let (number, key) = (last + 1, [thread * 16 + round; KEY_BYTES]);
            match file.add(number, key) {
                Ok(()) => break (number, key),
                Err(failure) => assert!(failure.to_string().contains("try again"), "{failure}"),
            }
        };
        let added: Vec<_> = thread::scope(|scope| {
            let threads = (0..8).map(|thread| {
                scope.spawn(move || (0..16).map(|round| add(thread, round)).collect::<Vec<_>>())
            });
            let threads: Vec<_> = threads.collect();
            let added = threads
                .into_iter()
                .map(|thread| thread.join().expect("it ends"));
            added.flatten().collect()
        });
        let file = KeyFile::read(&path).expect("it is readable");
        assert_eq!(file.keys().len(), added.len());
        assert_eq!(*file.keys(), added.into_iter().collect());
        assert_eq!(fs::read_dir(home.path()).expect("a directory").count(), 1);
    }

    #[test]
    fn a_change_keeps_what_others_added_and_refuses_what_they_changed() {
        let home = tempfile::tempdir().expect("a temporary directory");
        let path = home.path().join(KEY_FILE);
        let read = || KeyFile::read(&path).expect("it is readable");
        read().add(1, [1; KEY_BYTES]).expect("it is written");
        let mut earlier = read();
        read().add(2, [2; KEY_BYTES]).expect("it is written");
        assert!(earlier.add(2, [3; KEY_BYTES]).is_err());
        assert!(earlier.prepare_removal(2).is_err());
        let other = |number| KeyFile {
            path: PathBuf::new(),
            keys: KeysByNumber::from([(number, [4; KEY_BYTES])]),
        };
        assert!(earlier.add_all(&other(2)).is_err());
        assert!(earlier.prepare_replacement(&other(4)).is_err());
        earlier.add_all(&other(4)).expect("it is written");
        let numbers = || read().keys().keys().copied().collect::<Vec<_>>();
        drop(earlier.prepare_removal(1).expect("it is written"));
        assert_eq!(numbers(), [1, 2, 4]);
        let removal = earlier.prepare_removal(1).expect("it is written");
        assert_eq!(numbers(), [1, 2, 4]);
        removal.publish().expect("it is renamed");
        assert_eq!(numbers(), [2, 4]);
        let replacement = read().prepare_replacement(&other(5));
        let replacement = replacement.expect("it is written");
        assert_eq!(numbers(), [2, 4]);
        replacement.publish().expect("it is renamed");
        assert_eq!(read().keys(), other(5).keys());
    }

    #[test]
    fn a_symbolic_link_stays_and_its_target_is_written() {
        let home = tempfile::tempdir().expect("a temporary directory");
        let [path, between, target] =
            [KEY_FILE, "between", "keys"].map(|name| home.path().join(name));
        symlink("between", &path).expect("it is linked");
        symlink(&target, &between).expect("it is linked");
        for number in 1..3 {
            let mut file = KeyFile::read(&path).expect("it is readable");
            file.add(number, [7; KEY_BYTES]).expect("it is written");
        }
        for link in [&path, &between] {
            let metadata = fs::symlink_metadata(link).expect("it exists");
            assert!(metadata.is_symlink());
        }
        let file = KeyFile::read(&target).expect("it is readable");
        assert_eq!(file.keys().len(), 2);
        assert_eq!(fs::read_dir(home.path()).expect("a directory").count(), 3);
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
