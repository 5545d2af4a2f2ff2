//! The bytes of a connection to the server, of which there are no more than responses have.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use lettre::transport::smtp::client::AsyncTokioStream;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

/// The most bytes that are received between two that are sent: several times what a response or the certificates of a
/// server take.
const RECEIVED_MAX: usize = 32 << 10;

/// The bytes that are received at once.
const BUFFER_BYTES: usize = 4 << 10;

/// A connection to the server.
///
/// The library reads a line up to its end, however far that is, and forgets nothing that it has received before the
/// connection is encrypted. So what comes without an end is an error here; and what follows a line is not read with it:
/// it would else be taken for a response that came encrypted, though anybody on the way may have added it.
pub struct ServerStream {
    tcp: TcpStream,
    buffer: Box<[u8; BUFFER_BYTES]>,
    /// The part of `buffer` that was received and not read yet.
    unread: std::ops::Range<usize>,
    /// How many bytes were received since something was sent.
    received: usize,
}

impl ServerStream {
    /// The stream of a connection that was opened just now.
    pub fn new(tcp: TcpStream) -> Self {
        Self {
            tcp,
            buffer: Box::new([0; BUFFER_BYTES]),
            unread: 0..0,
            received: 0,
        }
    }
}

impl AsyncRead for ServerStream {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if this.unread.is_empty() {
            let mut buffer = ReadBuf::new(&mut *this.buffer);
            ready!(Pin::new(&mut this.tcp).poll_read(context, &mut buffer))?;
            this.unread = 0..buffer.filled().len();
            this.received += this.unread.len();
            if this.received > RECEIVED_MAX {
                let error = format!("it sent more than {RECEIVED_MAX} bytes without being asked");
                return Poll::Ready(Err(io::Error::other(error)));
            }
        }
        let unread = &this.buffer[this.unread.clone()];
        let line = unread.iter().position(|&byte| byte == b'\n');
        let length = line
            .map_or(unread.len(), |end| end + 1)
            .min(into.remaining());
        into.put_slice(&unread[..length]);
        this.unread.start += length;
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for ServerStream {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        this.received = 0;
        Pin::new(&mut this.tcp).poll_write(context, bytes)
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().tcp).poll_flush(context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().tcp).poll_shutdown(context)
    }
}

impl AsyncTokioStream for ServerStream {
    fn peer_addr(&self) -> io::Result<SocketAddr> {
        self.tcp.peer_addr()
    }
}

impl fmt::Debug for ServerStream {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("ServerStream(..)")
    }
}
