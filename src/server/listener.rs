//! The sockets that connections are accepted on.

use std::future::poll_fn;
use std::io;
use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::task::Poll;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::net::sockopt::set_ipv6_v6only;
use tokio::net::{TcpListener, TcpSocket, TcpStream, UnixListener};

use crate::config::listen_address::ListenAddress;

/// Sockets that connections are accepted on.
pub struct Listeners {
    sockets: Vec<TcpListener>,
    /// The local socket, which is served beside these.
    local: Option<UnixListener>,
    /// The one to be asked first for the next connection, so that none keeps others from being asked.
    next: usize,
}

/// Why an address cannot be listened on.
#[derive(Debug)]
pub struct ListenError {
    /// The address.
    pub address: SocketAddr,
    /// The reason.
    pub error: io::Error,
}

impl Listeners {
    /// Listens on these, where the operating system holds `backlog` connections until they are accepted. Of the
    /// addresses of a name, those that this host does not have are left out.
    ///
    /// # Errors
    ///
    /// If an address cannot be listened on, or none of those of a name.
    pub fn bind(listen: &[ListenAddress], backlog: NonZeroUsize) -> Result<Self, ListenError> {
        let all: Vec<SocketAddr> = listen
            .iter()
            .flat_map(ListenAddress::addresses)
            .copied()
            .collect();
        let mut sockets = Vec::new();
        let mut bound = Vec::new();
        for named in listen {
            let before = sockets.len();
            let mut missing = None;
            for &address in named.addresses() {
                if address.port() != 0 && bound.contains(&address) {
                    continue;
                }
                match bind(address, &all, backlog) {
                    Ok(socket) => {
                        sockets.push(socket);
                        bound.push(address);
                    }
                    Err(error) if is_missing(&error) => {
                        missing = Some(ListenError { address, error })
                    }
                    Err(error) => return Err(ListenError { address, error }),
                }
            }
            if let Some(error) = missing.filter(|_| sockets.len() == before) {
                return Err(error);
            }
        }
        Ok(Self::new(sockets))
    }

    /// These sockets.
    pub fn new(sockets: Vec<TcpListener>) -> Self {
        Self {
            sockets,
            local: None,
            next: 0,
        }
    }

    /// The same, and the local socket.
    pub fn with_local(self, local: UnixListener) -> Self {
        Self {
            local: Some(local),
            ..self
        }
    }

    /// Takes the local socket, if there is one.
    pub fn take_local(&mut self) -> Option<UnixListener> {
        self.local.take()
    }

    /// The addresses, with the ports that the operating system has chosen.
    ///
    /// # Errors
    ///
    /// If the operating system does not return them.
    pub fn addresses(&self) -> io::Result<Vec<SocketAddr>> {
        self.sockets.iter().map(TcpListener::local_addr).collect()
    }

    /// The next connection, and the address that it comes from.
    ///
    /// # Errors
    ///
    /// Those of the operating system.
    pub async fn accept(&mut self) -> io::Result<(TcpStream, SocketAddr)> {
        poll_fn(|context| {
            for _ in 0..self.sockets.len() {
                let socket = &self.sockets[self.next];
                self.next = (self.next + 1) % self.sockets.len();
                let accepted = socket.poll_accept(context);
                if accepted.is_ready() {
                    return accepted;
                }
            }
            Poll::Pending
        })
        .await
    }

    /// Whether a connection is waiting to be accepted, or a socket has failed. Without a file descriptor for it,
    /// accepting fails also if none is waiting.
    pub fn has_waiting(&self) -> bool {
        let sockets = self.sockets.iter();
        let mut polled: Vec<PollFd<'_>> = sockets
            .map(|socket| PollFd::new(socket, PollFlags::IN))
            .collect();
        poll(&mut polled, Some(&Timespec::default())).is_ok_and(|ready| ready > 0)
    }
}

fn bind(address: SocketAddr, all: &[SocketAddr], backlog: NonZeroUsize) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() {
        TcpSocket::new_v4()?
    } else {
        TcpSocket::new_v6()?
    };
    // Without it, the addresses of the connections of a server that was stopped just now are in use.
    socket.set_reuseaddr(true)?;
    let is_twin = |other: &SocketAddr| {
        other.is_ipv4() && other.ip().is_unspecified() && other.port() == address.port()
    };
    if address.is_ipv6() && address.ip().is_unspecified() && all.iter().any(is_twin) {
        // It would receive the connections over IPv4 too, and the other address would be in use.
        set_ipv6_v6only(&socket, true)?;
    }
    socket.bind(address)?;
    socket.listen(u32::try_from(backlog.get()).unwrap_or(u32::MAX))
}

/// Whether this host does not have the address.
fn is_missing(error: &io::Error) -> bool {
    let missing = [Errno::ADDRNOTAVAIL, Errno::AFNOSUPPORT];
    Errno::from_io_error(error).is_some_and(|error| missing.contains(&error))
}
