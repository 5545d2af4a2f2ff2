//! Whether the tables agree with each other, and the key file with them.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};

use uuid::Uuid;

use crate::clock::timeline::Moment;
use crate::domain::key_ring::{KeyCheck, KeyNumber, SecretKey};
use crate::domain::login_state::Era;
use crate::domain::object_id::ObjectId;
use crate::domain::tenant::TenantName;
use crate::storage::key_file::KeyFile;
use crate::storage::table::KeyKind;
use crate::tables::check::attachments::Attachments;
use crate::tables::check::entries::{TableEntry, describe_key};
use crate::tables::check::report::{Fault, Finding, Mend};
use crate::tables::persistent_login::key::LoginKey;
use crate::tables::persistent_login::record;
use crate::tables::profile::count::{self, ProfileCount};
use crate::tables::profile::login_block::{self, LoginBlock};
use crate::tables::profile::record as profile_record;
use crate::tables::ticket::key::TicketKey;
use crate::tables::ticket::record::{Place, encode_place};
use crate::tables::{expiry_index, meta, secret_key};

/// What must agree between the tables; about 150 bytes for each login.
#[derive(Default)]
pub struct References {
    logins: Vec<[u8; 28]>,
    by_creation_wanted: Vec<[u8; 24]>,
    profile_of_login: Vec<[u8; 28]>,
    devices: Vec<[u8; 28]>,
    by_creation: Vec<[u8; 24]>,
    /// The tickets, with their last requests.
    tickets: Vec<([u8; 28], Moment)>,
    ticket_places: Vec<[u8; 28]>,
    by_request_wanted: Vec<[u8; 24]>,
    by_request: Vec<[u8; 24]>,
    /// The verification tokens in the index by creation.
    verification_tokens: Vec<[u8; 24]>,
    verification_tokens_wanted: Vec<[u8; 24]>,
    /// The profiles, and whether they are enabled.
    profiles: BTreeMap<[u8; 12], bool>,
    /// How many profiles each tenant has of each era.
    profiles_of_tenants: BTreeMap<TenantName, BTreeMap<Era, u64>>,
    profile_counts: BTreeMap<TenantName, ProfileCount>,
    usernames_wanted: Vec<(Vec<u8>, [u8; 12])>,
    usernames: Vec<(Vec<u8>, [u8; 12])>,
    blocks: BTreeMap<[u8; 12], LoginBlock>,
    attachments: Attachments,
    secret_keys: BTreeMap<KeyNumber, (KeyCheck, bool)>,
    /// How many entries need each secret key.
    needed: BTreeMap<KeyNumber, u64>,
    /// The era that logins are created in, and the newest one that anything else has.
    login_era: Era,
    newest_era: Era,
    /// The highest number in the order of creation, and the highest one that anything has.
    last_order: u64,
    newest_order: u64,
}

impl References {
    /// Adds an entry.
    pub fn add(&mut self, entry: TableEntry) {
        match entry {
            TableEntry::Login {
                key,
                by_creation,
                secret_keys,
                generation: _,
                era,
            } => {
                self.logins.push(key);
                self.newest_era = self.newest_era.max(era);
                self.by_creation_wanted.push(by_creation);
                for number in secret_keys.into_iter().flatten() {
                    *self.needed.entry(number).or_default() += 1;
                }
            }
            TableEntry::Era {
                era,
                is_current: true,
            } => self.login_era = era,
            TableEntry::Era {
                era,
                is_current: false,
            } => self.newest_era = self.newest_era.max(era),
            TableEntry::Ticket {
                key,
                last_request,
                era,
            } => {
                self.tickets.push((key, last_request));
                self.newest_era = self.newest_era.max(era);
            }
            TableEntry::PlaceOfTicket { key, by_request } => {
                self.ticket_places.push(key);
                self.by_request_wanted.push(by_request);
            }
            TableEntry::TicketByRequest(key) => self.by_request.push(key),
            TableEntry::VerificationToken(key) => self.verification_tokens_wanted.push(key),
            TableEntry::VerificationTokenByCreation(key) => self.verification_tokens.push(key),
            TableEntry::ProfileOfLogin(key) => self.profile_of_login.push(key),
            TableEntry::Device(key) => self.devices.push(key),
            TableEntry::ByCreation(key) => self.by_creation.push(key),
            TableEntry::Profile {
                id,
                tenant,
                username,
                is_enabled,
                era,
                version: _,
            } => {
                let of_tenant = self.profiles_of_tenants.entry(tenant).or_default();
                *of_tenant.entry(era).or_default() += 1;
                self.newest_era = self.newest_era.max(era);
                self.profiles.insert(id, is_enabled);
                self.usernames_wanted.push((username, id));
            }
            TableEntry::Username { key, owner } => self.usernames.push((key, owner)),
            TableEntry::ProfileCount(tenant, count) => {
                self.newest_era = self.newest_era.max(count.since);
                self.profile_counts.insert(tenant, count);
            }
            TableEntry::LoginBlock(id, block) => {
                self.blocks.insert(id, block);
            }
            TableEntry::SecretKey {
                number,
                check,
                is_given_up,
            } => {
                self.secret_keys.insert(number, (check, is_given_up));
            }
            TableEntry::AccessToken { secret_key, order } => {
                *self.needed.entry(secret_key).or_default() += 1;
                self.newest_order = self.newest_order.max(order);
            }
            TableEntry::Mail { secret_key } => *self.needed.entry(secret_key).or_default() += 1,
            TableEntry::Tenant { order, revision: _ } => {
                self.newest_order = self.newest_order.max(order)
            }
            TableEntry::LastOrder(last) => self.last_order = last,
            TableEntry::Attachment { key, blob, size } => self.attachments.add(key, blob, size),
            TableEntry::AttachmentChunk {
                blob,
                number,
                bytes,
            } => self.attachments.add_chunk(blob, number, bytes),
            TableEntry::AttachmentOrphan(blob) => self.attachments.add_orphan(blob),
            TableEntry::Clock(_) | TableEntry::Backup(_) | TableEntry::Other => {}
        }
    }

