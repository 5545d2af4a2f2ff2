//! One connection: hyper on a socket, with timeouts.

use std::net;
use std::pin::pin;
use std::sync::Arc;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep_until};

use crate::app::App;
use crate::http;
use crate::server::connection_state::{CloseReason, ConnectionState};
use crate::server::observed_socket::ObservedSocket;

/// The number of times that a deadline is checked within the shortest timeout: a timeout takes effect at
/// most a quarter too late.
const CHECKS_PER_TIMEOUT: u32 = 4;

/// Serves the requests on `socket` until the client closes it, a timeout is exceeded or a close is requested
/// of `state`.
pub async fn serve(socket: net::TcpStream, app: Arc<App>, state: Arc<ConnectionState>) {
    // A response is small and written as a whole; Nagle's algorithm would delay it.
    let registered = socket
        .set_nodelay(true)
        .and_then(|()| TcpStream::from_std(socket));
    let socket = match registered {
        Ok(socket) => socket,
        Err(error) => {
            tracing::warn!(%error, "a connection could not be served");
            return;
        }
    };
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
    let mut timer = pin!(sleep_until(Instant::now()));
    let shortest = config
        .requests
        .header_timeout
        .min(config.requests.body_timeout);
    let check_interval = shortest.min(config.requests.write_timeout) / CHECKS_PER_TIMEOUT;
    let mut was_evicted = false;
    loop {
        tokio::select! {
            // The connection is the most frequent reason for a wake-up.
            biased;
            // An error here is a client that disconnects or does not speak HTTP.
            _ = connection.as_mut() => return,
            () = timer.as_mut() => {
                let now = Instant::now();
                let deadline = Instant::from_std(state.deadline(config));
                let is_overdue = deadline <= now;
                if is_overdue && !state.time_out() {
                    return;
                }
                // An idle connection may begin a request, with a shorter timeout, without resetting this
                // timer.
                let next_check = now + check_interval;
                let next = if is_overdue { next_check } else { deadline.min(next_check) };
                timer.as_mut().reset(next);
            }
            reason = state.close_requested() => {
                if reason == CloseReason::Eviction {
                    // On the second request the client does not even read the responses that it was sent.
                    let is_stuck = was_evicted && state.waiting_since().is_some();
                    if state.is_receiving() || is_stuck {
                        return;
                    }
                    was_evicted = true;
                }
                connection.as_mut().graceful_shutdown();
            }
        }
    }
}
