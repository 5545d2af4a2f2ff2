//! The accept loop, with connections that panic or never end and with worker threads that panic.

use std::future::pending;
use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::num::NonZeroUsize;
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::Notify;
use tokio::task::{JoinHandle, spawn_blocking};
use tokio::time::timeout;

use super::accept_and_serve;
use crate::config::Config;
use crate::logging::warnings::Warnings;
use crate::server::connection_state::ConnectionState;
use crate::server::listener::Listeners;
use crate::server::workers::Workers;

/// How long to wait for what must happen. Only a test that fails waits this long.
const PATIENCE: Duration = Duration::from_secs(30);

/// The byte that [`serve_until_closed`] sends.
const SERVED: u8 = b'x';

async fn listen() -> (Listeners, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("an address");
    (Listeners::new(vec![listener]), address)
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
            &Warnings::default(),
            serve,
            pending(),
        )
        .await
    });
    let first = connect(address).await;
    assert_eq!(next_byte(&first).await, None);
    let second = connect(address).await;
    assert_eq!(next_byte(&second).await, Some(SERVED));
    // The third takes a place beyond the limit. The second one is evicted for the fourth, and not the one that is gone.
    let third = connect(address).await;
    assert_eq!(next_byte(&third).await, Some(SERVED));
    let fourth = connect(address).await;
    assert_eq!(next_byte(&fourth).await, Some(SERVED));
    assert_eq!(next_byte(&second).await, None);
}

/// The error that serving ends with.
async fn error(running: JoinHandle<io::Result<()>>) -> io::Error {
    let ended = timeout(PATIENCE, running).await.expect("serving ends");
    let outcome = ended.expect("serving does not panic");
    outcome.expect_err("it was not stopped")
}

/// Two workers of which one panics when that is requested.
fn fragile_workers(panic_requested: &Arc<Notify>) -> Workers {
    let is_first = AtomicUsize::new(0);
    let dispatch = || {
        let is_fragile = is_first.fetch_add(1, Ordering::Relaxed) == 0;
        let panic_requested = Arc::clone(panic_requested);
        async move {
            if is_fragile {
                panic_requested.notified().await;
                panic!("the dispatcher is broken");
            }
            pending().await
        }
    };
    Workers::start_with(NonZeroUsize::new(2), dispatch).expect("threads")
}

#[tokio::test]
async fn serving_ends_with_the_reason_of_a_worker_thread_that_panics() {
    let (listener, address) = listen().await;
    let panic_requested = Arc::new(Notify::new());
    let workers = fragile_workers(&panic_requested);
    let config = config(&[]);
    let running = tokio::spawn(async move {
        accept_and_serve(
            listener,
            workers,
            &config,
            &Warnings::default(),
            serve_until_closed,
            pending(),
        )
        .await
    });
    let sockets = [connect(address).await, connect(address).await];
    for socket in &sockets {
        assert_eq!(next_byte(socket).await, Some(SERVED));
    }
    panic_requested.notify_one();
    let error = error(running).await.to_string();
    assert_eq!(error, "a worker thread ended: the dispatcher is broken");
    for socket in &sockets {
        assert_eq!(next_byte(socket).await, None);
    }
}

#[tokio::test]
async fn draining_ends_with_the_reason_of_a_worker_thread_that_panics() {
    let (listener, address) = listen().await;
    let panic_requested = Arc::new(Notify::new());
    let workers = fragile_workers(&panic_requested);
    let config = config(&["--drain-timeout=1h"]);
    let (draining, is_draining) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let (shutdown, drained) = (Arc::clone(&draining), Arc::clone(&is_draining));
    let serve = move |mut socket: TcpStream, state: Arc<ConnectionState>| {
        let is_draining = Arc::clone(&is_draining);
        async move {
            socket.write_all(&[SERVED]).expect("an empty send buffer");
            state.close_requested().await;
            is_draining.notify_one();
            pending::<()>().await;
        }
    };
    let running = tokio::spawn(async move {
        let shutdown = async move { shutdown.notified().await };
        accept_and_serve(
            listener,
            workers,
            &config,
            &Warnings::default(),
            serve,
            shutdown,
        )
        .await
    });
    let socket = connect(address).await;
    assert_eq!(next_byte(&socket).await, Some(SERVED));
    draining.notify_one();
    drained.notified().await;
    panic_requested.notify_one();
    let error = error(running).await.to_string();
    assert_eq!(error, "a worker thread ended: the dispatcher is broken");
}

#[tokio::test]
async fn serving_ends_when_the_listener_is_closed() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let listener = listener.into_std().expect("a file descriptor");
    let other = listener.try_clone().expect("a file descriptor");
    let listener = TcpListener::from_std(listener).expect("a runtime");
    let config = config(&[]);
    let running = tokio::spawn(async move {
        accept_and_serve(
            Listeners::new(vec![listener]),
            one_worker(),
            &config,
            &Warnings::default(),
            serve_until_closed,
            pending(),
        )
        .await
    });
    // Closes it for every descriptor; the standard library offers it for streams alone.
    let closed = TcpStream::from(OwnedFd::from(other)).shutdown(Shutdown::Both);
    closed.expect("it is open");
    assert_eq!(error(running).await.kind(), io::ErrorKind::InvalidInput);
}