    /// What does not agree. `keys` are those in the key file.
    pub fn findings(mut self, keys: &KeyFile) -> Vec<Finding> {
        let mut found = Vec::new();
        self.logins.sort_unstable();
        self.devices.sort_unstable();
        self.index_of_ids(&mut found);
        self.index_by_creation(&mut found);
        self.indexes_of_tickets(&mut found);
        self.index_of_verification_tokens(&mut found);
        differences(&self.devices, &self.logins, |device, _| {
            if let Some(key) = device {
                found.push(remove(
                    "persistent_login_device",
                    KeyKind::Fixed(28),
                    key,
                    "its login is missing",
                ));
            }
        });
        self.index_of_usernames(&mut found);
        self.profile_counts(&mut found);
        self.login_blocks(&mut found);
        self.eras(&mut found);
        self.orders(&mut found);
        self.keys(keys, &mut found);
        self.attachments.findings(&mut found);
        found
    }

    fn index_of_ids(&mut self, found: &mut Vec<Finding>) {
        let table = "persistent_login_profile";
        self.profile_of_login.sort_unstable();
        differences(&self.profile_of_login, &self.logins, |entry, login| {
            if let Some(key) = entry {
                found.push(remove(
                    table,
                    KeyKind::Fixed(16),
                    &key[12..],
                    "its login is missing",
                ));
            }
            if let Some(key) = login {
                let LoginKey { profile_id, id } = LoginKey::from_bytes(key);
                let record = record::encode_profile(profile_id);
                found.push(put(table, KeyKind::Fixed(16), id.uuid().as_bytes(), record));
            }
        });
    }

    fn index_by_creation(&mut self, found: &mut Vec<Finding>) {
        self.by_creation.sort_unstable();
        self.by_creation_wanted.sort_unstable();
        let (entries, wanted) = (&self.by_creation, &self.by_creation_wanted);
        expiry_index(
            "persistent_login_by_creation",
            "login",
            entries,
            wanted,
            found,
        );
    }

    fn indexes_of_tickets(&mut self, found: &mut Vec<Finding>) {
        let table = "ticket_by_digest";
        self.ticket_places.sort_unstable();
        self.tickets.sort_unstable();
        let keys: Vec<_> = self.tickets.iter().map(|(key, _)| *key).collect();
        differences(&self.ticket_places, &keys, |entry, ticket| {
            if let Some(key) = entry {
                let why = "its ticket is missing";
                found.push(remove(table, KeyKind::Fixed(16), &key[12..], why));
            }
            if let Some(key) = ticket
                && let Ok(index) = keys.binary_search(key)
            {
                let TicketKey { profile_id, digest } = TicketKey::from_bytes(key);
                let indexed = self.tickets[index].1;
                let place = Place {
                    profile_id,
                    indexed,
                };
                let (digest, record) = (digest.as_bytes(), encode_place(&place));
                found.push(put(table, KeyKind::Fixed(16), digest, record));
                self.by_request_wanted
                    .push(expiry_index::key(indexed, Uuid::from_bytes(*digest)));
            }
        });
        let keys: BTreeSet<_> = keys.iter().map(|key| &key[12..]).collect();
        self.by_request_wanted
            .retain(|key| keys.contains(&key[8..]));
        self.by_request.sort_unstable();
        self.by_request_wanted.sort_unstable();
        let (entries, wanted) = (&self.by_request, &self.by_request_wanted);
        expiry_index("ticket_by_request", "ticket", entries, wanted, found);
    }

