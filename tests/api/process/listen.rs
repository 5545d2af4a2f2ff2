//! Where the server listens: several addresses, host names, and what is refused.

use std::net::{SocketAddr, TcpListener};

use tempfile::TempDir;

use crate::support::process::{DEMO_SEED, Launch, Serving};
use crate::support::wire::Wire;

fn home() -> TempDir {
    TempDir::new().expect("a temporary directory")
}

#[track_caller]
fn assert_serves(address: SocketAddr) {
    let mut wire = Wire::connect(address);
    wire.send("GET /health/ready HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n");
    assert_eq!(wire.response().status, 200);
}

/// The address in the next line that says where it listens.
#[track_caller]
fn next_address(serving: &mut Serving) -> SocketAddr {
    let line = serving.wait_for_output("rememberd listens on http://");
    let (_, rest) = line.split_once("http://").expect("it has an address");
    let address = rest.split('/').next().expect("there is a first part");
    address.parse().expect("an address and a port")
}

#[test]
fn several_addresses_are_served_and_printed() {
    let home = home();
    let mut serving = Launch::serve(home.path())
        .argument("--listen=127.0.0.1:0,127.0.0.2:0")
        .argument("--listen=127.0.0.3:0")
        .start();
    let others = [next_address(&mut serving), next_address(&mut serving)];
    let addresses = [serving.address, others[0], others[1]];
    let expected = ["127.0.0.1", "127.0.0.2", "127.0.0.3"];
    assert_eq!(addresses.map(|address| address.ip().to_string()), expected);
    for address in addresses.iter().chain(&addresses) {
        assert_serves(*address);
    }
    let variable = Launch::serve(home.path())
        .variable("REMEMBERD_LISTEN", "127.0.0.1:0, 127.0.0.2:0")
        .variable("REMEMBERD_DATA_DIR", home.path().join("other"));
    let mut second = variable.start();
    assert_serves(second.address);
    assert_serves(next_address(&mut second));
    for serving in [serving, second] {
        serving.stop();
    }
}

#[test]
fn a_host_name_stands_for_its_addresses() {
    let home = home();
    let serving = Launch::serve(home.path())
        .argument("--listen=localhost:0")
        .seed(DEMO_SEED)
        .start();
    assert!(serving.address.ip().is_loopback(), "{}", serving.address);
    assert_serves(serving.address);
    serving.stop();
}

#[test]
fn all_addresses_of_both_families_share_a_port() {
    if TcpListener::bind("[::1]:0").is_err() {
        println!("skipped: this host has no IPv6");
        return;
    }
    let home = home();
    let free = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr());
    let port = free.expect("a free port").port();
    let serving = Launch::serve(home.path())
        .argument(format!("--listen=0.0.0.0:{port},[::]:{port}"))
        .start();
    assert_serves(SocketAddr::from(([127, 0, 0, 1], port)));
    assert_serves(format!("[::1]:{port}").parse().expect("an address"));
    serving.stop();
}

#[test]
fn an_address_that_cannot_be_listened_on_is_refused_with_an_example() {
    let home = home();
    for (listen, example) in [
        (
            "localhost",
            "like 127.0.0.1:8080, [::1]:8080 or localhost:8080",
        ),
        ("8080", "like 127.0.0.1:8080, [::1]:8080 or localhost:8080"),
        (
            "http://127.0.0.1:8080",
            "like 127.0.0.1:8080, [::1]:8080 or localhost:8080",
        ),
        (
            "127.0.0.1:0,",
            "like 127.0.0.1:8080, [::1]:8080 or localhost:8080",
        ),
        (
            "[fe80::1]:8080",
            "a link-local address needs the number of its network interface, like [fe80::1%2]:8080",
        ),
        (
            "127.0.0.1:8080,127.0.0.1:8080",
            "--listen 127.0.0.1:8080: the address is given twice; leave out one of them",
        ),
        (
            "192.0.2.1:8080",
            "--listen 192.0.2.1:8080: this host does not have the address; it must be one of its own, like 127.0.0.1",
        ),
    ] {
        let launch = Launch::serve(home.path()).argument(format!("--listen={listen}"));
        let message = launch.assert_fails();
        assert!(message.contains(example), "{listen}: {message}");
    }
    assert_eq!(home.path().read_dir().expect("a directory").count(), 0);
}

#[test]
fn the_demo_data_is_refused_if_one_of_the_addresses_is_public() {
    let home = home();
    let launch = Launch::serve(home.path())
        .argument("--listen=127.0.0.1:0,0.0.0.0:0")
        .seed(DEMO_SEED);
    let message = launch.assert_fails();
    assert!(
        message.contains("--listen 127.0.0.1:0,0.0.0.0:0: other hosts can reach this address"),
        "{message}"
    );
    let serving = Launch::serve(home.path())
        .argument("--listen=127.0.0.1:0,127.0.0.2:0")
        .seed(DEMO_SEED)
        .start();
    serving.stop();
}
