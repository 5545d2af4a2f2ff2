//! The local socket: a Unix socket in the data directory, over which whoever owns the directory administers the server.
//!
//! It serves the same routes as the other listeners, and those for local connections alone. A request without an access
//! token has the authority of the local operator: the mode of the socket keeps others away.

use std::ffi::OsStr;
use std::future::Future;
use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net;
use std::path::{Path, PathBuf};
use std::pin::pin;
use std::sync::Arc;
use std::time::Instant;

use rustix::fs::{AtFlags, FileType, Mode, OFlags, fchmod, open, statat, unlinkat};
use rustix::io::Errno;
use rustix::net::{
    AddressFamily, SocketAddrUnix, SocketFlags, SocketType, bind, connect, listen, socket_with,
};
use tokio::net::{UnixListener, UnixStream};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use crate::app::App;
use crate::http::connection::Peer;
use crate::server::connections::Connections;
use crate::server::{ACCEPT_PAUSE, connection, log_panic};

/// The socket's name in the data directory.
pub const SOCKET: &str = "rememberd.sock";

/// How many connections are open at once: administration needs few.
const CONNECTIONS_MAX: usize = 8;

/// How many connections the operating system holds until they are accepted.
const BACKLOG: i32 = 16;

/// Only the owner may connect, which takes the permission to write.
const MODE: Mode = Mode::RUSR.union(Mode::WUSR);

/// The socket in a data directory, which is removed when this is dropped.
#[derive(Debug)]
pub struct LocalSocket {
    directory: OwnedFd,
}

impl LocalSocket {
    /// Listens in the directory at `data_dir`, an absolute path, which this process has locked: a socket that is there
    /// is of a process that was killed, and is replaced.
    ///
    /// # Errors
    ///
    /// Of the operating system: the file system may have no sockets; and if something else has the socket's name.
    pub fn bind(data_dir: &Path) -> io::Result<(Self, UnixListener)> {
        let directory = open_directory(data_dir)?;
        match statat(&directory, SOCKET, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(found) if FileType::from_raw_mode(found.st_mode) == FileType::Socket => {
                unlinkat(&directory, SOCKET, AtFlags::empty())?;
            }
            Ok(_) => return Err(Errno::EXIST.into()),
            Err(Errno::NOENT) => {}
            Err(error) => return Err(error.into()),
        }
        let socket = stream_socket()?;
        // The file gets the mode that the socket has when it is bound, so that there is no moment with another one.
        fchmod(&socket, MODE)?;
        bind(&socket, &address(&directory, data_dir)?)?;
        let this = Self { directory };
        listen(&socket, BACKLOG)?;
        let listener = UnixListener::from_std(net::UnixListener::from(socket))?;
        Ok((this, listener))
    }
}

impl Drop for LocalSocket {
    fn drop(&mut self) {
        // It may have been removed with its directory.
        let _ = unlinkat(&self.directory, SOCKET, AtFlags::empty());
    }
}

/// Connects to the server that uses the data directory at `data_dir`, an absolute path.
///
/// # Errors
///
/// Of the operating system: [`io::ErrorKind::NotFound`] or [`io::ErrorKind::ConnectionRefused`] if none listens,
/// [`io::ErrorKind::PermissionDenied`] for another user than the owner.
pub fn connect_to(data_dir: &Path) -> io::Result<UnixStream> {
    let directory = open_directory(data_dir)?;
    let socket = stream_socket()?;
    connect(&socket, &address(&directory, data_dir)?)?;
    UnixStream::from_std(net::UnixStream::from(socket))
}

fn open_directory(path: &Path) -> io::Result<OwnedFd> {
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    Ok(open(path, flags, Mode::empty())?)
}

fn stream_socket() -> io::Result<OwnedFd> {
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    Ok(socket_with(
        AddressFamily::UNIX,
        SocketType::STREAM,
        flags,
        None,
    )?)
}

/// The address of the socket in `directory`, which is at `path`. Where the path is longer than an address may be, it
/// leads through the descriptor of the directory.
fn address(directory: &OwnedFd, path: &Path) -> io::Result<SocketAddrUnix> {
    let direct = SocketAddrUnix::new(path.join(SOCKET).as_os_str().as_bytes());
    if let Ok(address) = direct {
        return Ok(address);
    }
    let number = directory.as_raw_fd().to_string();
    let through: PathBuf = ["/proc/self/fd", &number, SOCKET].iter().collect();
    let through: &OsStr = through.as_os_str();
    Ok(SocketAddrUnix::new(through.as_bytes())?)
}

/// Serves connections to the local socket until `shutdown` completes, then finishes the requests that are being
/// handled, for at most the configured time. All of it is done by the thread that polls this: it takes nothing from
/// those that serve other connections.
pub(super) async fn serve(
    listener: UnixListener,
    app: Arc<App>,
    shutdown: impl Future<Output = ()>,
) {
    let connections = Connections::new(CONNECTIONS_MAX);
    let mut tasks = JoinSet::new();
    let mut shutdown = pin!(shutdown);
    loop {
        let next = async {
            let socket = accept(&listener, &app).await;
            (socket, connections.open(Peer::Local).await)
        };
        let (socket, connection) = tokio::select! {
            () = &mut shutdown => break,
            next = next => next,
        };
        while let Some(ended) = tasks.try_join_next() {
            log_panic(ended);
        }
        let state = Arc::clone(&connection.state);
        let served = connection::serve_registered(socket, Arc::clone(&app), state);
        tasks.spawn(async move {
            // Dropped after the socket, also by a panic.
            let _connection = connection;
            served.await;
        });
    }
    drop(listener);
    connections.stop();
    let drained = async {
        while let Some(ended) = tasks.join_next().await {
            log_panic(ended);
        }
    };
    // What does not finish in time is aborted with the tasks.
    let _ = timeout(app.config.connections.finish_timeout(), drained).await;
}

async fn accept(listener: &UnixListener, app: &App) -> UnixStream {
    loop {
        match listener.accept().await {
            Ok((socket, _)) => return socket,
            Err(error) => {
                app.warnings.accept_failed(&error, Instant::now());
                sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

/// Serves one connection of this process to itself until `socket` is closed.
pub async fn serve_own(socket: UnixStream, app: Arc<App>) {
    let connection = Connections::new(CONNECTIONS_MAX).open(Peer::Local).await;
    connection::serve_registered(socket, app, Arc::clone(&connection.state)).await;
}
