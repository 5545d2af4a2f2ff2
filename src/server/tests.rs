//! What happens around connections, with connections that panic, wait or outlive their thread.

use std::io::{Read, Write};
use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::task::{JoinHandle, spawn_blocking};

use super::*;

/// How long to wait for what must happen. Only a test that fails waits this long.
const PATIENCE: Duration = Duration::from_secs(30);

/// The byte that [`serve_until_closed`] sends.
const SERVED: u8 = b'x';

async fn listen() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("an address");
    (listener, address)
}

fn one_worker() -> Workers {
    Workers::start(NonZeroUsize::new(1)).expect("a thread")
}

fn config(flags: &[&str]) -> Config {
    Config::from_flags(flags).expect("valid settings")
}

/// Sends a byte, and closes when that is requested.
async fn serve_until_closed(mut socket: TcpStream, state: Arc<ConnectionState>) {
    socket.write_all(&[SERVED]).expect("an empty send buffer");
    state.close_requested().await;
}

/// The next byte that the server sends; `None` if it closes the connection.
async fn next_byte(socket: &TcpStream) -> Option<u8> {
    let mut socket = socket.try_clone().expect("a file descriptor");
    socket
        .set_read_timeout(Some(PATIENCE))
        .expect("a timeout may be set");
    let read = spawn_blocking(move || {
        let mut byte = [0];
        let count = socket.read(&mut byte).expect("a byte or the end");
        (count > 0).then_some(byte[0])
    });
    read.await.expect("reading does not panic")
}

async fn connect(address: SocketAddr) -> TcpStream {
    spawn_blocking(move || TcpStream::connect(address).expect("the server listens"))
        .await
        .expect("connecting does not panic")
}

#[tokio::test]
async fn a_connection_that_panics_does_not_count_any_more() {
    let (listener, address) = listen().await;
    let count = AtomicUsize::new(0);
    let serve = move |socket, state| {
        let is_first = count.fetch_add(1, Ordering::Relaxed) == 0;
        async move {
            assert!(!is_first, "the first connection panics");
            serve_until_closed(socket, state).await;
        }
    };
    let config = config(&["--connections-max=1"]);
    let _running: JoinHandle<_> = tokio::spawn(async move {
        accept_and_serve(
            listener,
            one_worker(),
            &config,
            serve,
            std::future::pending(),
        )
        .await
    });
    let first = connect(address).await;
    assert_eq!(next_byte(&first).await, None);
    let second = connect(address).await;
    assert_eq!(next_byte(&second).await, Some(SERVED));
    // The second one is evicted for the third, and not the one that is gone.
    let third = connect(address).await;
    assert_eq!(next_byte(&third).await, Some(SERVED));
    assert_eq!(next_byte(&second).await, None);
}
