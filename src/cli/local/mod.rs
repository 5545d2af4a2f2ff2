//! The server that uses a data directory, as the commands of its operator reach it: over its local socket or, if none
//! runs, in this process, which then opens the database as a server does. So each command is written once, against
//! HTTP.

pub mod call;
mod own_server;
mod request_body;
pub mod settings;

use std::fmt::Display;
use std::future::pending;
use std::io::{self, ErrorKind};
use std::path::Path;
use std::pin::pin;
use std::time::Duration;

use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper::header::{CONNECTION, HOST, HeaderValue};
use hyper::{Method, Request, Response, Uri};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep};

use crate::cli::command::{NO_CONNECTION, NOT_DONE};
use crate::cli::error::CommandError;
use crate::cli::local::own_server::OwnServer;
use crate::cli::local::request_body::RequestBody;
use crate::cli::local::settings::LocalSettings;
use crate::cli::owner::other_owner;
use crate::cli::process::runtime::runtime;
use crate::cli::process::signals::Signals;
use crate::error::describe;
use crate::server::local::{SOCKET, connect_to};

/// How long a server may take to listen after it has locked the data directory, and to give it free after it has
/// stopped listening.
const CHANGE_MAX: Duration = Duration::from_secs(5);

/// How long a server of this process may take to close its database once a signal has ended the work.
const CLOSE_MAX: Duration = Duration::from_secs(30);

/// The endpoints of the health of a server.
const HEALTH: [&str; 2] = ["/health/live", "/health/ready"];

/// How long to wait between two attempts to find a server or a free data directory.
const ATTEMPT_PAUSE: Duration = Duration::from_millis(50);

/// The server that uses a data directory.
pub struct LocalServer {
    at: At,
    settings: LocalSettings,
}

enum At {
    /// Another process, which listens on the socket.
    Socket,
    /// Another process, at this address and below this path.
    Address { host: String, path: String },
    /// This process.
    Own(Box<OwnServer>),
}

impl LocalServer {
    /// Does `work` with the server that uses the data directory, or with one of this process if none does, whose
    /// database is closed in the end. A signal ends the work.
    ///
    /// # Errors
    ///
    /// If there is neither; what the work fails with; if the files of the database were moved meanwhile.
    pub fn with<T>(
        settings: LocalSettings,
        work: impl AsyncFnOnce(&Self) -> Result<T, CommandError>,
    ) -> Result<T, CommandError> {
        let runtime = runtime()?;
        let done = runtime.block_on(async {
            let server = Self::connect(settings).await?;
            let done = until_signal(work(&server)).await;
            let closed = server.close().await;
            let done = done?;
            closed?;
            Ok(done)
        });
        // A thread may still ask a person for an answer that is of no use any more.
        runtime.shutdown_background();
        done
    }

    /// Finds the server that uses the data directory, or opens the database if none does.
    ///
    /// # Errors
    ///
    /// If neither is possible.
    async fn connect(settings: LocalSettings) -> Result<Self, CommandError> {
        let began = Instant::now();
        loop {
            let error = match connect_to(&settings.data_dir) {
                Ok(_) => {
                    let at = At::Socket;
                    return Ok(Self { at, settings });
                }
                Err(error) if error.kind() == ErrorKind::PermissionDenied => {
                    return Err(not_owner(&settings));
                }
                Err(error) => error,
            };
            require_owner(&settings)?;
            if let Some(own) = OwnServer::start(&settings).await? {
                let at = At::Own(Box::new(own));
                return Ok(Self { at, settings });
            }
            // It may have been about to listen, or is about to end.
            if began.elapsed() >= CHANGE_MAX {
                let socket = settings.data_dir.join(SOCKET);
                let cause = format!(
                    "a server uses the directory and does not listen on {}: {}; it may be stopping, of an earlier \
                     version, or on another host",
                    socket.display(),
                    describe(&error)
                );
                return Err(no_connection(&settings, cause));
            }
            sleep(ATTEMPT_PAUSE).await;
        }
    }

