//! The adapter to redb: the one place that names it.
//!
//! [`EngineRead`] is a snapshot, [`EngineWrite`] the one open write
//! transaction. Tables are opened where they are used; a snapshot, which many readers share, keeps those that
//! it has opened.

mod checksum;
pub mod copy;
pub mod damage;
mod deferred_file;
mod forward;
pub mod guarded_file;
pub mod open_table;
pub mod opening;
pub mod own_file;
pub mod raw;
pub mod read;
mod scan;
mod verify;
pub mod write;

use std::fs::File;
use std::io::ErrorKind;
use std::panic::{AssertUnwindSafe, catch_unwind};

use redb::backends::FileBackend;
use redb::{
    Builder, CompactionError, Database, DatabaseError, Durability, ReadableDatabase,
    ReadableTableMetadata, RepairSession, StorageBackend,
};

use crate::error::{Failure, describe, may_pass};
use crate::storage::engine::damage::{ALL_TABLES, Damage, guard};
use crate::storage::engine::deferred_file::DeferredFile;
use crate::storage::engine::open_table::{guarded, reading, storage};
use crate::storage::engine::opening::Opening;
use crate::storage::engine::own_file::OwnFile;
use crate::storage::engine::read::EngineRead;
use crate::storage::engine::write::EngineWrite;

/// How the database is opened and committed.
#[derive(Clone, Debug)]
pub struct EngineOptions {
    /// Memory for cached pages, in bytes.
    pub cache_bytes: usize,
    /// Whether a commit writes and syncs twice, so that it needs no trust in checksums.
    pub two_phase_commit: bool,
}

/// Memory for cached pages while a database is repaired, in bytes.
const REPAIR_CACHE_BYTES: usize = 1 << 20;

/// A file of more than so many times what is in use, and so many bytes, is shrunk.
const SHRINK_FROM_USED_TIMES: u64 = 2;
const SHRINK_FROM_BYTES: u64 = 1 << 20;

/// With more bytes in use, or more entries, moving them together would take too long.
const SHRINK_USED_BYTES_MAX: u64 = 64 << 20;
const SHRINK_ENTRIES_MAX: u64 = 500_000;

/// The size of a file that was shrunk.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Shrunk {
    /// What it had.
    pub bytes_before: u64,
    /// What it has.
    pub bytes_after: u64,
}

/// The size of a file, and how much of it is in use, in bytes.
struct Space {
    file: u64,
    used: u64,
}

/// An open database.
pub struct Engine {
    database: Database,
    damage: Damage,
    two_phase_commit: bool,
    /// The file, if opening it may have left changes in memory.
    deferred: Option<DeferredFile>,
    /// The same file, if it is one of the file system.
    own_file: Option<OwnFile>,
    /// What messages call the database.
    name: Option<String>,
}

impl Engine {
    /// Opens the database in `file`, or creates one in an empty file. Repairs it after a crash, which is logged at a
    /// start: what failed otherwise is logged already, and may fail many times a second. Nothing is written
    /// to the file before the first write transaction begins or [`Engine::release`] is called.
    ///
    /// # Errors
    ///
    /// [`Failure::Damaged`] if the file is no database, or one that cannot be opened; [`Failure::Storage`] if it
    /// cannot be read or is locked.
    pub fn open_file(
        file: File,
        options: &EngineOptions,
        opening: Opening,
    ) -> Result<Self, Failure> {
        let own_file =
            OwnFile::new(backend(&file)?).map_err(|error| opening_failed(error.into()))?;
        let file =
            DeferredFile::new(own_file.clone()).map_err(|error| opening_failed(error.into()))?;
        let damage = Damage::new(file.clone());
        let open = |cache_bytes: usize, repairs: bool| {
            let mut builder = builder(cache_bytes);
            if !repairs {
                builder.set_repair_callback(RepairSession::abort);
            }
            damaged_if_it_panics(|| Ok(builder.create_with_backend(damage.backend())))
        };
        let opened = match open(options.cache_bytes, false)? {
            Err(DatabaseError::RepairAborted) => {
                if opening == Opening::Start {
                    tracing::info!("the database was not closed cleanly; repairing it");
                }
                // A repair reads every page in turn, for which a small cache is twice as fast as one
                // that outgrows the processor's own.
                let repaired = open(REPAIR_CACHE_BYTES, true)?.map_err(opening_failed)?;
                damaged_if_it_panics(|| repaired.close().map_err(opening_failed))?;
                open(options.cache_bytes, true)?
            }
            opened => opened,
        };
        let mut engine = Self::new(opened.map_err(opening_failed)?, damage, options);
        engine.deferred = Some(file);
        engine.own_file = Some(own_file);
        Ok(engine)
    }

