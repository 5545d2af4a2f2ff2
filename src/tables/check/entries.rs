//! One entry of each table, read as far as other tables must agree with it.

use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::clock::timeline::Moment;
use crate::domain::attachment::BlobId;
use crate::domain::key_ring::{KeyCheck, KeyNumber};
use crate::domain::login_state::Era;
use crate::domain::object_id::ObjectId;
use crate::domain::persistent_login::PersistentLoginId;
use crate::domain::tenant::TenantName;
use crate::domain::ticket::TicketDigest;
use crate::domain::verification_token::VerificationTokenDigest;
use crate::error::Failure;
use crate::storage::journal;
use crate::tables::attachment::{self, chunk, deleted, orphan};
use crate::tables::backup::record::{self as backup_record, BackupEntry};
use crate::tables::meta::MetaEntry;
use crate::tables::persistent_login::key::LoginKey;
use crate::tables::persistent_login::{ended, ended_together, record};
use crate::tables::profile::count::{self, ProfileCount};
use crate::tables::profile::login_block::{self, LoginBlock};
use crate::tables::profile::record as profile_record;
use crate::tables::tenant::record as tenant_record;
use crate::tables::ticket::ended as ended_tickets;
use crate::tables::ticket::key::TicketKey;
use crate::tables::ticket::record::{self as ticket_record, Place};
use crate::tables::{
    JOURNALED, access_token, clock, ended_tenants, expiry_index, mail_outbox, meta, secret_key,
    sign_in, verification_token,
};

/// An entry, as far as it matters for others.
pub enum TableEntry {
    /// A login.
    Login {
        /// Its key.
        key: [u8; 28],
        /// Its key in the index by creation.
        by_creation: [u8; 24],
        /// The number of its secret key, and that of its imported tokens.
        secret_keys: [Option<KeyNumber>; 2],
        /// How often it was rotated.
        generation: u32,
        /// Its era.
        era: Era,
    },
    /// An era that is not over: of which logins are created, or which ended those of earlier ones.
    Era {
        /// The era.
        era: Era,
        /// Whether it is the one that logins are created in.
        is_current: bool,
    },
    /// The profile of a login, as the key of the login.
    ProfileOfLogin([u8; 28]),
    /// The device of the login with this key.
    Device([u8; 28]),
    /// An entry of the index by creation.
    ByCreation([u8; 24]),
    /// A ticket.
    Ticket {
        /// Its key.
        key: [u8; 28],
        /// Its last request, as far as it is not in the journal.
        last_request: Moment,
        /// Its era.
        era: Era,
    },
    /// The entry of a ticket's digest.
    PlaceOfTicket {
        /// The key of the ticket.
        key: [u8; 28],
        /// Its key in the index by request.
        by_request: [u8; 24],
    },
    /// An entry of the index of tickets by request.
    TicketByRequest([u8; 24]),
    /// A profile.
    Profile {
        /// Its id.
        id: [u8; 12],
        /// The name of its tenant.
        tenant: TenantName,
        /// Its key in the index of usernames.
        username: Vec<u8>,
        /// Whether its logins may be used.
        is_enabled: bool,
        /// The era that it was created in.
        era: Era,
        /// Higher for a later record of the profile.
        version: i64,
    },
    /// An entry of the index of usernames.
    Username {
        /// The key.
        key: Vec<u8>,
        /// The profile.
        owner: [u8; 12],
    },
    /// How many profiles the tenant of this name has.
    ProfileCount(TenantName, ProfileCount),
    /// Why a profile's logins may not be used.
    LoginBlock([u8; 12], LoginBlock),
    /// A secret key.
    SecretKey {
        /// Its number.
        number: KeyNumber,
        /// By which it is recognized.
        check: KeyCheck,
        /// Whether the database goes on without it.
        is_given_up: bool,
    },
    /// An access token.
    AccessToken {
        /// The number of the secret key that seals it.
        secret_key: KeyNumber,
        /// Its number in the order of creation.
        order: u64,
    },
    /// A mail that is to be sent.
    Mail {
        /// The number of the secret key that seals the id of its verification token.
        secret_key: KeyNumber,
    },
    /// A tenant.
    Tenant {
        /// Its number in the order of creation.
        order: u64,
        /// How many sweeps of its profiles there were.
        revision: u64,
    },
    /// The highest number in the order of creation.
    LastOrder(u64),
    /// A verification token, as its key in the index by creation.
    VerificationToken([u8; 24]),
    /// An entry of the index of verification tokens by creation.
    VerificationTokenByCreation([u8; 24]),
    /// An attachment.
    Attachment {
        /// Its key.
        key: Vec<u8>,
        /// Its content.
        blob: BlobId,
        /// How many bytes it has.
        size: u64,
    },
    /// A chunk of the content of an attachment.
    AttachmentChunk {
        /// The content.
        blob: BlobId,
        /// Its number.
        number: u32,
        /// How many bytes it has.
        bytes: u64,
    },
    /// A content that is to be removed.
    AttachmentOrphan(BlobId),
    /// What says that the file is a backup.
    Backup(BackupEntry),
    /// Where the clock was; higher for a later time.
    Clock(i64),
    /// What no other table must agree with.
    Other,
}

