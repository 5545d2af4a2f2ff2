//! A disk whose syncs hang, and a disk that fails without a write.

use std::sync::Arc;
use std::time::Duration;

use rememberd::testing::{
    App, Caller, Failure, LoginError, Token, service::demo, service::persistent_login,
};
use tokio::time::timeout;

use crate::faults::client::{self, wait_until};
use crate::faults::faulty_disk::{EIO, FaultyDisk};
use crate::support;
use crate::support::login::Login;

/// The timeout of a caller while the disk hangs.
const PATIENCE: Duration = Duration::from_millis(100);

#[test]
fn writes_that_hang_can_be_abandoned_and_reads_continue() {
    let seed = support::test_seed();
    client::runtime().block_on(async {
        let (base, ledger) = client::create_database(20, seed).await;
        let disk = FaultyDisk::new(base, seed);
        let app = client::serve(&[], client::opener(&disk), seed).await;
        let login = ledger.present()[0].clone();

        let held = disk.hold_syncs();
        let abandoned = timeout(PATIENCE, refresh(&app, &login)).await;
        abandoned.expect_err("nothing is synced");
        for login in ledger.present() {
            let caller = Caller::new(Some(demo::ACCESS_TOKEN_ID.to_owned()));
            let found = persistent_login::read(&app, caller, login.id.to_string());
            assert_eq!(found.map(Login::from), Ok(login.returned()));
        }
        assert!(app.is_ready());

        drop(held);
        wait_until("the writer continues", || app.store.commits() > 0);
        let successor = refresh(&app, &login).await.expect("the disk works");
        assert_ne!(successor.token, login.token);
        assert_eq!(
            refresh(&app, &login).await.expect("the disk works"),
            successor,
            "the result of the write that hung is returned again"
        );
        app.store.close().await.expect("the disk works");
        let stored = client::logins_in(disk.stored()).expect("it is consistent");
        let stored = stored.iter().find(|stored| stored.id == login.id);
        let stored = stored.expect("it is there");
        assert_eq!(stored.returned(), successor);
        let replaced = stored.rotation.map(|rotation| rotation.replaced);
        assert_eq!(replaced, Some(login.token));
    });
}

#[test]
fn a_failed_read_closes_the_database_without_a_write() {
    let seed = support::test_seed();
    client::runtime().block_on(async {
        let (base, ledger) = client::create_database(300, seed).await;
        let disk = FaultyDisk::new(base, seed);
        let app = Arc::new(client::serve(&[], client::opener(&disk), seed).await);
        let read_all = || -> Result<(), Failure> {
            for login in ledger.present() {
                let caller = Caller::new(Some(demo::ACCESS_TOKEN_ID.to_owned()));
                match persistent_login::read(&app, caller, login.id.to_string()) {
                    Ok(found) => assert_eq!(Login::from(found), login.returned()),
                    Err(LoginError::Failed(failure)) => return Err(failure),
                    Err(LoginError::Refused(refusal)) => panic!("{refusal:?}"),
                }
            }
            Ok(())
        };
        read_all().expect("the disk works");

        disk.fail_all(EIO);
        let failure = read_all().expect_err("not everything is cached");
        assert!(matches!(failure, Failure::Storage(_)), "{failure}");
        assert_eq!(client::status(&failure), 503);
        assert!(!app.is_ready());
        let failures = disk.failures();
        wait_until("an attempt to reopen it was made", || {
            disk.failures() > failures
        });
        assert_eq!(read_all(), Err(Failure::Unavailable));

        disk.repair();
        wait_until("reads succeed again", || read_all().is_ok());
        assert!(app.is_ready());
        assert_eq!(app.store.commits(), 0);
    });
}

async fn refresh(app: &App, login: &Login) -> Result<Login, LoginError> {
    let caller = Caller::new(Some(demo::ACCESS_TOKEN_ID.to_owned()));
    let presented: Option<Token> = Some(login.token);
    let refreshed = persistent_login::refresh(app, caller, login.id.to_string(), presented).await;
    refreshed.map(|refreshed| refreshed.login.into())
}
