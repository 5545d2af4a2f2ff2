//! The rotation journal: an idle server and a stopped one leave it empty, which changes no response.

use rememberd::testing::{Fixed, Read, Table};

use crate::support::fixture::{LOGIN, TOKEN};
use crate::support::server::{Server, Setup, wait_until};

const JOURNAL: Table<Fixed<8>> = Table::new("rotation_journal");

fn is_empty(server: &Server) -> bool {
    let empty = server.app.store.read(|txn| txn.is_empty(&JOURNAL));
    empty.expect("the storage works")
}

#[test]
fn the_journal_of_an_idle_server_becomes_empty() {
    let server = Setup::new().flag("--journal-idle-after=1ms").start();
    let client = server.client();
    let mut token = TOKEN.to_owned();
    for _ in 0..20 {
        token = client.refresh_with(LOGIN, &token).login().token;
    }
    wait_until("the journal is empty", || is_empty(&server));
    assert_eq!(client.read(LOGIN).login().token, token);
    let next = client.refresh_with(LOGIN, &token).login().token;
    assert_eq!(client.read(LOGIN).login().token, next);
}

#[test]
fn the_journal_is_kept_while_serving_and_empty_after_a_stop() {
    let setup = || Setup::new().flag("--journal-idle-after=1h");
    let server = setup().start();
    let token = server.client().refresh_with(LOGIN, TOKEN).login().token;
    assert!(!is_empty(&server));
    let server = setup().home(server.stop()).start();
    assert!(is_empty(&server));
    assert_eq!(server.client().read(LOGIN).login().token, token);
}
