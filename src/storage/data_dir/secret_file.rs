//! Files with one secret each, for the person who is to take it over: they are there until the secret was used once.

use std::fmt;
use std::fs;
use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use subtle::ConstantTimeEq;

use crate::error::{Failure, describe};
use crate::storage::data_dir::DataDirectory;
use crate::storage::regular_file;
use crate::storage::whole_file::{UNFINISHED, WholeFile};

/// How many bytes of a file are read.
const FILE_BYTES_MAX: u64 = 64 * 1_024;

/// A file with a secret.
#[derive(Clone)]
pub struct SecretFile {
    /// Its absolute path.
    pub path: PathBuf,
    secret: String,
}

impl SecretFile {
    /// The secret itself.
    pub fn reveal(&self) -> &str {
        &self.secret
    }
}

impl fmt::Debug for SecretFile {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_tuple("SecretFile").finish_non_exhaustive()
    }
}

impl DataDirectory {
    /// Writes a file with the secret and a line break durably: after a crash it is as before or complete.
    ///
    /// # Errors
    ///
    /// Of the storage.
    pub fn write_secret(&self, name: &str, secret: &str) -> Result<(), Failure> {
        let path = self.path.join(name);
        let write = || WholeFile::prepare(&path, format!("{secret}\n").as_bytes())?.publish();
        write().map_err(|error| Failure::of_access(&path, &error))
    }

    /// Removes the files whose names begin with `prefix`, finished or not.
    ///
    /// # Errors
    ///
    /// Of the storage.
    pub fn remove_secret_files(&self, prefix: &str) -> Result<(), Failure> {
        for name in self.names_with(prefix)? {
            let path = self.path.join(name);
            fs::remove_file(&path).map_err(|error| Failure::of_access(&path, &error))?;
        }
        Ok(())
    }

    /// The files whose names begin with `prefix`, in the order of their names.
    ///
    /// # Errors
    ///
    /// Of the storage.
    pub fn secret_files(&self, prefix: &str) -> Result<Vec<SecretFile>, Failure> {
        let names = self.names_with(prefix)?;
        let finished = names.iter().filter(|name| !name.ends_with(UNFINISHED));
        finished.map(|name| read(&self.path.join(name))).collect()
    }

    fn names_with(&self, prefix: &str) -> Result<Vec<String>, Failure> {
        let list = || {
            let mut names = Vec::new();
            for entry in fs::read_dir(&self.path)? {
                let name = entry?.file_name();
                names.extend(
                    name.to_str()
                        .filter(|name| name.starts_with(prefix))
                        .map(str::to_owned),
                );
            }
            names.sort();
            Ok(names)
        };
        list().map_err(|error| Failure::of_access(&self.path, &error))
    }
}

fn read(path: &Path) -> Result<SecretFile, Failure> {
    let read = || {
        let mut text = String::new();
        regular_file::open(path)?
            .take(FILE_BYTES_MAX)
            .read_to_string(&mut text)?;
        Ok(text)
    };
    let text = read().map_err(|error| Failure::of_access(path, &error))?;
    Ok(SecretFile {
        path: path.to_owned(),
        secret: text.strip_suffix('\n').unwrap_or(&text).to_owned(),
    })
}

/// The secrets that nobody has used yet.
#[derive(Default, Debug)]
pub struct UnusedSecrets {
    /// Whether there are any: all that a request looks at, once there are none.
    are_any: AtomicBool,
    files: Mutex<Vec<SecretFile>>,
}

impl UnusedSecrets {
    /// Waits for the first use of each secret in `files`.
    pub fn set(&self, files: Vec<SecretFile>) {
        self.are_any.store(!files.is_empty(), Ordering::Relaxed);
        *self.files.lock().unwrap_or_else(PoisonError::into_inner) = files;
    }

    /// Whether there are any.
    pub fn are_any(&self) -> bool {
        self.are_any.load(Ordering::Relaxed)
    }

    /// Removes the files of `secret`, which was used.
    pub fn remove(&self, secret: &str) {
        let is_it = |file: &mut SecretFile| {
            let own = file.secret.as_bytes();
            bool::from(own.ct_eq(secret.as_bytes()))
        };
        let mut files = self.files.lock().unwrap_or_else(PoisonError::into_inner);
        for file in files.extract_if(.., is_it) {
            let path = file.path.display();
            match fs::remove_file(&file.path) {
                Ok(()) => {
                    tracing::info!(%path, "a secret was used, and its file is removed");
                }
                Err(error) if error.kind() == ErrorKind::NotFound => {}
                Err(error) => tracing::warn!(
                    error = describe(&error),
                    %path,
                    "a secret was used, and its file cannot be removed"
                ),
            }
        }
        self.are_any.store(!files.is_empty(), Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_secret_is_in_its_file_until_it_is_used() {
        let home = tempfile::tempdir().expect("a temporary directory");
        let directory = DataDirectory::lock(home.path()).expect("the directory is free");
        directory
            .write_secret("token.b", "two")
            .expect("it is written");
        directory
            .write_secret("token.a", "one")
            .expect("it is written");
        fs::write(home.path().join("token.c.unfinished"), "three").expect("it is written");
        let files = directory.secret_files("token.").expect("they are readable");
        let secrets: Vec<_> = files.iter().map(SecretFile::reveal).collect();
        assert_eq!(secrets, ["one", "two"]);
        let unfinished = home.path().join("token.c.unfinished");
        directory
            .remove_secret_files("token.c")
            .expect("it is removed");
        assert!(!unfinished.exists());
        let paths = [home.path().join("token.a"), home.path().join("token.b")];
        let metadata = fs::metadata(&paths[0]).expect("it exists");
        assert_eq!(metadata.permissions().mode() & 0o777, 0o600);

        let unused = UnusedSecrets::default();
        assert!(!unused.are_any());
        unused.set(files);
        unused.remove("on");
        unused.remove("one\n");
        assert!(paths.iter().all(|path| path.exists()) && unused.are_any());
        unused.remove("one");
        assert!(!paths[0].exists() && paths[1].exists() && unused.are_any());
        unused.remove("two");
        assert!(!paths[1].exists() && !unused.are_any());
    }
}
