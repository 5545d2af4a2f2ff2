//! What is found on pages that are in no tree. It may be of an earlier state of the database.

use std::collections::{BTreeMap, BTreeSet};

use crate::error::Failure;
use crate::storage::engine::Engine;
use crate::storage::engine::raw::checked_record;
use crate::storage::pages::file::PageFile;
use crate::storage::pages::seen::Seen;
use crate::storage::pages::tables::TableRoot;
use crate::storage::pages::walk::Entry;
use crate::storage::table::KeyKind;
use crate::tables::check::entries::{TableEntry, describe_key};
use crate::tables::salvage::batch::Batch;
use crate::tables::{clock, meta};

/// The name of the table of logins.
const LOGINS: &str = "persistent_login";

/// How many earlier lists of tables are tried.
const EARLIER_MAX: usize = 32;

/// The entries that must exist, since entries of other tables belong to them.
#[derive(Default)]
pub(super) struct Wanted {
    /// The logins that another table has an entry for.
    logins: BTreeSet<[u8; 28]>,
    /// The logins that were copied.
    copied_logins: BTreeSet<[u8; 28]>,
    /// The profiles that another table has an entry for.
    profiles: BTreeSet<[u8; 12]>,
}

/// The tables of the current schema whose entries are records, and those from which it follows which records exist.
pub(super) fn lost_tables() -> Vec<TableRoot> {
    [
        ("access_token", KeyKind::Fixed(32)),
        ("clock", KeyKind::Text),
        ("meta", KeyKind::Text),
        ("persistent_login", KeyKind::Fixed(28)),
        ("persistent_login_device", KeyKind::Fixed(28)),
        ("persistent_login_profile", KeyKind::Fixed(16)),
        ("profile", KeyKind::Fixed(12)),
        ("profile_bar", KeyKind::Fixed(12)),
        ("profile_by_username", KeyKind::Bytes),
        ("secret_key", KeyKind::Fixed(4)),
        ("sign_in", KeyKind::Fixed(12)),
        ("tenant", KeyKind::Text),
    ]
    .map(|(name, keys)| TableRoot::lost(name, keys))
    .into()
}

impl Wanted {
    /// What must exist according to the entries that are found on pages in no tree.
    pub(super) fn loose(from: &PageFile, tables: &[TableRoot], seen: &Seen) -> Self {
        let mut wanted = Self::default();
        for table in tables {
            from.loose_entries(table, seen, &mut |key, value| {
                wanted.add(
                    &table.name,
                    &Entry {
                        key,
                        value,
                        offset: 0,
                        is_intact: false,
                    },
                );
            });
        }
        // None was copied yet.
        wanted.copied_logins.clear();
        wanted
    }

    /// Adds what must exist according to an entry.
    pub(super) fn add(&mut self, table: &str, entry: &Entry<'_>) {
        let Some(record) = checked_record(entry.key, entry.value) else {
            return;
        };
        match TableEntry::read(table, entry.key, record) {
            Ok(TableEntry::Login { key, .. }) => {
                self.copied_logins.insert(key);
                self.add_profile_of(&key);
            }
            Ok(TableEntry::ProfileOfLogin(key) | TableEntry::Device(key)) => {
                self.logins.insert(key);
                self.add_profile_of(&key);
            }
            Ok(TableEntry::Username { owner, .. }) => {
                self.profiles.insert(owner);
            }
            _ => {}
        }
    }

    /// Adds the keys of entries that were found on pages in no tree.
    pub(super) fn add_found(&mut self, table: &str, keys: &[Vec<u8>]) {
        if table == LOGINS {
            let keys = keys.iter().filter_map(|key| key.first_chunk().copied());
            self.copied_logins.extend(keys);
        }
    }

    /// The logins that must exist and were not found, for a person.
    pub(super) fn lost_logins(&self) -> Vec<String> {
        let lost = self.logins.difference(&self.copied_logins);
        lost.map(|key| describe_key(LOGINS, key)).collect()
    }

    fn add_profile_of(&mut self, login: &[u8; 28]) {
        self.profiles.extend(login.first_chunk());
    }