    /// With this name for messages.
    #[must_use]
    pub fn named(mut self, name: String) -> Self {
        self.name = Some(name);
        self
    }

    /// What messages call the database, if it has a name.
    pub fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    /// The file, of which it can be found out whether somebody else writes to it.
    pub fn own_file(&self) -> Option<&OwnFile> {
        self.own_file.as_ref()
    }

    /// Writes to the file what opening it changed, once it is known that the database can be used.
    ///
    /// # Errors
    ///
    /// [`Failure::Storage`].
    pub fn release(&self) -> Result<(), Failure> {
        match &self.deferred {
            Some(file) => file
                .release()
                .map_err(|error| storage(redb::Error::Io(error))),
            None => Ok(()),
        }
    }

    /// Opens the database that `backend` holds, or creates one if it is empty: how tests give the
    /// database a disk that loses power or fails.
    ///
    /// # Errors
    ///
    /// As [`Engine::open_file`].
    pub fn open_backend(
        backend: impl StorageBackend,
        options: &EngineOptions,
    ) -> Result<Self, Failure> {
        let damage = Damage::new(backend);
        let database = builder(options.cache_bytes)
            .create_with_backend(damage.backend())
            .map_err(storage)?;
        Ok(Self::new(database, damage, options))
    }

    /// Runs `look` on a database that was closed cleanly, without changing a byte of its file. Returns
    /// `None`, without running it, if the file is empty or has to be repaired first.
    ///
    /// # Errors
    ///
    /// As [`Engine::open_file`], or what `look` fails with.
    pub fn look_into<T>(
        file: File,
        look: impl FnOnce(&EngineRead) -> Result<T, Failure>,
    ) -> Result<Option<T>, Failure> {
        let is_empty = file.metadata().map_err(io)?.len() == 0;
        if is_empty {
            return Ok(None);
        }
        let damage = Damage::new(backend(&file)?);
        let backend = damage.backend();
        let open = || Ok(builder(REPAIR_CACHE_BYTES).open_read_only_with_backend(backend));
        let database = match damaged_if_it_panics(open)? {
            Ok(database) => database,
            Err(DatabaseError::RepairAborted) => return Ok(None),
            Err(error) => return Err(opening_failed(error)),
        };
        let txn = database.begin_read().map_err(storage)?;
        look(&EngineRead::new(txn, damage)).map(Some)
    }

    /// An empty database that is gone when it is dropped.
    #[cfg(test)]
    pub fn in_memory(options: &EngineOptions) -> Self {
        let backend = redb::backends::InMemoryBackend::new();
        Self::open_backend(backend, options).expect("memory does not fail")
    }

    fn new(database: Database, damage: Damage, options: &EngineOptions) -> Self {
        Self {
            database,
            damage,
            two_phase_commit: options.two_phase_commit,
            deferred: None,
            own_file: None,
            name: None,
        }
    }

    /// A snapshot of everything committed so far.
    ///
    /// # Errors
    ///
    /// [`Failure::Storage`] if the database failed earlier.
    pub fn begin_read(&self) -> Result<EngineRead, Failure> {
        let txn = self.database.begin_read().map_err(storage)?;
        Ok(EngineRead::new(txn, self.damage.clone()))
    }

    /// The write transaction; waits while another is open.
    ///
    /// # Errors
    ///
    /// [`Failure::Storage`] if the database failed earlier.
    pub fn begin_write(&self) -> Result<EngineWrite, Failure> {
        self.release()?;
        let mut txn = self.database.begin_write().map_err(storage)?;
        txn.set_durability(Durability::Immediate).map_err(storage)?;
        txn.set_two_phase_commit(self.two_phase_commit);
        // So that an open after a crash need not read every page, of which one cannot be read.
        txn.set_quick_repair(self.damage.is_known());
        Ok(EngineWrite::new(txn, self.damage.clone()))
    }

