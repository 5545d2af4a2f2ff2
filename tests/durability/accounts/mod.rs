//! Tenants, profiles, passwords, tickets, logins, access tokens and the end of access, beside a plain model of them:
//! random operations, power loss, failing disks and concurrent clients.

mod concurrency;
mod draw;
mod failing_disk;
mod model;
mod operation;
mod power_loss;
mod random;
mod state;

use std::collections::BTreeMap;
use std::time::Duration;

use rememberd::testing::{
    AccessToken, AccessTokenId, App, Engine, Entropy, KeyRing, Keys, Opener, SecretKey,
    TenantPermission, Timestamp, tables::access_token, upgrade,
};

use crate::support;
use crate::support::disk::Disk;

/// The access token that allows everything. It is always there.
const ROOT: &str = "root";

/// The settings, each of them small so that what it leads to happens often.
const TICKET_IDLE_MAX: Duration = Duration::from_secs(60);
const LOCK_AFTER: u32 = 3;
const LOCK_TIME: Duration = Duration::from_secs(45);
const FLAGS: [&str; 7] = [
    "--ticket-idle-max=60s",
    "--sign-in-lock-after=3",
    "--sign-in-lock-time=45s",
    "--sign-in-delay=0s",
    "--password-hash=contract",
    "--logins-per-profile-max=1000",
    "--cleaner-batch-max=2",
];

/// An app with the first `keys` keys, on a store that `opener` opens.
async fn serve(opener: Opener, keys: u8, now: Timestamp, seed: u64) -> App {
    let store = support::open_store(opener).await;
    let shared = Keys::default();
    shared.set(ring(keys));
    support::app_with(&FLAGS, store, now, seed, shared)
}

/// An app on the database of `disk`.
async fn open(disk: &Disk, keys: u8, now: Timestamp, seed: u64) -> App {
    let disk = disk.clone();
    let opener = move |_opening| {
        let engine = Engine::open_backend(disk.clone(), &support::OPTIONS)?;
        upgrade(&engine, &ring(keys), &Entropy::Os)?;
        Ok(engine)
    };
    serve(Box::new(opener), keys, now, seed).await
}

/// The first `count` keys.
fn ring(count: u8) -> KeyRing {
    let keys: BTreeMap<_, _> = (1..=count)
        .map(|number| (u32::from(number), SecretKey::new(&[number; 32])))
        .collect();
    KeyRing::new(keys, true).expect("there is a key")
}

/// Puts [`ROOT`] into an empty database.
async fn put_root(app: &App) {
    let id = AccessTokenId::new(ROOT).expect("it is not empty");
    let id = access_token::DigestedId::new(id);
    let sealed = access_token::SealedId::seal(&ring(1), [0; 12], &id);
    let put = app
        .store
        .write(move |txn| access_token::put(txn, &id, &sealed, &token_of(ROOT)));
    put.await.expect("it is put");
}

fn token_of(application: &str) -> AccessToken {
    AccessToken {
        application: application.to_owned(),
        master: application == ROOT,
        tenant_permissions: vec![TenantPermission {
            allowed_actions: vec!["*".to_owned()],
            tenant: "*".to_owned(),
        }],
        expires_on: None,
        has_all_attributes: false,
    }
}