    /// The server that uses the data directory, which must run.
    ///
    /// # Errors
    ///
    /// If none does.
    pub fn running(settings: LocalSettings) -> Result<Self, CommandError> {
        match connect_to(&settings.data_dir) {
            Ok(_) => Ok(Self {
                at: At::Socket,
                settings,
            }),
            Err(error) if error.kind() == ErrorKind::PermissionDenied => Err(not_owner(&settings)),
            Err(error) => {
                let socket = settings.data_dir.join(SOCKET);
                let cause = format!(
                    "no server listens on {}: {}",
                    socket.display(),
                    describe(&error)
                );
                Err(no_connection(&settings, cause))
            }
        }
    }

    /// The server at `url`, which speaks plain HTTP.
    ///
    /// # Errors
    ///
    /// If it is no such URL, or that of an endpoint of its health.
    pub fn at_url(url: &str, settings: LocalSettings) -> Result<Self, CommandError> {
        let uri: Option<Uri> = url.parse().ok();
        let uri = uri.filter(|uri| uri.scheme_str() == Some("http") && uri.query().is_none());
        let parts = uri
            .as_ref()
            .and_then(|uri| Some((uri.authority()?, uri.path())));
        let Some((authority, path)) = parts else {
            let text = format!("--url {url}: it must be like http://127.0.0.1:8080");
            return Err(CommandError::from(text).with_exit_code(NOT_DONE));
        };
        let host = match authority.port_u16() {
            Some(_) => authority.to_string(),
            None => format!("{authority}:80"),
        };
        let path = path.trim_end_matches('/').to_owned();
        if let Some(endpoint) = HEALTH.iter().find(|endpoint| path.ends_with(*endpoint)) {
            let text = format!(
                "--url {url}: it must be the URL of the server, like http://127.0.0.1:8080, with its context path if it \
                 has one and without {endpoint}"
            );
            return Err(CommandError::from(text).with_exit_code(NOT_DONE));
        }
        let at = At::Address { host, path };
        Ok(Self { at, settings })
    }

    /// Whether it is in this process, so that nobody else uses it.
    pub fn is_own(&self) -> bool {
        matches!(self.at, At::Own(_))
    }

    /// The data directory that it uses, unless it is known by its address alone.
    pub fn data_dir(&self) -> &Path {
        &self.settings.data_dir
    }

    /// What the server says of its health.
    ///
    /// # Errors
    ///
    /// If it does not answer, or does not say anything.
    pub async fn health(&self) -> Result<Value, CommandError> {
        let path = match &self.at {
            At::Address { path, .. } => path,
            At::Socket | At::Own(_) => "",
        };
        self.document(&format!("{path}/health/ready")).await
    }

    /// Sends a request and returns the head of its response. A request has a connection of its own, so that none is
    /// kept open while a person is asked.
    ///
    /// # Errors
    ///
    /// If the server does not answer.
    pub async fn send(
        &self,
        mut request: Request<RequestBody>,
    ) -> Result<Response<Incoming>, CommandError> {
        let method = request.method().clone();
        let mut progress = request.body().progress();
        let headers = request.headers_mut();
        let host = match &self.at {
            At::Address { host, .. } => HeaderValue::from_str(host),
            At::Socket | At::Own(_) => Ok(HeaderValue::from_static("localhost")),
        };
        headers.insert(HOST, host.expect("it was parsed as a part of a URL"));
        headers.insert(CONNECTION, HeaderValue::from_static("close"));
        let sent = async {
            let unreachable = |error| self.unreachable(&error);
            match &self.at {
                At::Socket => {
                    let stream = connect_to(&self.settings.data_dir).map_err(unreachable)?;
                    self.send_over(stream, request).await
                }
                At::Address { host, .. } => {
                    let stream = TcpStream::connect(host).await.map_err(unreachable)?;
                    self.send_over(stream, request).await
                }
                At::Own(own) => {
                    let stream = own.open().map_err(unreachable)?;
                    self.send_over(stream, request).await
                }
            }
        };
        let mut sent = pin!(sent);
        loop {
            tokio::select! {
                response = &mut sent => return response,
                // While its body goes out, it is not the server that is waited for.
                Ok(()) = progress.changed() => {}
                () = self.time_limit() => return Err(self.timed_out(&method)),
            }
        }
    }