    /// Whether an entry that was found may be put, and which of several with one key is the newest.
    fn rank(&self, entry: &TableEntry) -> Option<i64> {
        match entry {
            TableEntry::Login {
                key, generation, ..
            } => {
                let is_missing = self.logins.contains(key) && !self.copied_logins.contains(key);
                is_missing.then_some(i64::from(*generation))
            }
            TableEntry::Profile { id, version, .. } => {
                self.profiles.contains(id).then_some(*version)
            }
            TableEntry::Device(key) => {
                (self.logins.contains(key) || self.copied_logins.contains(key)).then_some(0)
            }
            TableEntry::Clock(time) => Some(*time),
            TableEntry::Tenant { revision, .. } => {
                Some(i64::try_from(*revision).unwrap_or(i64::MAX))
            }
            TableEntry::Era { era, .. } => Some(i64::try_from(*era).unwrap_or(i64::MAX)),
            TableEntry::LoginBlock(..)
            | TableEntry::SecretKey { .. }
            | TableEntry::AccessToken { .. }
            | TableEntry::LastOrder(_)
            | TableEntry::Other => Some(0),
            // Nothing says which tickets were not invalidated, which verification tokens were not used, and which
            // mails were not sent.
            TableEntry::Ticket { .. }
            | TableEntry::Mail { .. }
            | TableEntry::VerificationToken(_)
            | TableEntry::VerificationTokenByCreation(_)
            | TableEntry::PlaceOfTicket { .. }
            | TableEntry::TicketByRequest(_)
            | TableEntry::ProfileOfLogin(_)
            | TableEntry::ByCreation(_)
            | TableEntry::Username { .. }
            | TableEntry::ProfileCount(..)
            // They would all have to be in memory, and the profile's owner can upload them again.
            | TableEntry::Attachment { .. }
            | TableEntry::AttachmentChunk { .. }
            | TableEntry::AttachmentOrphan(_)
            // It is no part of a database.
            | TableEntry::Backup(_) => None,
        }
    }
}

/// Puts the entries of `table` that are found outside of the trees and are wanted. Returns their keys.
pub(super) fn recover(
    from: &PageFile,
    table: &TableRoot,
    to: &Engine,
    seen: &Seen,
    wanted: &Wanted,
) -> Result<Vec<Vec<u8>>, Failure> {
    if table.name == "rotation_journal" {
        // An old entry would undo later ones.
        return Ok(Vec::new());
    }
    let present = keys_of(from, table);
    let mut best: BTreeMap<Vec<u8>, (i64, Vec<u8>)> = BTreeMap::new();
    from.loose_entries(table, seen, &mut |key, stored| {
        let Some(record) = checked_record(key, stored) else {
            return;
        };
        if present.contains(key) {
            return;
        }
        let Ok(entry) = TableEntry::read(&table.name, key, record) else {
            return;
        };
        let Some(rank) = wanted.rank(&entry) else {
            return;
        };
        if best.get(key).is_none_or(|(known, _)| *known < rank) {
            best.insert(key.to_vec(), (rank, stored.to_vec()));
        }
    });
    let mut batch = Batch::new(table, to);
    for (key, (_, stored)) in &best {
        batch.add(key, stored);
    }
    batch.finish()?;
    Ok(best.into_keys().collect())
}

/// The keys of the entries of a table that are right.
fn keys_of(from: &PageFile, table: &TableRoot) -> BTreeSet<Vec<u8>> {
    let mut keys = BTreeSet::new();
    from.walk(table, &mut Seen::default(), &mut |entry| {
        if checked_record(entry.key, entry.value).is_some() {
            keys.insert(entry.key.to_vec());
        }
    });
    keys
}

/// The newest list of tables that is found outside of the trees, of those of which the most can be read.
pub(super) fn earlier_tables(from: &PageFile, seen: &Seen) -> Vec<TableRoot> {
    let mut lists = from.earlier_tables(seen);
    // The library has a list of its own tables, too.
    lists.retain(|tables| tables.iter().any(|table| table.name == meta::TABLE_NAME));
    lists.truncate(EARLIER_MAX);
    let states: Vec<_> = lists.iter().map(|tables| State::of(from, tables)).collect();
    let most = states.iter().map(|state| state.entries).max().unwrap_or(0);
    // An earlier state may have more, since logins have ended.
    let readable = states
        .iter()
        .zip(&lists)
        .filter(|(state, _)| state.entries >= most - most / 10);
    let newest = readable.max_by(|(one, _), (other, _)| one.age().cmp(&other.age()));
    newest.map(|(_, tables)| tables.clone()).unwrap_or_default()
}

/// How new a state of the database is.
#[derive(Default)]
struct State {
    entries: u64,
    newest_time: i64,
    last_journaled: Vec<u8>,
}

impl State {
    /// Compares higher for a newer state.
    fn age(&self) -> (i64, &[u8], u64) {
        (self.newest_time, &self.last_journaled, self.entries)
    }

    fn of(from: &PageFile, tables: &[TableRoot]) -> Self {
        let mut state = Self::default();
        for table in tables {
            from.walk(table, &mut Seen::default(), &mut |entry| {
                if !entry.is_intact {
                    return;
                }
                state.entries += 1;
                if table.name == clock::TABLE_NAME
                    && let Some(record) = checked_record(entry.key, entry.value)
                    && let Ok(time) = clock::verify(entry.key, record)
                {
                    state.newest_time = state.newest_time.max(time);
                }
                if table.name == "rotation_journal" {
                    state.last_journaled = state.last_journaled.as_slice().max(entry.key).to_vec();
                }
            });
        }
        state
    }
}

/// Whether the entries of these tables end with checksums.
pub(super) fn has_checksums(from: &PageFile, tables: &[TableRoot]) -> bool {
    let mut has = false;
    for table in tables {
        from.walk(table, &mut Seen::default(), &mut |entry| {
            has |= checked_record(entry.key, entry.value).is_some();
        });
    }
    has
}
