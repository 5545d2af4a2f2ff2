//! What a write looks at again once it is its turn: much may have changed since its first look.

use std::pin::pin;

use rememberd::domain::access_token::{AccessToken, AccessTokenId};
use rememberd::domain::object_id::ObjectId;
use rememberd::domain::persistent_login::{PersistentLogin, PersistentLoginId};
use rememberd::error::{Error, Refusal};
use rememberd::service::access::Caller;
use rememberd::service::persistent_login;
use rememberd::store;
use rememberd::store::engine::write_txn::WriteTxn;

use crate::fixture::{LOGIN, PROFILE, TICKETS, first_login};
use crate::server::{Server, Setup};

/// What becomes of a refresh that passes its first check while `change` is under way, and reaches the
/// writer after it.
fn refresh_behind(
    server: &Server,
    change: impl FnOnce(&WriteTxn) -> Result<(), Error> + Send + 'static,
) -> Result<PersistentLogin, Error> {
    let held = server.hold_writer();
    let mut change = pin!(server.app.store.write(change));
    assert!(server.begin(change.as_mut()).is_pending());
    let caller = Caller::new(Some(TICKETS.to_owned()));
    let refresh = persistent_login::refresh(&server.app, caller, LOGIN.to_owned(), None);
    let mut refresh = pin!(refresh);
    assert!(server.begin(refresh.as_mut()).is_pending());
    drop(held);
    server.block_on(change).expect("the change is made");
    server.block_on(refresh)
}

fn delete(txn: &WriteTxn) -> Result<(), Error> {
    let id = PersistentLoginId::parse(LOGIN).expect("an id");
    let login = store::persistent_login::get(txn, id)?.expect("the login exists");
    Ok(store::persistent_login::delete(txn, &login)?)
}

#[test]
fn a_refresh_that_waits_behind_a_delete_is_refused() {
    let server = Server::start();
    let refused = refresh_behind(&server, delete);
    let id = LOGIN.to_owned();
    assert_eq!(refused, Err(Refusal::NoSuchPersistentLogin { id }.into()));
    server.client().read(LOGIN).is_no_login(LOGIN);
}

#[test]
fn a_refresh_that_waits_behind_the_end_of_its_profile_is_refused() {
    let server = Server::start();
    let refused = refresh_behind(&server, |txn| {
        let id = ObjectId::parse(PROFILE).expect("an id");
        let mut profile = store::profile::get(txn, id)?.expect("the profile exists");
        profile.enabled = false;
        Ok(store::profile::update(txn, &profile)?)
    });
    let (id, tenant) = (PROFILE.to_owned(), "default".to_owned());
    assert_eq!(refused, Err(Refusal::DisabledProfile { id, tenant }.into()));
    assert_eq!(server.client().read(LOGIN).login(), first_login());
}

#[test]
fn a_refresh_that_waits_behind_a_change_of_permissions_is_refused() {
    let server = Server::start();
    let refused = refresh_behind(&server, |txn| {
        let id = AccessTokenId::new(TICKETS).expect("an id");
        let token = store::access_token::get(txn, &id)?.expect("the access token exists");
        let token = AccessToken {
            tenant_permissions: Vec::new(),
            ..AccessToken::clone(&token)
        };
        Ok(store::access_token::put(txn, &token)?)
    });
    let (action, tenant) = ("MANAGE_TICKETS", "default".to_owned());
    assert_eq!(
        refused,
        Err(Refusal::ActionDenied { action, tenant }.into())
    );
    assert_eq!(server.client().read(LOGIN).login(), first_login());
}

#[test]
fn a_refresh_that_is_refused_at_its_turn_costs_no_commit() {
    // So that it does not share the commit of what it waits behind.
    let server = Setup::new().flag("--batch-jobs-max=1").start();
    let commits = server.app.store.commits();
    assert!(refresh_behind(&server, delete).is_err());
    server.wait_for_writer();
    assert_eq!(server.app.store.commits(), commits + 1);
}
