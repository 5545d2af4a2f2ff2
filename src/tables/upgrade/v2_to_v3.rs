//! From schema 2 to 3: tokens are derived from a secret key. The tokens of earlier logins are random, and are kept
//! as imported ones; the ids of access tokens are sealed.
//!
//! The old journal is applied to the records and emptied first, as from schema 1. Then the records are written
//! anew, in the order of their keys; one that has the new version already is left alone, so that the step can begin
//! again after a crash.
//!
//! Everything here is the format as it was then, and stays; what it is written as is the format of schema 3.

use std::ops::{Bound, ControlFlow};

use uuid::Uuid;

use crate::clock::Timestamp;
use crate::clock::timeline::Moment;
use crate::domain::access_token::{AccessToken, AccessTokenId, TenantPermission};
use crate::domain::login_state::{ImportedTokens, KeyEpoch, LoginState};
use crate::domain::persistent_login::Token;
use crate::domain::tenant::TenantName;
use crate::domain::token_chain::{Generation, Rotation, TokenChain, Window};
use crate::error::Failure;
use crate::storage::codec::Decoder;
use crate::storage::engine::Engine;
use crate::storage::table::{Fixed, Table};
use crate::tables::access_token::{DigestedId, SealedId};
use crate::tables::persistent_login::key::LoginKey;
use crate::tables::upgrade::old_journal::apply_journal;
use crate::tables::upgrade::schema_3;
use crate::tables::upgrade::schema_4;
use crate::tables::upgrade::v1_to_v2::{Rotated, decode_rotated, with_rotation};
use crate::tables::upgrade::{BATCH_MAX, Context};

const LOGINS: Table<Fixed<28>> = Table::unchecked("persistent_login");
const ACCESS_TOKENS: Table<Fixed<32>> = Table::unchecked("access_token");

const LOGIN_VERSION: u8 = 3;
const ACCESS_TOKEN_VERSION: u8 = 1;
const ENTRY_VERSION: u8 = 2;

/// The tag of the logins' table in the journal.
const LOGINS_TAG: u8 = 1;

pub(super) fn step(engine: &Engine, context: &Context<'_>) -> Result<Option<usize>, Failure> {
    if let Some(applied) = apply_journal(engine, decode_entry, with_rotation)? {
        return Ok(Some(applied));
    }
    match import_logins(engine, context)? {
        Some(imported) => Ok(Some(imported)),
        None => seal_access_tokens(engine, context),
    }
}

fn decode_entry(entry: &[u8]) -> Result<Vec<([u8; 28], Rotated)>, Failure> {
    let mut decoder = Decoder::new("entry of the rotation journal", ENTRY_VERSION, entry)?;
    let _cycle = decoder.number()?;
    decoder.option(|entry| {
        let [_tag] = entry.array()?;
        entry.short_bytes()
    })?;
    let mut left = decoder.count()?;
    let mut rows = Vec::new();
    while left > 0 {
        let lengths = decoder.array()?;
        let count = decoder.count()?;
        if lengths != [LOGINS_TAG, 28, 40] || count == 0 || count > left {
            return Err(decoder.corrupt(format_args!("it has rows of an unknown table")));
        }
        for _ in 0..count {
            rows.push((decoder.array()?, decode_rotated(&mut decoder)?));
        }
        left -= count;
    }
    decoder.finish()?;
    Ok(rows)
}

/// Writes some of the logins anew. Returns how many; `None` if there was none to write.
fn import_logins(engine: &Engine, context: &Context<'_>) -> Result<Option<usize>, Failure> {
    let file = engine.begin_write()?;
    let mut imported = Vec::new();
    let after = context.position.get();
    let first = after.as_ref().map_or(Bound::Unbounded, Bound::Excluded);
    let mut seen = 0;
    file.scan(&LOGINS, first, |key, record| {
        let record = record?;
        context.position.set(Some(*key));
        if record.first() == Some(&LOGIN_VERSION) {
            match import_login(LoginKey::from_bytes(key), record, context) {
                Ok(record) => imported.push((*key, record)),
                Err(Failure::Corrupt(cause)) => {
                    tracing::warn!(cause, "a login that cannot be read is left as it is");
                }
                Err(failure) => return Err(failure),
            }
        }
        seen += 1;
        Ok(if seen < BATCH_MAX {
            ControlFlow::Continue(())
        } else {
            ControlFlow::Break(())
        })
    })?;
    for (key, record) in &imported {
        file.put(&LOGINS, key, record)?;
    }
    file.commit()?;
    Ok(Some(seen).filter(|seen| *seen > 0))
}

