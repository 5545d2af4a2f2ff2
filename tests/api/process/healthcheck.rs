//! `rememberd healthcheck`.

use std::io::{ErrorKind, Read, Write};
use std::net::TcpListener;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use rustix::process::Signal;
use tempfile::TempDir;

use crate::support::process::{DEMO_SEED, Ended, Launch};

fn healthcheck(home: &TempDir, arguments: &[&str]) -> Ended {
    let launch = Launch::new(&["healthcheck", "--data-dir"]).argument(home.path());
    let launch = arguments
        .iter()
        .fold(launch, |launch, argument| launch.argument(argument));
    launch.run()
}

#[track_caller]
fn assert_outcome(ended: &Ended, code: i32, stdout: &str) {
    assert_eq!(ended.status.code(), Some(code), "{ended:?}");
    assert_eq!(ended.stdout, stdout, "{ended:?}");
}

#[test]
fn a_server_is_asked_over_its_socket_or_at_an_address() {
    let home = TempDir::new().expect("a temporary directory");
    assert_outcome(&healthcheck(&home, &[]), 3, "");
    let serving = Launch::serve(home.path()).seed(DEMO_SEED).start();
    assert_outcome(&healthcheck(&home, &[]), 0, "ready\n");
    for path in ["", "/", "/crafter-profile"] {
        let url = format!("http://{}{path}", serving.address);
        assert_outcome(&healthcheck(&home, &["--url", &url]), 0, "ready\n");
    }
    for path in ["health/ready", "crafter-profile/health/live/"] {
        let url = format!("http://{}/{path}", serving.address);
        let refused = healthcheck(&home, &["--url", &url]);
        assert_outcome(&refused, 2, "");
        let expected = "it must be the URL of the server";
        assert!(refused.stderr.contains(expected), "{refused:?}");
    }
    serving.signal(Signal::STOP);
    let hanging = healthcheck(&home, &["--timeout", "200ms"]);
    serving.signal(Signal::CONT);
    assert_outcome(&hanging, 3, "");
    let url = format!("http://{}", serving.address);
    serving.stop();
    let stopped = healthcheck(&home, &["--url", &url]);
    assert_outcome(&stopped, 3, "");
    // Nothing was sent.
    let expected = ": no server can be reached: Connection refused";
    assert!(stopped.stderr.contains(expected), "{stopped:?}");
    assert!(!stopped.stderr.contains("outcome"), "{stopped:?}");
    assert_outcome(&healthcheck(&home, &["--url", "localhost:8080"]), 2, "");
    assert_outcome(&healthcheck(&home, &["--url", "https://localhost"]), 2, "");
}

#[test]
fn a_server_that_is_not_ready_is_unhealthy() {
    let home = TempDir::new().expect("a temporary directory");
    let mut serving = Launch::serve(home.path()).seed(DEMO_SEED).start();
    let database = home.path().join("rememberd.redb");
    std::fs::rename(&database, home.path().join("moved")).expect("it is there");
    serving.wait_for_log("it was moved");
    assert_outcome(&healthcheck(&home, &[]), 1, "not ready: storage\n");
    std::fs::rename(home.path().join("moved"), &database).expect("it is there");
}

/// A server of something else, which sends `chunk` until the client is gone, with a pause after each. Its URL.
fn endless(chunk: Vec<u8>, pause: Duration) -> (String, JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("it is bound");
    let serving = thread::spawn(move || {
        let (mut client, _) = listener.accept().expect("a client comes");
        let _ = client.read(&mut [0; 1_024]).expect("it sends a request");
        let mut send = || {
            client.write_all(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")?;
            loop {
                write!(client, "{:x}\r\n", chunk.len())?;
                client.write_all(&chunk)?;
                client.write_all(b"\r\n")?;
                thread::park_timeout(pause);
            }
        };
        let ended: std::io::Result<()> = send();
        let kind = ended.expect_err("it never ends").kind();
        let is_gone = [ErrorKind::BrokenPipe, ErrorKind::ConnectionReset].contains(&kind);
        assert!(is_gone, "{kind}");
    });
    (format!("http://{address}"), serving)
}

#[test]
fn a_response_that_never_ends_is_not_waited_for() {
    let home = TempDir::new().expect("a temporary directory");
    let cases = [
        (
            b" ".to_vec(),
            Duration::from_millis(20),
            "1s",
            "does not answer within 1s",
        ),
        (
            vec![b' '; 1 << 16],
            Duration::ZERO,
            "1h",
            "longer than 1 MiB",
        ),
    ];
    for (chunk, pause, timeout, expected) in cases {
        let (url, serving) = endless(chunk, pause);
        let ended = healthcheck(&home, &["--url", &url, "--timeout", timeout]);
        assert_outcome(&ended, 3, "");
        assert!(ended.stderr.contains(expected), "{ended:?}");
        serving.join().expect("the client has gone");
    }
}
