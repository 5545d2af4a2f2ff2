//! Makes a database of a backup that is in the place of one.

use std::path::Path;

use crate::error::{Failure, describe};
use crate::storage::data_dir::replacement::{keep, take_back};
use crate::storage::engine::Engine;
use crate::storage::key_file::KeyFile;
use crate::tables::backup::record;

/// What became of the keys in a backup.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Keys {
    /// There were none in it.
    None,
    /// The key file had them already.
    Known,
    /// They were added to those in the key file, if there was one.
    Added,
    /// The key file had others with the same numbers. It is kept under this name.
    Replaced(String),
}

/// Puts the keys of a backup into the key file at `path`, and removes from the database what made it a backup. A
/// database that is none is not changed. A crash meanwhile leaves a backup, with which the next start does the same.
///
/// # Errors
///
/// [`Failure::Unusable`] if the key file cannot be read or written; of the storage.
pub fn complete(engine: &Engine, path: &Path) -> Result<Keys, Failure> {
    let file = engine.begin_read()?;
    let names = file.table_names()?;
    if names.iter().all(|name| name != record::TABLE_NAME) {
        return Ok(Keys::None);
    }
    let outcome = match record::keys(&file)? {
        Some(keys) => put_keys(&keys, path)?,
        None => Keys::None,
    };
    drop(file);
    record::remove(engine)?;
    tracing::info!("the database is a backup that was restored");
    Ok(outcome)
}

fn put_keys(keys: &KeyFile, path: &Path) -> Result<Keys, Failure> {
    let mut file = KeyFile::read(path)?;
    if file.has_all(keys) {
        return Ok(Keys::Known);
    }
    let differs = |(number, key)| file.keys().get(number).is_some_and(|own| own != key);
    if keys.keys().iter().any(differs) {
        let replacement = file.prepare_replacement(keys)?;
        // Nobody changes the file between this and the replacement.
        let path = file.target();
        let kept = keep(&path, "replaced").map_err(|error| {
            let cause = format!("it cannot be kept under another name: {}", describe(&error));
            Failure::unusable_file(file.path(), cause)
        })?;
        replacement
            .publish()
            .inspect_err(|_| take_back(&kept, &path))?;
        return Ok(Keys::Replaced(kept.display().to_string()));
    }
    file.add_all(keys)?;
    Ok(Keys::Added)
}
