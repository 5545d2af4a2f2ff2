//! A raw connection, for requests that no well-behaved client sends.

use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::thread;
use std::time::Duration;

use rustix::net::sockopt::set_socket_recv_buffer_size;

use crate::support::client::assert_request_id;
use crate::support::server::PATIENCE;

/// The time without progress after which a server counts as not reading.
const STUCK_AFTER: Duration = Duration::from_millis(500);

/// A connection of which the test sends every byte itself.
pub struct Wire {
    socket: TcpStream,
    unread: Vec<u8>,
}

impl Wire {
    /// Connects.
    pub fn connect(address: SocketAddr) -> Self {
        let socket = TcpStream::connect(address).expect("the server accepts");
        socket
            .set_read_timeout(Some(PATIENCE))
            .expect("a timeout may be set");
        Self {
            socket,
            unread: Vec::new(),
        }
    }

    /// Sends these bytes.
    #[track_caller]
    pub fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.socket
            .write_all(bytes.as_ref())
            .expect("the server reads");
    }

    /// Sends these bytes to a server that may close the connection before it has read them.
    pub fn offer(&mut self, bytes: impl AsRef<[u8]>) {
        let _ = self.socket.write_all(bytes.as_ref());
    }

    /// Makes room for few bytes of responses, so that those that the test does not read stay in the server.
    pub fn receive_little(&self) {
        self.receive_at_most(4 * 1_024);
    }

    /// Makes room for about this many bytes of responses.
    pub fn receive_at_most(&self, bytes: usize) {
        set_socket_recv_buffer_size(&self.socket, bytes).expect("a size may be set");
    }

    /// Sends these bytes repeatedly until the server stops reading.
    pub fn send_until_stuck(&mut self, bytes: impl AsRef<[u8]>) {
        self.send_until_stuck_for(bytes, STUCK_AFTER);
    }

    /// Sends these bytes repeatedly until the server has read nothing for this long.
    pub fn send_until_stuck_for(&mut self, bytes: impl AsRef<[u8]>, time: Duration) {
        self.socket
            .set_write_timeout(Some(time))
            .expect("a timeout may be set");
        while self.socket.write_all(bytes.as_ref()).is_ok() {}
    }

    /// Sends `drip` byte by byte with a `pause` between them, until the server closes the connection.
    #[track_caller]
    pub fn drip_until_closed(&mut self, drip: &[u8], pause: Duration) {
        self.socket
            .set_read_timeout(Some(pause))
            .expect("a timeout may be set");
        for byte in drip {
            let mut nothing = [0];
            match self.socket.read(&mut nothing) {
                Ok(0) => return,
                Ok(_) => panic!("a response to half a request"),
                Err(error) if is_timeout(error.kind()) => self.offer([*byte]),
                Err(_) => return,
            }
        }
        panic!("the server read {} bytes and is still open", drip.len());
    }

    /// Closes the sending side of the connection.
    pub fn half_close(&self) {
        self.socket
            .shutdown(Shutdown::Write)
            .expect("the connection is open");
    }

    /// The next response.
    #[track_caller]
    pub fn response(&mut self) -> WireResponse {
        self.response_or_close().expect("a response, not a close")
    }

    /// The next response; `None` if the server closed the connection instead.
    #[track_caller]
    pub fn response_or_close(&mut self) -> Option<WireResponse> {
        let end = loop {
            match find(&self.unread, b"\r\n\r\n") {
                Some(end) => break end + 4,
                None if self.receive() => {}
                None => return None,
            }
        };
        let head = self.take(end);
        let mut response = WireResponse {
            status: head[9..12].parse().expect("a status"),
            head,
            body: String::new(),
        };
        let length = response.header("content-length").parse().unwrap_or(0);
        while self.unread.len() < length {
            assert!(
                self.receive(),
                "the server closed in the middle: {response:?}"
            );
        }
        response.body = self.take(length);
        if response.status >= 200 {
            assert_request_id(response.header("x-request-id"));
        }
        Some(response)
    }

    /// Reads `count` bytes of what the server sends, a little at a time and with a `pause` before each read.
    #[track_caller]
    pub fn read_slowly(&mut self, count: usize, pause: Duration) {
        while self.unread.len() < count {
            // That a client may pause is what is tested.
            thread::park_timeout(pause);
            assert!(
                self.receive(),
                "the server closed after {} of {count} bytes",
                self.unread.len()
            );
        }
    }

    /// What the server sends until it closes the connection.
    #[track_caller]
    pub fn rest(&mut self) -> String {
        while self.receive() {}
        self.take(self.unread.len())
    }

    /// Asserts that the server sends nothing more and closes.
    #[track_caller]
    pub fn assert_closed(&mut self) {
        let received = self.receive();
        let text = String::from_utf8_lossy(&self.unread);
        assert!(!received && self.unread.is_empty(), "received {text}");
    }

    /// Whether the server has closed the connection by now. Nothing of what it sends may be left to read.
    pub fn is_closed(&self) -> bool {
        let nonblocking = |is| self.socket.set_nonblocking(is).expect("the socket is open");
        nonblocking(true);
        let peeked = self.socket.peek(&mut [0]);
        nonblocking(false);
        match peeked {
            Ok(count) => count == 0,
            Err(error) => error.kind() != ErrorKind::WouldBlock,
        }
    }

    /// Receives more bytes. Returns `false` if the server closed the connection instead.
    #[track_caller]
    fn receive(&mut self) -> bool {
        let mut bytes = [0; 4_096];
        match self.socket.read(&mut bytes) {
            Ok(count) => {
                self.unread.extend_from_slice(&bytes[..count]);
                count > 0
            }
            Err(error) if is_timeout(error.kind()) => panic!("the server sent nothing in time"),
            Err(_reset) => false,
        }
    }

    fn take(&mut self, count: usize) -> String {
        let taken = self.unread.drain(..count).collect();
        String::from_utf8(taken).expect("a response in UTF-8")
    }
}

fn is_timeout(kind: ErrorKind) -> bool {
    matches!(kind, ErrorKind::WouldBlock | ErrorKind::TimedOut)
}

fn find(bytes: &[u8], pattern: &[u8]) -> Option<usize> {
    bytes
        .windows(pattern.len())
        .position(|window| window == pattern)
}

/// A response as received.
#[derive(Debug)]
pub struct WireResponse {
    /// The status.
    pub status: u16,
    /// The status line and the header.
    pub head: String,
    /// The body.
    pub body: String,
}

impl WireResponse {
    /// A header field's value; empty if it is not there.
    pub fn header(&self, name: &str) -> &str {
        self.head
            .lines()
            .skip(1)
            .filter_map(|line| line.split_once(':'))
            .find(|(field, _)| field.eq_ignore_ascii_case(name))
            .map_or("", |(_, value)| value.trim())
    }
}