    /// Waits for as long as the server may take for its next step. One of this process may take as long as it does: a
    /// signal ends the command.
    async fn time_limit(&self) {
        match &self.at {
            At::Own(_) => pending().await,
            At::Socket | At::Address { .. } => sleep(self.settings.timeout).await,
        }
    }

    /// Ends a server of this process.
    async fn close(self) -> Result<(), CommandError> {
        match self.at {
            At::Socket | At::Address { .. } => Ok(()),
            At::Own(own) => own.stop().await,
        }
    }

    async fn send_over<S>(
        &self,
        stream: S,
        request: Request<RequestBody>,
    ) -> Result<Response<Incoming>, CommandError>
    where
        S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        let method = request.method().clone();
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream))
            .await
            .map_err(|error| self.failed(&method, error))?;
        // It ends with the response.
        tokio::spawn(connection);
        let response = sender.send_request(request).await;
        response.map_err(|error| self.failed(&method, error))
    }

    /// Nothing was sent.
    fn unreachable(&self, error: &io::Error) -> CommandError {
        self.no_answer(format!("no server can be reached: {}", describe(error)))
    }

    fn failed(&self, method: &Method, cause: impl Display) -> CommandError {
        let outcome = outcome(method);
        self.no_answer(format!("the server ended the connection: {cause}{outcome}"))
    }

    fn timed_out(&self, method: &Method) -> CommandError {
        let seconds = humantime::format_duration(self.settings.timeout);
        let outcome = outcome(method);
        self.no_answer(format!(
            "the server does not answer within {seconds}{outcome}"
        ))
    }

    fn too_long(&self, bytes_max: usize) -> CommandError {
        let size = bytes_max >> 20;
        self.no_answer(format!("the response is longer than {size} MiB"))
    }

    fn no_answer(&self, cause: String) -> CommandError {
        match &self.at {
            At::Address { host, .. } => {
                CommandError::new(host, cause).with_exit_code(NO_CONNECTION)
            }
            At::Socket | At::Own(_) => no_connection(&self.settings, cause),
        }
    }
}

/// What a request by this method may have changed, if nothing is known of its response.
fn outcome(method: &Method) -> &'static str {
    if method.is_safe() {
        ""
    } else {
        "; the outcome is unknown"
    }
}

/// Does `work` until a signal requests a stop.
async fn until_signal<T>(
    work: impl Future<Output = Result<T, CommandError>>,
) -> Result<T, CommandError> {
    let signals = Signals::new(CLOSE_MAX);
    let mut signals = signals.map_err(|error| CommandError::io("cannot start", &error))?;
    // Whatever is under way is finished.
    signals.start_serving();
    tokio::select! {
        done = work => done,
        () = signals.next() => {
            let text = "stopped by a signal; what was under way was done or not";
            Err(text.to_owned().into())
        }
    }
}

fn no_connection(settings: &LocalSettings, cause: impl Display) -> CommandError {
    let what = format!("--data-dir {}", settings.data_dir.display());
    CommandError::new(what, cause).with_exit_code(NO_CONNECTION)
}

fn not_owner(settings: &LocalSettings) -> CommandError {
    let cause = "permission denied: run the command as the user who owns the directory, or as root";
    no_connection(settings, cause)
}

/// Refuses to open a database of another user.
fn require_owner(settings: &LocalSettings) -> Result<(), CommandError> {
    match other_owner(&settings.data_dir) {
        Ok(Some(cause)) => {
            let cause = format!("no server runs, and {cause}");
            Err(no_connection(settings, cause))
        }
        Err(error) if error.kind() == ErrorKind::PermissionDenied => Err(not_owner(settings)),
        // What is missing is reported by what opens it.
        Ok(None) | Err(_) => Ok(()),
    }
}
