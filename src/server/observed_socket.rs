//! The socket of a connection, as hyper sees it.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

use crate::app::App;
use crate::http::automatic;
use crate::server::connection_state::ConnectionState;

/// A socket that records in the connection's state when bytes are received, and that sends an error like all others
/// where hyper responds by itself.
pub struct ObservedSocket {
    socket: TcpStream,
    app: Arc<App>,
    state: Arc<ConnectionState>,
    /// What is still to be sent instead of what hyper has written last.
    replacement: Option<Vec<u8>>,
}

impl ObservedSocket {
    /// The socket of the connection with this state.
    pub fn new(socket: TcpStream, app: &Arc<App>, state: &Arc<ConnectionState>) -> Self {
        Self {
            socket,
            app: Arc::clone(app),
            state: Arc::clone(state),
            replacement: None,
        }
    }

    /// Sends the replacement, if there is one.
    fn poll_replacement(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        while let Some(rest) = self.replacement.as_mut().filter(|rest| !rest.is_empty()) {
            let sent = ready!(Pin::new(&mut self.socket).poll_write(context, rest))?;
            if sent == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            rest.drain(..sent);
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncRead for ObservedSocket {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let filled = buffer.filled().len();
        ready!(Pin::new(&mut self.socket).poll_read(context, buffer))?;
        if buffer.filled().len() > filled {
            self.state.on_bytes_received();
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for ObservedSocket {
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
        Pin::new(&mut self.socket).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_shutdown(context)
    }
}