/// The record of a login, in the format of schema 3, from the one that it was: its token, the time of its creation,
/// the last rotation if there is one (the token that was replaced, and when), the name of its tenant.
fn import_login(key: LoginKey, record: &[u8], context: &Context<'_>) -> Result<Vec<u8>, Failure> {
    let mut decoder = Decoder::new("persistent login", LOGIN_VERSION, record)?;
    let token = Token::new(Uuid::from_bytes(decoder.array()?));
    let created = moment(decoder.timestamp()?);
    let rotation: Option<(Token, Moment)> = decoder.option(|record| {
        let replaced = Token::new(Uuid::from_bytes(record.array()?));
        Ok((replaced, moment(record.timestamp()?)))
    })?;
    let tenant = decoder.text()?;
    let tenant = TenantName::new(tenant)
        .ok_or_else(|| decoder.corrupt(format_args!("its tenant has no name")))?;
    decoder.finish()?;
    let replaced = rotation.map(|(replaced, _)| replaced);
    let tokens: Vec<_> = replaced.into_iter().chain([token]).collect();
    let current = Generation::from(rotation.is_some());
    let rotation = rotation.map(|(_, at)| Rotation {
        at,
        parent: 0,
        window: Window {
            first: 0,
            resume: 1,
            began: at,
        },
        previous: None,
        late_generations: 0,
        is_late: false,
        without_token: false,
    });
    let nonce = context.entropy.bytes();
    let imported = ImportedTokens::seal(context.keys, nonce, key.id, &tokens);
    let login = LoginState {
        id: key.id,
        tenant,
        profile_id: key.profile_id,
        created,
        era: 0,
        chain: TokenChain { current, rotation },
        key: KeyEpoch {
            number: imported.key,
            since: 0,
        },
        imported: None,
    };
    Ok(schema_3::encode_imported(&login, &imported))
}

/// A time as the moment that is recorded for it: until schema 3 they were the same.
fn moment(time: Timestamp) -> Moment {
    Moment::from_millis(time.as_millis())
}

/// Writes the access tokens anew, of which there are few. Returns how many; `None` if there was none to write.
fn seal_access_tokens(engine: &Engine, context: &Context<'_>) -> Result<Option<usize>, Failure> {
    let file = engine.begin_write()?;
    let mut sealed = Vec::new();
    file.scan(&ACCESS_TOKENS, Bound::Unbounded, |digest, record| {
        let record = record?;
        if record.first() == Some(&ACCESS_TOKEN_VERSION) {
            match decode_access_token(record) {
                Ok((id, token)) => {
                    let id = DigestedId::new(id);
                    let id = SealedId::seal(context.keys, context.entropy.bytes(), &id);
                    sealed.push((*digest, schema_4::encode_access_token(&id, &token)));
                }
                Err(Failure::Corrupt(cause)) => {
                    tracing::warn!(
                        cause,
                        "an access token that cannot be read is left as it is"
                    );
                }
                Err(failure) => return Err(failure),
            }
        }
        Ok(if sealed.len() < BATCH_MAX {
            ControlFlow::Continue(())
        } else {
            ControlFlow::Break(())
        })
    })?;
    for (digest, record) in &sealed {
        file.put(&ACCESS_TOKENS, digest, record)?;
    }
    file.commit()?;
    Ok(Some(sealed.len()).filter(|count| *count > 0))
}

fn decode_access_token(record: &[u8]) -> Result<(AccessTokenId, AccessToken), Failure> {
    let mut decoder = Decoder::new("access token", ACCESS_TOKEN_VERSION, record)?;
    let id = AccessTokenId::new(decoder.text()?)
        .ok_or_else(|| decoder.corrupt(format_args!("its id is empty")))?;
    let token = AccessToken {
        application: decoder.text()?.to_owned(),
        master: decoder.bool()?,
        tenant_permissions: decoder.list(|record| {
            Ok(TenantPermission {
                tenant: record.text()?.to_owned(),
                allowed_actions: record.list(|record| record.text().map(str::to_owned))?,
            })
        })?,
        expires_on: decoder.option(Decoder::timestamp)?,
        has_all_attributes: false,
    };
    decoder.finish()?;
    Ok((id, token))
}