    /// Gives back the space of a file that is mostly unused, if what is in use is so little that moving it together
    /// takes a moment. No snapshot may be open; with one, nothing is done. A crash meanwhile loses nothing.
    ///
    /// # Errors
    ///
    /// [`Failure::Storage`] if pages could not be read or written.
    pub fn shrink(&mut self) -> Result<Option<Shrunk>, Failure> {
        self.release()?;
        // Moving pages reads all of them.
        if self.damage.is_known() || self.count_entries()? > SHRINK_ENTRIES_MAX {
            return Ok(None);
        }
        let before = match self.space() {
            Err(Failure::Unreadable(_)) => return Ok(None),
            space => space?,
        };
        let is_sparse = before.file > SHRINK_FROM_USED_TIMES * before.used + SHRINK_FROM_BYTES;
        if !is_sparse || before.used > SHRINK_USED_BYTES_MAX {
            return Ok(None);
        }
        // A damaged page that is met only now would leave a file that needs a repair, which cannot read it either.
        let file = self.damage.file();
        let is_whole = guard(&self.damage, ALL_TABLES, || Ok(verify::is_whole(file)));
        if !matches!(is_whole, Ok(true)) {
            tracing::error!("the database file is not shrunk, because a part of it is damaged");
            return Ok(None);
        }
        match self.database.compact() {
            Ok(_) => {}
            Err(CompactionError::TransactionInProgress) => return Ok(None),
            Err(error) => return Err(storage(error)),
        }
        Ok(Some(Shrunk {
            bytes_before: before.file,
            bytes_after: self.space()?.file,
        }))
    }

    /// Gives back the space behind what is in use, which is moved together where it is not yet. No snapshot may be
    /// open.
    ///
    /// # Errors
    ///
    /// [`Failure::Storage`] if pages could not be read or written, or a snapshot is open.
    pub fn trim(&mut self) -> Result<(), Failure> {
        self.release()?;
        guarded(|| self.database.compact().map(drop).map_err(storage))
    }

    /// The number of entries in all tables, which are not read for that.
    fn count_entries(&self) -> Result<u64, Failure> {
        let txn = self.database.begin_read().map_err(storage)?;
        let mut count = 0;
        for table in txn.list_tables().map_err(storage)? {
            let table = txn.open_untyped_table(table).map_err(storage)?;
            count += table.len().map_err(storage)?;
        }
        Ok(count)
    }

    /// How many bytes the file has. This reads every page of the tables.
    fn space(&self) -> Result<Space, Failure> {
        let txn = self.database.begin_read().map_err(storage)?;
        // No lock of the library is held meanwhile, which a panic over a damaged page would poison.
        let used = guard(&self.damage, ALL_TABLES, || {
            let mut used = 0;
            for table in txn.list_tables().map_err(reading)? {
                let table = txn.open_untyped_table(table).map_err(reading)?;
                let stats = table.stats().map_err(reading)?;
                used += stats.stored_bytes() + stats.metadata_bytes() + stats.fragmented_bytes();
            }
            Ok(used)
        })?;
        let file = self.damage.backend().len().map_err(io)?;
        Ok(Space { file, used })
    }

    /// Closes the database so that the next open needs no repair. What opening it changed is dropped if nothing
    /// released it.
    ///
    /// # Errors
    ///
    /// [`Failure::Storage`] if that could not be written.
    pub fn close(self) -> Result<(), Failure> {
        guarded(|| self.database.close().map_err(storage))
    }
}

fn builder(cache_bytes: usize) -> Builder {
    let mut builder = Builder::new();
    builder.set_cache_size(cache_bytes);
    builder
}

fn backend(file: &File) -> Result<FileBackend, Failure> {
    FileBackend::new(file.try_clone().map_err(io)?).map_err(storage)
}

fn io(error: std::io::Error) -> Failure {
    Failure::Storage(describe(&error))
}

/// What it means that the database could not be opened because of `error`.
fn opening_failed(error: DatabaseError) -> Failure {
    match error.into() {
        redb::Error::Io(error) if error.kind() == ErrorKind::InvalidData => {
            Failure::Damaged("it is not a database, or its beginning is damaged".to_owned())
        }
        redb::Error::Io(error) if error.kind() == ErrorKind::UnexpectedEof => {
            Failure::Damaged("it is damaged: it ends too early".to_owned())
        }
        redb::Error::Io(error) if !may_pass(&error) => Failure::Unusable(describe(&error)),
        redb::Error::DatabaseAlreadyOpen => Failure::locked(),
        redb::Error::Corrupted(cause) => Failure::Damaged(format!("it is damaged: {cause}")),
        redb::Error::UpgradeRequired(version) => {
            let cause =
                format!("it has version {version} of the library's format, which is not known");
            Failure::Damaged(cause)
        }
        error => storage(error),
    }
}

/// Runs a call that opens or closes a database, which panics over some damaged files.
fn damaged_if_it_panics<T>(call: impl FnOnce() -> Result<T, Failure>) -> Result<T, Failure> {
    let panicked = || Failure::Damaged("it is damaged: the database's library panicked".to_owned());
    catch_unwind(AssertUnwindSafe(call)).unwrap_or_else(|_panic| Err(panicked()))
}
