//! The secret keys of a running server: how many logins need each, a new one, and the end of an old one.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::app::App;
use crate::audit::event::Event;
use crate::audit::subject::Subject;
use crate::domain::key_ring::{KeyNumber, SecretKey};
use crate::error::Failure;
use crate::service::admin::each_login::each_login;
use crate::service::context::OpContext;
use crate::service::error::{Error, Refusal};
use crate::storage::key_file::{self, KeyFile};
use crate::tables::{access_token, secret_key};

/// How long requests and background work that began with the former keys may take: less than a client waits for the
/// response.
const FORMER_KEYS_MAX: Duration = Duration::from_secs(30);

/// How long to wait before it is looked again whether they have ended.
const PAUSE: Duration = Duration::from_millis(5);

/// Why a key is not changed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum KeyRefusal {
    /// There is no key with this number.
    NotFound(KeyNumber),
    /// It is the newest one, which new tokens are derived from.
    Newest(KeyNumber),
    /// Logins need it, and it was not said that they may end.
    Needed {
        /// The key.
        number: KeyNumber,
        /// How many logins need it.
        logins: u64,
    },
    /// The key file cannot be read or written, and nothing was changed.
    File(String),
    /// A key was dropped from the database, and could not be removed from the key file.
    LeftInFile {
        /// The key.
        number: KeyNumber,
        /// Why not.
        cause: String,
    },
    /// Something that began with the former keys has not ended: the new key is not used before the next start.
    Busy(KeyNumber),
    /// Something that began with the former keys has not ended: the old key is not dropped.
    InUse(KeyNumber),
}

impl Refusal for KeyRefusal {}

/// A key, and how many logins need it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct KeyUse {
    /// Its number.
    pub number: KeyNumber,
    /// Whether new tokens are derived from it.
    pub is_newest: bool,
    /// How many logins end without it.
    pub logins: u64,
}

/// The keys, and how many logins need each. All logins are looked at, in steps.
///
/// # Errors
///
/// Failures of the storage.
pub async fn list(app: &App) -> Result<Vec<KeyUse>, Failure> {
    let mut logins: BTreeMap<KeyNumber, u64> = BTreeMap::new();
    each_login(app, |login| {
        *logins.entry(login.key.number).or_default() += 1;
        ControlFlow::Continue(())
    })
    .await?;
    let keys = app.keys.get()?;
    let (newest, _) = keys.newest();
    let uses = keys.numbers().map(|number| KeyUse {
        number,
        is_newest: number == newest,
        logins: logins.get(&number).copied().unwrap_or(0),
    });
    Ok(uses.collect())
}

/// Adds a key, from which all tokens are derived from now on; logins move to it with their next rotation. Returns its
/// number.
///
/// It is known to all that goes on before the first token is derived from it: to a request that began before and does
/// not know it, a login with that token would be one whose key is missing.
///
/// # Errors
///
/// Failures of the storage. Refuses if the key file cannot be written, and while something that began before does not
/// end: the key is used from the next start on then.
pub async fn rotate(app: &App) -> Result<KeyNumber, Error<KeyRefusal>> {
    let _change = app.key_changes.lock().await;
    let mut file = KeyFile::read(&path(app)).map_err(of_file)?;
    let in_file = file.keys().last_key_value().map(|(number, _)| *number);
    let (newest, _) = app.keys.get()?.newest();
    let number = file.number_after(in_file.map_or(newest, |last| last.max(newest)));
    let number = number.map_err(of_file)?;
    let bytes = app.entropy.bytes();
    file.add(number, bytes).map_err(of_file)?;
    let key = SecretKey::new(&bytes);
    let (context, check) = (OpContext::as_local_operator(app), key.check());
    app.store
        .write(move |txn| {
            secret_key::put_in_use(txn, number, check)?;
            context.record_subject(txn, Event::RotateKey, Subject::Database);
            Ok(())
        })
        .await?;
    app.keys.replace(app.keys.get()?.with_known(number, key));
    if !have_former_ended(app).await {
        return Err(Error::Refused(KeyRefusal::Busy(number)));
    }
    app.keys.replace(app.keys.get()?.with_newest(number));
    tracing::info!(number, "a key was added, from which tokens are derived now");
    Ok(number)
}

/// Drops a key: the logins that need it end. With `ends_logins` they may be some. The ids of access tokens that it
/// sealed are sealed by the newest one.
///
/// # Errors
///
/// Failures of the storage. Refuses an unknown key, the newest one, one that logins need unless they may end, and any
/// if the key file cannot be written or while something that began before the last change of the keys does not end.
pub async fn drop(
    app: &App,
    number: KeyNumber,
    ends_logins: bool,
) -> Result<u64, Error<KeyRefusal>> {
    let _change = app.key_changes.lock().await;
    let keys = Arc::clone(app.keys.get()?);
    let key = keys.get(number).map(SecretKey::check);
    let check = key.ok_or(Error::Refused(KeyRefusal::NotFound(number)))?;
    let (newest, _) = keys.newest();
    if number == newest {
        return Err(Error::Refused(KeyRefusal::Newest(number)));
    }
    // What needs it and is not written yet would neither be counted nor sealed anew below.
    if !have_former_ended(app).await {
        return Err(Error::Refused(KeyRefusal::InUse(number)));
    }
    let uses = list(app).await?;
    let logins = uses.iter().find(|key| key.number == number);
    let logins = logins.map_or(0, |key| key.logins);
    if logins > 0 && !ends_logins {
        return Err(Error::Refused(KeyRefusal::Needed { number, logins }));
    }
    let context = OpContext::as_local_operator(app);
    let seed = app.entropy.bytes();
    let removal = KeyFile::read(&path(app)).and_then(|file| file.prepare_removal(number));
    let removal = removal.map_err(of_file)?;
    // A key that is in the file is taken up again by the next start, and one that is missing there is not missed: a
    // crash in between leaves the key as it was.
    app.store
        .write(move |txn| {
            access_token::reseal(txn, &keys, number, &seed)?;
            secret_key::put_given_up(txn, number, check)?;
            context.record_subject(txn, Event::DropKey, Subject::Database);
            Ok(())
        })
        .await?;
    app.keys.replace(app.keys.get()?.without(number));
    removal.publish().map_err(|failure| {
        Error::Refused(KeyRefusal::LeftInFile {
            number,
            cause: failure.to_string(),
        })
    })?;
    tracing::info!(number, logins, "a key was dropped");
    Ok(logins)
}

fn of_file(failure: Failure) -> Error<KeyRefusal> {
    Error::Refused(KeyRefusal::File(failure.to_string()))
}

/// Waits until nothing goes on any more that began with former keys. Returns whether it is so.
async fn have_former_ended(app: &App) -> bool {
    let began = Instant::now();
    while app.keys.are_former_in_use() {
        if began.elapsed() >= FORMER_KEYS_MAX {
            return false;
        }
        sleep(PAUSE).await;
    }
    true
}

fn path(app: &App) -> PathBuf {
    let data = &app.config.data;
    key_file::path(&data.data_dir, data.key_file.as_deref())
}
