//! A limit on the size of files (`ulimit -f`), under the real server: a fault of the storage like any other.

use std::fs;

use tempfile::TempDir;

use crate::faults::client::wait_until;
use crate::faults::process::{Server, Tokens};

/// The number of logins before the limit is set.
const LOGINS: usize = 20;

/// The maximum number of requests that succeed within the size that the file has.
const REQUESTS_MAX: usize = 20_000;

#[test]
fn a_server_whose_files_may_not_grow_serves_again_once_they_may() {
    let home = TempDir::new().expect("a temporary directory");
    let data = home.path().join("data");
    let mut server = Server::start(&data);
    let mut tokens = Tokens::default();
    for _ in 0..LOGINS {
        assert!(tokens.create(&server));
    }
    let database = fs::metadata(data.join("rememberd.redb")).expect("it is there");
    server.limit_file_size(Some(database.len()));
    let mut requests = 0;
    while tokens.create(&server) {
        requests += 1;
        assert!(requests < REQUESTS_MAX, "the file does not grow");
    }
    wait_until("it is not ready", || {
        // A database that was reopened fails again at the next write that makes the file grow.
        tokens.create(&server);
        server.status("/health/ready") == 503
    });
    assert_eq!(server.status("/health/live"), 200);
    assert!(server.runs());

    server.limit_file_size(None);
    wait_until("it serves again", || tokens.create(&server));
    tokens.assert_current(&server);
    assert_eq!(tokens.refresh_all(&server), tokens.count());
    assert!(server.runs());
    drop(server);
    tokens.assert_current(&Server::start(&data));
}