    fn index_of_verification_tokens(&mut self, found: &mut Vec<Finding>) {
        self.verification_tokens.sort_unstable();
        self.verification_tokens_wanted.sort_unstable();
        let (entries, wanted) = (&self.verification_tokens, &self.verification_tokens_wanted);
        let table = "verification_token_by_creation";
        expiry_index(table, "verification token", entries, wanted, found);
    }

    fn index_of_usernames(&mut self, found: &mut Vec<Finding>) {
        let table = "profile_by_username";
        self.usernames.sort_unstable();
        self.usernames_wanted.sort_unstable();
        let mut removed = Vec::new();
        differences(&self.usernames, &self.usernames_wanted, |entry, wanted| {
            if let Some((key, _)) = entry {
                removed.push(remove(
                    table,
                    KeyKind::Bytes,
                    key,
                    "there is no such profile",
                ));
            }
            if let Some((key, owner)) = wanted {
                let record = profile_record::encode_owner(&ObjectId::from_bytes(*owner));
                found.push(put(table, KeyKind::Bytes, key, record));
            }
        });
        // Another profile may have the name of one that is removed: what is put is put last.
        removed.append(found);
        *found = removed;
    }

    fn profile_counts(&self, found: &mut Vec<Finding>) {
        let counted = self.profile_counts.keys();
        let tenants: BTreeSet<_> = counted.chain(self.profiles_of_tenants.keys()).collect();
        for tenant in tenants {
            let stored = self.profile_counts.get(tenant).copied().unwrap_or_default();
            let eras = self.profiles_of_tenants.get(tenant).into_iter().flatten();
            let living = eras.filter(|(era, _)| **era >= stored.since);
            let wanted = ProfileCount {
                count: living.map(|(_, count)| count).sum(),
                ..stored
            };
            if stored != wanted {
                let record = count::encode(&wanted);
                let mut finding = put(
                    count::TABLE_NAME,
                    KeyKind::Text,
                    tenant.as_str().as_bytes(),
                    record,
                );
                finding.text = format!(
                    "{}: {:?} has {} profiles, and not {}",
                    count::TABLE_NAME,
                    tenant,
                    wanted.count,
                    stored.count
                );
                found.push(finding);
            }
        }
    }

    fn login_blocks(&self, found: &mut Vec<Finding>) {
        let (table, keys) = ("profile_bar", KeyKind::Fixed(12));
        for (id, is_enabled) in &self.profiles {
            let wanted = (!is_enabled).then_some(LoginBlock::Disabled);
            match (self.blocks.get(id).copied(), wanted) {
                (found, wanted) if found == wanted => {}
                (_, Some(block)) => found.push(put(table, keys, id, login_block::encode(block))),
                (Some(_), None) => found.push(remove(table, keys, id, "its profile is enabled")),
                (None, None) => {}
            }
        }
        let mut last = None;
        for login in &self.logins {
            let (id, _) = login.split_first_chunk::<12>().expect("a key has 28 bytes");
            let is_known = self.profiles.contains_key(id) || self.blocks.contains_key(id);
            if last == Some(*id) || is_known {
                continue;
            }
            last = Some(*id);
            // Unless the table of blocks is whole, it is unknown whether the profile was enabled.
            let record = login_block::encode(LoginBlock::Gone);
            found.push(Finding {
                fault: Fault::Missing,
                text: format!(
                    "profile: {} is missing, and has logins",
                    describe_key("profile", id)
                ),
                mend: put(table, keys, id, record).mend,
            });
        }
    }

    /// A later end of all logins of a profile must begin an era that none of them has.
    fn eras(&self, found: &mut Vec<Finding>) {
        if self.login_era < self.newest_era {
            let record = meta::encode_login_era(&self.newest_era);
            let key = meta::LOGIN_ERA.as_bytes();
            found.push(put(meta::TABLE_NAME, KeyKind::Text, key, record));
        }
    }

    /// What is created later must be listed later.
    fn orders(&self, found: &mut Vec<Finding>) {
        if self.last_order < self.newest_order {
            let record = meta::encode_last_order(&self.newest_order);
            let key = meta::LAST_ORDER.as_bytes();
            found.push(put(meta::TABLE_NAME, KeyKind::Text, key, record));
        }
    }

