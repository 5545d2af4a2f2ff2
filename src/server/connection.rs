//! One connection: hyper on a socket, under our timeouts.

use std::io;
use std::net;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep_until};

use crate::app::App;
use crate::http;
use crate::server::activity::{Activity, Ending};

/// How often within the time for a head, a body or a write a connection's deadline is looked at: it is
/// met within a quarter.
const LOOKS_PER_TIMEOUT: u32 = 4;

/// Serves the requests that come on `socket`, until the client leaves, waits too long or is evicted, or
/// the server stops and the request under way is answered.
pub async fn serve(socket: net::TcpStream, app: Arc<App>, activity: Arc<Activity>) {
    // Answers are small and complete; with a delay each would wait for the last one's receipt.
    let registered = socket
        .set_nodelay(true)
        .and_then(|()| TcpStream::from_std(socket));
    let Ok(socket) = registered else {
        return;
    };
    let config = &app.config;
    let connection = http1::Builder::new()
        .half_close(true)
        .writev(false)
        .max_buf_size(bytes(config.header_size_max))
        .max_headers(config.header_count_max.get())
        .serve_connection(
            TokioIo::new(Watched {
                socket,
                activity: Arc::clone(&activity),
            }),
            service_fn(|request| {
                activity.received_head();
                http::handle(&app, request, &*activity)
            }),
        );
    let mut connection = pin!(connection);
    let mut timer = pin!(sleep_until(Instant::now()));
    let shortest = config.header_timeout.min(config.body_timeout);
    let look_after = shortest.min(config.write_timeout) / LOOKS_PER_TIMEOUT;
    let mut evicted = false;
    loop {
        tokio::select! {
            // The connection nearly always is what woke us.
            biased;
            // A client that breaks off or sends no HTTP is its own business.
            _ = connection.as_mut() => return,
            () = timer.as_mut() => {
                let now = Instant::now();
                let deadline = Instant::from_std(activity.deadline(config));
                let is_over = deadline <= now;
                if is_over && !activity.give_up() {
                    return;
                }
                // An idle connection may turn into a slow one without waking this timer.
                let look_again = now + look_after;
                timer.as_mut().reset(if is_over { look_again } else { deadline.min(look_again) });
            }
            ending = activity.asked() => {
                if ending == Ending::Eviction {
                    // Asked again: its client does not even fetch the answers to earlier requests.
                    if activity.is_receiving() || (evicted && activity.waiting_since().is_some()) {
                        return;
                    }
                    evicted = true;
                }
                connection.as_mut().graceful_shutdown();
            }
        }
    }
}

fn bytes(size: bytesize::ByteSize) -> usize {
    usize::try_from(size.as_u64()).unwrap_or(usize::MAX)
}

/// A socket that tells when bytes come.
struct Watched {
    socket: TcpStream,
    activity: Arc<Activity>,
}

impl AsyncRead for Watched {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let filled = buffer.filled().len();
        ready!(Pin::new(&mut self.socket).poll_read(context, buffer))?;
        if buffer.filled().len() > filled {
            self.activity.received_bytes();
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Watched {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.socket).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_shutdown(context)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.socket).poll_write_vectored(context, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.socket.is_write_vectored()
    }
}