impl TableEntry {
    /// Reads an entry of the table of this name.
    ///
    /// # Errors
    ///
    /// [`Failure::Corrupt`].
    pub fn read(table: &str, key: &[u8], record: &[u8]) -> Result<Self, Failure> {
        Ok(match table {
            "persistent_login" => {
                let bytes = fixed(key)?;
                let login = record::decode(LoginKey::from_bytes(&bytes), record)?;
                let imported = login.imported.as_ref().map(|imported| imported.key);
                Self::Login {
                    key: bytes,
                    by_creation: expiry_index::key(login.created, login.id.uuid()),
                    secret_keys: [Some(login.key.number), imported],
                    generation: login.chain.current,
                    era: login.era,
                }
            }
            "persistent_login_profile" => {
                let id = PersistentLoginId::new(Uuid::from_bytes(fixed(key)?));
                let profile_id = record::decode_profile(record)?;
                Self::ProfileOfLogin(LoginKey { profile_id, id }.to_bytes())
            }
            "persistent_login_device" => {
                record::decode_device(record)?;
                Self::Device(fixed(key)?)
            }
            "persistent_login_ended" => {
                fixed::<12>(key)?;
                Self::Era {
                    era: ended::decode(record)?.era,
                    is_current: false,
                }
            }
            "verification_token" => {
                let digest = VerificationTokenDigest::from_bytes(fixed(key)?);
                let token = verification_token::decode(digest, record)?;
                let id = verification_token::index_id(digest);
                Self::VerificationToken(expiry_index::key(token.created, id))
            }
            "verification_token_by_creation" => {
                expiry_index::verify(record)?;
                Self::VerificationTokenByCreation(fixed(key)?)
            }
            ended_together::TABLE_NAME => Self::Era {
                era: ended_together::decode(record)?,
                is_current: false,
            },
            "ticket_ended" => {
                fixed::<12>(key)?;
                Self::Era {
                    era: ended_tickets::decode(record)?,
                    is_current: false,
                }
            }
            "tenant_ended" => Self::Era {
                era: ended_tenants::decode(record)?,
                is_current: false,
            },
            "persistent_login_by_creation" => {
                expiry_index::verify(record)?;
                Self::ByCreation(fixed(key)?)
            }
            "ticket" => {
                let bytes = fixed(key)?;
                let ticket = ticket_record::decode(TicketKey::from_bytes(&bytes), record)?;
                Self::Ticket {
                    key: bytes,
                    last_request: ticket.last_request,
                    era: ticket.era,
                }
            }
            "ticket_by_digest" => {
                let digest = TicketDigest::from_bytes(fixed(key)?);
                let Place {
                    profile_id,
                    indexed,
                } = ticket_record::decode_place(record)?;
                Self::PlaceOfTicket {
                    key: TicketKey { profile_id, digest }.to_bytes(),
                    by_request: expiry_index::key(indexed, Uuid::from_bytes(*digest.as_bytes())),
                }
            }
            "ticket_by_request" => {
                expiry_index::verify(record)?;
                Self::TicketByRequest(fixed(key)?)
            }
            "profile" => {
                let id = fixed(key)?;
                let stored = profile_record::verify(ObjectId::from_bytes(id), record)?;
                let profile = &stored.profile;
                Self::Profile {
                    id,
                    tenant: profile.tenant.clone(),
                    username: profile_record::username_key(&profile.tenant, &profile.username),
                    is_enabled: profile.enabled,
                    era: stored.era,
                    version: stored.version(),
                }
            }
            "profile_by_username" => Self::Username {
                key: key.to_vec(),
                owner: *profile_record::decode_owner(record)?.as_bytes(),
            },
            count::TABLE_NAME => {
                let name = str::from_utf8(key).ok().and_then(TenantName::new);
                let no_name = || Failure::Corrupt("its key is no name of a tenant".to_owned());
                Self::ProfileCount(name.ok_or_else(no_name)?, count::decode(record)?)
            }
            "profile_bar" => Self::LoginBlock(fixed(key)?, login_block::decode(record)?),
            attachment::TABLE_NAME => {
                let found = attachment::decode(key, record)?;
                Self::Attachment {
                    key: key.to_vec(),
                    blob: found.blob,
                    size: found.size,
                }
            }
            chunk::TABLE_NAME => {
                let (blob, number) = chunk::parse_key(&fixed(key)?);
                Self::AttachmentChunk {
                    blob,
                    number,
                    bytes: chunk::decode(record)?.len() as u64,
                }
            }
            orphan::TABLE_NAME => {
                orphan::verify(record)?;
                Self::AttachmentOrphan(BlobId::from_bytes(fixed(key)?))
            }
            deleted::TABLE_NAME => {
                fixed::<12>(key)?;
                deleted::verify(record)?;
                Self::Other
            }
            "secret_key" => {
                let (check, is_given_up) = secret_key::decode_record(record)?;
                Self::SecretKey {
                    number: KeyNumber::from_be_bytes(fixed(key)?),
                    check,
                    is_given_up,
                }
            }
            "access_token" => {
                fixed::<32>(key)?;
                let (secret_key, order) = access_token::verify(record)?;
                Self::AccessToken { secret_key, order }
            }
            "mail_outbox" => Self::Mail {
                secret_key: mail_outbox::decode(&fixed(key)?, record)?.sealed.key(),
            },
            "sign_in" => {
                fixed::<12>(key)?;
                sign_in::decode(record)?;
                Self::Other
            }
            "tenant" => {
                let (order, revision) = tenant_record::verify(key, record)?;
                Self::Tenant { order, revision }
            }
            backup_record::TABLE_NAME => Self::Backup(backup_record::decode(key, record)?),
            "clock" => Self::Clock(clock::verify(key, record)?),
            "meta" => match meta::verify(key, record)? {
                MetaEntry::LoginEra(era) => Self::Era {
                    era,
                    is_current: true,
                },
                MetaEntry::LastOrder(last) => Self::LastOrder(last),
                MetaEntry::Other => Self::Other,
            },
            "rotation_journal" => {
                fixed::<8>(key)?;
                journal::verify_entry(JOURNALED, record)?;
                Self::Other
            }
            _ => Self::Other,
        })
    }
}

