//! The version of the file's schema, and the steps from each version to the next.
//!
//! The version covers everything in the file: which tables there are, their keys and records, and the entries of
//! the rotation journal. `src/guide/file_format.md` describes the current one. A step runs in bounded
//! transactions, each of which leaves a file that the step can go on with, so that a crash in between loses
//! nothing; the last one writes the new version.

mod old_journal;
mod schema_3;
mod schema_4;
mod v1_to_v2;
mod v2_to_v3;
mod v3_to_v4;
mod v4_to_v5;

use std::cell::Cell;

use crate::domain::key_ring::KeyRing;
use crate::entropy::Entropy;
use crate::error::Failure;
use crate::storage::data_dir::DataDirectory;
use crate::storage::engine::opening::Opening;
use crate::storage::engine::read::EngineRead;
use crate::storage::engine::{Engine, EngineOptions};
use crate::tables::backup::complete;
use crate::tables::secret_key::{KeySchema, KeySource};
use crate::tables::{meta, persistent_login, secret_key};

/// The version that this build reads and writes.
pub const SCHEMA_VERSION: u64 = 5;

/// Files from before there was a version in them.
pub const FIRST_VERSION: u64 = 1;

/// How many records one transaction of a step changes or removes, about.
const BATCH_MAX: usize = 4_096;

/// How a file of one version becomes one of the next: called until it returns `None`, each time in a
/// transaction of its own; else the number of records that it changed or removed.
type Step = fn(&Engine, &Context<'_>) -> Result<Option<usize>, Failure>;

/// What the steps need beside the file.
struct Context<'a> {
    keys: &'a KeyRing,
    entropy: &'a Entropy,
    /// The key of the last record that the step has seen, if it goes through a table.
    position: Cell<Option<[u8; 28]>>,
}

/// The steps, from each version to the next.
const STEPS: [Step; SCHEMA_VERSION as usize - 1] = [
    v1_to_v2::step,
    v2_to_v3::step,
    v3_to_v4::step,
    v4_to_v5::step,
];

/// Creates a database in `directory`, which is to be filled and then [finished](DataDirectory::finish).
///
/// # Errors
///
/// [`Failure::Unusable`] for a key file that cannot be used; failures of the storage.
pub fn create_database(
    directory: &DataDirectory,
    options: &EngineOptions,
    keys: &KeySource,
) -> Result<(Engine, KeyRing), Failure> {
    let engine = directory.create_database(options)?;
    let ring = secret_key::load(&engine, keys, key_schema(None))?;
    put_version(&engine, SCHEMA_VERSION)?;
    Ok((engine, ring))
}

/// Opens the database in `directory` with its keys, and upgrades it to [`SCHEMA_VERSION`]. A database of a newer
/// version is refused, and was not changed if it had been closed cleanly.
///
/// # Errors
///
/// [`Failure::Unusable`] for a newer version and for keys that are missing, else as
/// [`DataDirectory::open_database`] and [`run`].
pub fn open_database(
    directory: &DataDirectory,
    options: &EngineOptions,
    opening: Opening,
    keys: &KeySource,
) -> Result<(Engine, KeyRing), Failure> {
    let engine = directory.open_database(options, opening, |file| version_of(file).map(drop))?;
    let version = version_of(&engine.begin_read()?).map_err(|failure| directory.name(failure))?;
    // Else a restore that was cut off would leave it, or a copy of a backup that was put there by hand.
    complete::complete(&engine, &keys.path).map_err(|failure| directory.name(failure))?;
    let ring = match secret_key::load(&engine, keys, key_schema(version)) {
        Ok(ring) => ring,
        Err(failure) => {
            // So that the next start need not repair the database.
            engine.close()?;
            return Err(match failure {
                // It names the key file.
                Failure::Unusable(_) => failure,
                failure => directory.name(failure),
            });
        }
    };
    run(&engine, &ring, &keys.entropy).map_err(|failure| directory.name(failure))?;
    Ok((engine, ring))
}

/// Upgrades an open copy of a database to [`SCHEMA_VERSION`], if it is of an earlier version; only then it needs the
/// keys.
///
/// # Errors
///
/// As [`open_database`].
pub fn upgrade_copy(engine: &Engine, keys: &KeySource) -> Result<(), Failure> {
    let version = version_of(&engine.begin_read()?)?;
    if version == Some(SCHEMA_VERSION) {
        return Ok(());
    }
    let ring = secret_key::load(engine, keys, key_schema(version))?;
    run(engine, &ring, &keys.entropy)
}

/// Upgrades an open database to [`SCHEMA_VERSION`].
///
/// # Errors
///
/// [`Failure::Unusable`] for a newer version, which is not changed; failures of the storage.
pub fn run(engine: &Engine, keys: &KeyRing, entropy: &Entropy) -> Result<(), Failure> {
    let Some(found) = version_of(&engine.begin_read()?)? else {
        return put_version(engine, SCHEMA_VERSION);
    };
    for version in found..SCHEMA_VERSION {
        let next = version + 1;
        tracing::info!(from = version, to = next, "upgrading the database");
        let mut records = 0;
        let context = Context {
            keys,
            entropy,
            position: Cell::default(),
        };
        while let Some(done) = STEPS[version as usize - 1](engine, &context)? {
            records += done;
            tracing::info!(from = version, to = next, records, "upgrading the database");
        }
        put_version(engine, next)?;
        tracing::info!(
            from = version,
            to = next,
            records,
            "the database is upgraded"
        );
    }
    Ok(())
}

/// The version of a database; `None` for an empty one.
fn version_of(file: &EngineRead) -> Result<Option<u64>, Failure> {
    let version = match meta::schema_version(file)? {
        Some(version) => version,
        None if is_new(file)? => return Ok(None),
        None => FIRST_VERSION,
    };
    if (FIRST_VERSION..=SCHEMA_VERSION).contains(&version) {
        return Ok(Some(version));
    }
    Err(Failure::Unusable(format!(
        "it has schema version {version}, and this rememberd supports versions {FIRST_VERSION} to \
         {SCHEMA_VERSION}; nothing was changed; start it with a newer rememberd"
    )))
}

/// How a database of this version, or an empty one, knows its keys.
fn key_schema(version: Option<u64>) -> KeySchema {
    if version.is_some_and(|version| version < meta::CHECKED_SINCE) {
        KeySchema {
            is_checked: false,
            count_by_key: v3_to_v4::count_by_key,
        }
    } else {
        KeySchema {
            is_checked: true,
            count_by_key: persistent_login::count_by_key,
        }
    }
}

/// Whether a database without a version is new: it has no table but that of the keys, which come first.
fn is_new(file: &EngineRead) -> Result<bool, Failure> {
    let names = file.table_names()?;
    Ok(names.iter().all(|name| name == secret_key::TABLE_NAME))
}

/// Puts the version of the schema.
///
/// # Errors
///
/// Failures of the storage.
pub fn put_version(engine: &Engine, version: u64) -> Result<(), Failure> {
    let file = engine.begin_write()?;
    meta::put_schema_version(&file, version)?;
    file.commit()
}