    fn keys(&self, file: &KeyFile, found: &mut Vec<Finding>) {
        let key_of = |number: &KeyNumber| file.keys().get(number).map(SecretKey::new);
        for (number, count) in &self.needed {
            if self.secret_keys.contains_key(number) {
                continue;
            }
            // The key file is the only one that knows it then.
            let mend = key_of(number).map(|key| Mend {
                table: secret_key::TABLE_NAME.to_owned(),
                keys: KeyKind::Fixed(4),
                key: number.to_be_bytes().to_vec(),
                record: Some(secret_key::encode_record(key.check())),
            });
            found.push(Finding {
                fault: Fault::Key,
                text: format!("secret_key: key {number} is not known, and {count} entries need it"),
                mend,
            });
        }
        for (number, (check, is_given_up)) in &self.secret_keys {
            let count = self.needed.get(number).copied().unwrap_or(0);
            let in_file = key_of(number);
            let is_there = in_file.as_ref().is_some_and(|key| key.check() == *check);
            if !is_there && !is_given_up {
                let state = if in_file.is_some() {
                    "is another one"
                } else {
                    "is missing"
                };
                // What nothing needs is not missed: a copy goes on without it, and takes it up again if it is found.
                let mend = (count == 0).then(|| Mend {
                    table: secret_key::TABLE_NAME.to_owned(),
                    keys: KeyKind::Fixed(4),
                    key: number.to_be_bytes().to_vec(),
                    record: Some(secret_key::encode_given_up(*check)),
                });
                found.push(Finding {
                    fault: Fault::Key,
                    text: format!(
                        "the key file: key {number} {state}, and {count} entries need it"
                    ),
                    mend,
                });
            }
        }
    }
}

/// What is missing in an index of what expires, and what is too much.
fn expiry_index(
    table: &str,
    what: &str,
    entries: &[[u8; 24]],
    wanted: &[[u8; 24]],
    found: &mut Vec<Finding>,
) {
    let keys = KeyKind::Fixed(24);
    differences(entries, wanted, |entry, wanted| {
        if let Some(key) = entry {
            found.push(remove(
                table,
                keys,
                key,
                &format!("there is no such {what}"),
            ));
        }
        if let Some(key) = wanted {
            found.push(put(table, keys, key, expiry_index::record()));
        }
    });
}

fn put(table: &str, keys: KeyKind, key: &[u8], record: Vec<u8>) -> Finding {
    Finding {
        fault: Fault::Disagreement,
        text: format!("{table}: {} is missing", describe_key(table, key)),
        mend: Some(Mend {
            table: table.to_owned(),
            keys,
            key: key.to_vec(),
            record: Some(record),
        }),
    }
}

fn remove(table: &str, keys: KeyKind, key: &[u8], why: &str) -> Finding {
    Finding {
        fault: Fault::Disagreement,
        text: format!("{table}: {}: {why}", describe_key(table, key)),
        mend: Some(Mend {
            table: table.to_owned(),
            keys,
            key: key.to_vec(),
            record: None,
        }),
    }
}

/// Calls `visit` with what only one of the two has, which are sorted.
fn differences<T: Ord>(left: &[T], right: &[T], mut visit: impl FnMut(Option<&T>, Option<&T>)) {
    let (mut left, mut right) = (left.iter().peekable(), right.iter().peekable());
    loop {
        let order = match (left.peek(), right.peek()) {
            (Some(left), Some(right)) => left.cmp(right),
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (None, None) => return,
        };
        match order {
            Ordering::Less => visit(left.next(), None),
            Ordering::Greater => visit(None, right.next()),
            Ordering::Equal => {
                left.next();
                right.next();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn login(era: Era) -> TableEntry {
        TableEntry::Login {
            key: [7; 28],
            by_creation: [7; 24],
            secret_keys: [None; 2],
            generation: 0,
            era,
        }
    }

    #[test]
    fn no_login_is_of_an_era_that_has_not_begun() {
        let keys = KeyFile::look_at(Path::new("no file")).expect("it has no keys");
        for (login_era, mended) in [(4, true), (5, false), (6, false)] {
            let mut references = References::default();
            references.add(login(5));
            references.add(TableEntry::Era {
                era: login_era,
                is_current: true,
            });
            let expected = Mend {
                table: meta::TABLE_NAME.to_owned(),
                keys: KeyKind::Text,
                key: meta::LOGIN_ERA.as_bytes().to_vec(),
                record: Some(meta::encode_login_era(&5)),
            };
            let found = references.findings(&keys);
            let mut mends = found.iter().filter_map(|finding| finding.mend.as_ref());
            assert_eq!(mends.any(|mend| *mend == expected), mended, "{login_era}");
        }
    }
}
