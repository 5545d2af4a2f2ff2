//! The socket of a connection, as hyper sees it.

use std::io;
use std::os::fd::AsFd;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use rustix::net::sockopt::set_socket_linger;
use rustix::net::{RecvFlags, recv};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::app::App;
use crate::http::connection::{Connection, Peer};
use crate::http::protocol::automatic;
use crate::http::protocol::chunks::ChunkSizes;
use crate::server::connection_state::ConnectionState;

/// A socket that records in the connection's state when bytes are received and when none can be sent, and that sends
/// an error like all others where hyper responds by itself.
pub struct ObservedSocket<S: AsFd> {
    socket: S,
    app: Arc<App>,
    state: Arc<ConnectionState>,
    /// What is still to be sent instead of what hyper has written last.
    replacement: Option<Vec<u8>>,
    /// The sizes of the chunks of the request that is received, if its body may be chunked.
    chunks: Option<ChunkSizes>,
    is_local: bool,
    /// Whether the last bytes could not be sent, because the client does not receive them.
    is_write_blocked: bool,
}

impl<S: AsyncRead + AsyncWrite + AsFd + Unpin> ObservedSocket<S> {
    /// The socket of the connection with this state.
    pub fn new(socket: S, app: &Arc<App>, state: &Arc<ConnectionState>) -> Self {
        Self {
            socket,
            app: Arc::clone(app),
            state: Arc::clone(state),
            replacement: None,
            chunks: None,
            is_local: state.peer() == Peer::Local,
            is_write_blocked: false,
        }
    }

    /// Sends the replacement, if there is one.
    fn poll_replacement(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        while let Some(rest) = self.replacement.as_mut().filter(|rest| !rest.is_empty()) {
            let sent = Pin::new(&mut self.socket).poll_write(context, rest);
            if let Poll::Ready(Ok(count)) = sent {
                rest.drain(..count);
            }
            if ready!(self.observe_write(sent))? == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
        }
        Poll::Ready(Ok(()))
    }

    /// Records the outcome of a write where it differs from the one before.
    fn observe_write(&mut self, written: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        if written.is_pending() != self.is_write_blocked {
            self.is_write_blocked = written.is_pending();
            if self.is_write_blocked {
                self.state.on_write_blocked();
            } else {
                self.state.on_write_resumed();
            }
        } else if self.is_local && written.is_ready() {
            // A response can be the progress of something that takes minutes.
            self.state.on_bytes_sent();
        }
        written
    }

    /// Records how many bytes the chunks of the request's body announce, if these are more than most bodies may have.
    /// `received` was just received, as a part of a head or of a body.
    fn observe_chunks(&mut self, received: &[u8], is_of_head: bool) {
        if is_of_head {
            self.chunks = ChunkSizes::begin(received);
        } else if let Some(chunks) = &mut self.chunks {
            chunks.pass(received);
        }
        let size_max = self.app.config.requests.body_size_max as u64;
        if let Some(chunks) = &self.chunks
            && chunks.announced() > size_max
        {
            self.state.on_bytes_announced(chunks.announced());
        }
    }

    /// Whether bytes have been received that were not read yet. The runtime may not know of them yet.
    fn has_unread_bytes(&self) -> bool {
        let flags = RecvFlags::PEEK | RecvFlags::DONTWAIT;
        // A connection that the client has closed, or that failed, has nothing that could be lost.
        recv(&self.socket, &mut [0; 1], flags).is_ok_and(|(count, _)| count > 0)
    }
}

impl<S: AsyncRead + AsyncWrite + AsFd + Unpin> AsyncRead for ObservedSocket<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let filled = buffer.filled().len();
        let read = Pin::new(&mut self.socket).poll_read(context, buffer);
        if read.is_pending() && self.state.is_closing() && !self.has_unread_bytes() {
            self.state.on_socket_empty();
        }
        ready!(read)?;
        if buffer.filled().len() > filled {
            let is_of_head = self.state.on_bytes_received();
            self.observe_chunks(&buffer.filled()[filled..], is_of_head);
        }
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncRead + AsyncWrite + AsFd + Unpin> AsyncWrite for ObservedSocket<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let bytes = match automatic::find(bytes) {
            None => bytes,
            // What is before it is sent first; hyper then passes it alone.
            Some(found) if found.start > 0 => &bytes[..found.start],
            Some(found) => {
                if self.replacement.is_none() {
                    self.replacement = Some(found.replacement(&self.app));
                }
                ready!(self.poll_replacement(context))?;
                return Poll::Ready(Ok(bytes.len()));
            }
        };
        let written = Pin::new(&mut self.socket).poll_write(context, bytes);
        self.observe_write(written)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_shutdown(context)
    }
}

impl<S: AsFd> Drop for ObservedSocket<S> {
    fn drop(&mut self) {
        if self.is_write_blocked {
            // The operating system would keep what was not sent, for minutes, and as often as the client likes.
            let _ = set_socket_linger(&self.socket, Some(Duration::ZERO));
        }
    }
}
