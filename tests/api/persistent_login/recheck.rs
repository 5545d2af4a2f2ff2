//! The checks that a write repeats inside its transaction, because the state may have changed since.

use std::pin::pin;
use std::sync::Arc;

use rememberd::testing::{
    AccessRefusal, AccessToken, AccessTokenId, Caller, Failure, LoginError, ObjectId,
    PersistentLogin, PersistentLoginId, PersistentLoginRefusal, ProfileRefusal, WriteTxn,
    service::persistent_login,
    tables::{
        self,
        access_token::{DigestedId, SealedId},
    },
};

use crate::support::fixture::{LOGIN, PROFILE, TICKETS, first_login};
use crate::support::server::{Server, Setup};

/// The result of a refresh that passes its first check while `change` is queued, and runs after it.
fn refresh_after(
    server: &Server,
    change: impl Fn(&WriteTxn) -> Result<(), Failure> + Send + 'static,
) -> Result<PersistentLogin, LoginError> {
    let held = server.hold_writer();
    let mut change = pin!(server.app.store.write(change));
    assert!(server.begin(change.as_mut()).is_pending());
    let caller = Caller::new(Some(TICKETS.to_owned()));
    let refresh = persistent_login::refresh(&server.app, caller, LOGIN.to_owned(), None);
    let mut refresh = pin!(refresh);
    assert!(server.begin(refresh.as_mut()).is_pending());
    drop(held);
    server.block_on(change).expect("the change is committed");
    server.block_on(refresh).map(|done| done.login)
}

fn delete(txn: &WriteTxn) -> Result<(), Failure> {
    let id = PersistentLoginId::parse(LOGIN).expect("an id");
    let login = tables::persistent_login::get(txn, id)?.expect("the login exists");
    tables::persistent_login::delete(txn, &login)
}

#[test]
fn a_refresh_queued_after_a_delete_is_refused() {
    let server = Server::start();
    let refused = refresh_after(&server, delete);
    let id = LOGIN.to_owned();
    assert_eq!(refused, Err(PersistentLoginRefusal::NotFound { id }.into()));
    server.client().read(LOGIN).assert_no_such_login(LOGIN);
}

#[test]
fn a_refresh_queued_after_disabling_the_profile_is_refused() {
    let server = Server::start();
    let refused = refresh_after(&server, |txn| {
        let id = ObjectId::parse(PROFILE).expect("an id");
        let mut profile = tables::profile::get(txn, id)?.expect("the profile exists");
        profile.enabled = false;
        tables::profile::put(txn, &profile)
    });
    let (id, tenant) = (PROFILE.to_owned(), "default".to_owned());
    assert_eq!(refused, Err(ProfileRefusal::Disabled { id, tenant }.into()));
    assert_eq!(server.client().read(LOGIN).login(), first_login());
}

#[test]
fn a_refresh_queued_after_a_change_of_permissions_is_refused() {
    let server = Server::start();
    let keys = Arc::clone(server.app.keys.get().expect("the database is open"));
    let nonce = server.app.entropy.bytes();
    let refused = refresh_after(&server, move |txn| {
        let id = DigestedId::new(AccessTokenId::new(TICKETS).expect("an id"));
        let token = tables::access_token::get(txn, &id)?.expect("the access token exists");
        let token = AccessToken {
            tenant_permissions: Vec::new(),
            ..AccessToken::clone(&token)
        };
        let sealed = SealedId::seal(&keys, nonce, &id);
        tables::access_token::put(txn, &id, &sealed, &token)
    });
    let (action, tenant) = ("MANAGE_TICKETS", "default".to_owned());
    assert_eq!(
        refused,
        Err(AccessRefusal::ActionDenied { action, tenant }.into())
    );
    assert_eq!(server.client().read(LOGIN).login(), first_login());
}

#[test]
fn a_refresh_that_is_refused_by_the_writer_causes_no_commit() {
    // So that the refresh is not in the batch of the delete.
    let server = Setup::new().flag("--batch-jobs-max=1").start();
    let commits = server.app.store.commits();
    assert!(refresh_after(&server, delete).is_err());
    server.wait_for_writer();
    assert_eq!(server.app.store.commits(), commits + 1);
}

#[test]
fn a_write_to_another_resource_leaves_refreshes_in_memory() {
    const REFRESHES: usize = 20;
    let server = Server::start();
    server.client().refresh(LOGIN).login();
    let opens = server.app.store.job_opens();
    let held = server.hold_writer();
    let mut change = pin!(server.app.store.write(|txn| {
        let id = ObjectId::parse(PROFILE).expect("an id");
        let mut profile = tables::profile::get(txn, id)?.expect("the profile exists");
        profile.email = "another@example.com".to_owned();
        tables::profile::put(txn, &profile)
    }));
    assert!(server.begin(change.as_mut()).is_pending());
    let caller = || Caller::new(Some(TICKETS.to_owned()));
    let refresh = |_| {
        let refresh = persistent_login::refresh(&server.app, caller(), LOGIN.to_owned(), None);
        let mut refresh = Box::pin(refresh);
        assert!(server.begin(refresh.as_mut()).is_pending());
        refresh
    };
    let refreshes: Vec<_> = (0..REFRESHES).map(refresh).collect();
    drop(held);
    server.block_on(change).expect("the change is made");
    for refresh in refreshes {
        server.block_on(refresh).expect("it is rotated");
    }
    // The profile's record: none of the refreshes opened a table.
    assert_eq!(server.app.store.job_opens(), opens + 1);
}