fn fixed<const N: usize>(key: &[u8]) -> Result<[u8; N], Failure> {
    key.try_into()
        .map_err(|_| Failure::Corrupt("its key has a wrong length".to_owned()))
}

/// A key for a person, who must not learn the id of a login or of an access token from it.
pub fn describe_key(table: &str, key: &[u8]) -> String {
    match (table, key.len()) {
        ("persistent_login" | "persistent_login_device", 28) => {
            format!(
                "profile {}, login {}",
                hex(&key[..12]),
                fingerprint(&key[12..])
            )
        }
        ("ticket", 28) => format!("profile {}, ticket {}", hex(&key[..12]), hex(&key[12..18])),
        ("ticket_by_digest", 16) => format!("ticket {}", hex(&key[..6])),
        ("verification_token", 16) => format!("verification token {}", hex(&key[..6])),
        ("verification_token_by_creation", 24) => {
            format!("verification token {}", hex(&key[8..14]))
        }
        ("mail_outbox", 24) => {
            format!("mail of verification token {}", hex(&key[8..14]))
        }
        ("ticket_by_request", 24) => format!("ticket {}", hex(&key[8..14])),
        ("persistent_login_profile", 16) => format!("login {}", fingerprint(key)),
        ("persistent_login_by_creation", 24) => format!("login {}", fingerprint(&key[8..])),
        (
            "tenant"
            | "tenant_ended"
            | ended_together::TABLE_NAME
            | "meta"
            | "clock"
            | count::TABLE_NAME,
            _,
        ) => {
            format!("{:?}", String::from_utf8_lossy(key))
        }
        // The name of an attachment may be anything.
        (attachment::TABLE_NAME, 12..) => {
            let name = fingerprint(&key[12..]);
            format!("profile {}, attachment {name}", hex(&key[..12]))
        }
        ("profile_by_username", _) => format!("username {}", fingerprint(key)),
        _ => format!("key {}", hex(key)),
    }
}

/// Enough of a digest to tell entries apart.
fn fingerprint(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes)[..6])
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
