//! One connection: hyper on a socket, with timeouts.

use std::future::{Future, poll_fn};
use std::net;
use std::os::fd::AsFd;
use std::pin::pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use rustix::net::sockopt::set_socket_send_buffer_size;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::sleep_until;

use crate::app::App;
use crate::http;
use crate::http::connection::Connection;
use crate::server::connection_state::ConnectionState;
use crate::server::observed_socket::ObservedSocket;

/// The number of times that a deadline is checked within the shortest timeout: a timeout takes effect at
/// most a quarter too late.
const CHECKS_PER_TIMEOUT: u32 = 4;

/// How often it is checked whether a connection can be closed for which that is requested.
const CLOSING_CHECK_INTERVAL: Duration = Duration::from_millis(20);

/// The operating system's buffer for responses; Linux takes twice as much. Its default is megabytes, of which a client
/// has to read a third before the server notices that it reads at all, and which count nowhere as memory of the server.
const SEND_BUFFER_BYTES: usize = 64 << 10;

/// Serves the requests on `socket` until the client closes it, a timeout is exceeded or a close is requested
/// of `state`.
pub async fn serve(socket: net::TcpStream, app: Arc<App>, state: Arc<ConnectionState>) {
    let _counted = app.metrics.connections.open();
    // A response is small and written as a whole; Nagle's algorithm would delay it.
    let registered = socket
        .set_nodelay(true)
        .and_then(|()| Ok(set_socket_send_buffer_size(&socket, SEND_BUFFER_BYTES)?))
        .and_then(|()| TcpStream::from_std(socket));
    match registered {
        Ok(socket) => serve_registered(socket, Arc::clone(&app), state).await,
        Err(error) => tracing::warn!(%error, "a connection could not be served"),
    }
}

/// As [`serve`], on a socket of this thread's runtime.
pub async fn serve_registered<S>(socket: S, app: Arc<App>, state: Arc<ConnectionState>)
where
    S: AsyncRead + AsyncWrite + AsFd + Unpin,
{
    let config = &app.config;
    let connection = http1::Builder::new()
        .half_close(true)
        .writev(false)
        .max_buf_size(config.requests.header_size_max)
        .max_headers(config.requests.header_count_max.get())
        .serve_connection(
            TokioIo::new(ObservedSocket::new(socket, &app, &state)),
            service_fn(|request| http::handle(&app, request, &*state)),
        );
    let mut connection = pin!(connection);
    let mut timer = pin!(sleep_until(tokio::time::Instant::now()));
    let shortest = config
        .requests
        .header_timeout
        .min(config.requests.body_timeout)
        .min(config.attachments.upload_timeout);
    let check_interval = shortest.min(config.requests.write_timeout) / CHECKS_PER_TIMEOUT;
    loop {
        tokio::select! {
            // The connection is the most frequent reason for a wake-up, and when a close is requested, it finds out
            // whether its socket is empty.
            biased;
            // An error here is a client that disconnects or does not speak HTTP.
            _ = poll_fn(|context| {
                state.on_turn();
                connection.as_mut().poll(context)
            }) => return,
            () = timer.as_mut() => {}
            () = state.close_requested() => {}
        }
        let now = Instant::now();
        let deadline = state.deadline(config);
        let is_overdue = deadline <= now;
        if is_overdue && !state.time_out() || state.can_close(now) {
            return;
        }
        // An idle connection may begin a request, with a shorter timeout, without resetting this timer.
        let mut next = now + check_interval;
        if state.is_closing() {
            next = next.min(now + CLOSING_CHECK_INTERVAL);
        }
        if !is_overdue {
            next = next.min(deadline);
        }
        timer.as_mut().reset(next.into());
    }
}
