//! The real binary with the example data, whose access token is public: it serves this computer only.

use tempfile::TempDir;

use crate::support::client::LOGINS;
use crate::support::fixture::LOGIN;
use crate::support::process::{DEMO_ACCESS_TOKEN, DEMO_SEED, Launch, Serving};
use crate::support::raw_request::assert_closing_error;
use crate::support::wire::WireResponse;

const OTHERS: [&str; 4] = [
    "attacker.example",
    "localhost.attacker.example:8080",
    "192.168.1.7",
    "",
];

fn read(serving: &Serving, host: &str) -> WireResponse {
    let mut wire = serving.wire();
    wire.send(format!(
        "GET {LOGINS}/{LOGIN}?accessTokenId={DEMO_ACCESS_TOKEN} HTTP/1.1\r\nHost: {host}\r\n\r\n"
    ));
    wire.response()
}

#[test]
fn with_the_example_data_a_foreign_host_is_refused() {
    let home = TempDir::new().expect("a temporary directory");
    let serving = Launch::serve(home.path()).seed(DEMO_SEED).start();
    for host in OTHERS {
        let refused = read(&serving, host);
        assert_closing_error(&refused, 403);
        assert!(refused.body.contains("--allow-demo-secrets"), "{refused:?}");
    }
    // The host of a target in absolute form counts, whatever `Host` says.
    let mut wire = serving.wire();
    wire.send(format!(
        "GET http://{}{LOGINS}/{LOGIN}?accessTokenId={DEMO_ACCESS_TOKEN} HTTP/1.1\r\nHost: localhost\r\n\r\n",
        OTHERS[0]
    ));
    assert_closing_error(&wire.response(), 403);
    for host in [
        "localhost",
        "LOCALHOST:8080",
        "app.localhost",
        "127.0.0.1:1",
        "[::1]",
    ] {
        assert_eq!(read(&serving, host).status, 200, "{host}");
    }
    serving.stop();
    // The token is in the database, not only in the seed file.
    let serving = Launch::serve(home.path()).start();
    assert_closing_error(&read(&serving, OTHERS[0]), 403);
    serving.stop();
    let serving = Launch::serve(home.path())
        .argument("--allow-demo-secrets")
        .start();
    for host in OTHERS {
        assert_eq!(read(&serving, host).status, 200, "{host}");
    }
}
