//! What HTTP alone costs: a bare hyper server that reads the request and answers constant bytes of the same size.
//!
//! It is a process of its own, like the server under test, and ends when its standard input does.

use std::env;
use std::error::Error;
use std::future::Future;
use std::io::{self, Read};
use std::net::SocketAddr;
use std::process::{Command, Stdio};

use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::{HttpService, service_fn};
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use rustix::process::Signal;
use tokio::net::TcpListener;
use tokio::runtime::Builder;

use crate::process::Process;

pub const SUBCOMMAND: &str = "baseline";

/// The id in every answer, whatever was asked for.
pub const BASELINE_LOGIN_ID: &str = "b68c0013-d7b2-4004-8463-d7ba03e15d94";

/// As long as every answer of the benchmark's logins.
const BODY: &str = concat!(
    r#"{"tenant":"default","profileId":"5925a68def86951f895cf497","#,
    r#""token":"f390e222-c844-44a2-ad38-afa471527101","timestamp":1495665332589,"#,
    r#""id":"b68c0013-d7b2-4004-8463-d7ba03e15d94"}"#
);

const START_TIMEOUT_SECS: u64 = 10;

pub struct Baseline {
    pub address: SocketAddr,
    _process: Process,
}

impl Baseline {
    pub fn start() -> Self {
        let (address, process) = start_server(&[SUBCOMMAND]);
        Self {
            address,
            _process: process,
        }
    }
}

/// Starts this executable as the server that `args` name, and waits until it prints its address.
pub fn start_server(args: &[&str]) -> (SocketAddr, Process) {
    let executable = env::current_exe().expect("an executable knows its own path");
    let mut command = Command::new(executable);
    command
        .args(args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped());
    let mut process = Process::spawn(&mut command, Signal::TERM).expect("the server starts");
    let address = process
        .first_line_within(Duration::from_secs(START_TIMEOUT_SECS))
        .expect("the server prints its address")
        .parse()
        .expect("the server prints a socket address");
    (address, process)
}

/// The baseline server's process.
pub fn main() {
    run_server(async { accept_all(listen().await, || service_fn(answer)).await });
}

/// Runs a server for as long as the benchmark does.
pub fn run_server(serve: impl Future<Output = ()> + Send + 'static) {
    let runtime = Builder::new_multi_thread()
        .enable_all()
        .build()
        .expect("a runtime can be built");
    runtime.spawn(serve);
    // The other end of the pipe closes when the benchmark ends, however it ends.
    let _ = io::stdin().read(&mut [0]);
    runtime.shutdown_background();
}

/// Listens on a free port and prints the address.
pub async fn listen() -> TcpListener {
    let listener = TcpListener::bind("127.0.0.1:0")
        .await
        .expect("the loopback interface has a free port");
    let address = listener
        .local_addr()
        .expect("a bound socket has an address");
    println!("{address}");
    listener
}

/// Serves every connection, as bare as hyper does it.
pub async fn accept_all<S>(listener: TcpListener, service: impl Fn() -> S)
where
    S: HttpService<Incoming, ResBody = Full<Bytes>> + Send + 'static,
    S::Future: Send,
    S::Error: Into<Box<dyn Error + Send + Sync>>,
{
    loop {
        let (stream, _) = listener
            .accept()
            .await
            .expect("the load opens few connections");
        stream.set_nodelay(true).expect("the connection is open");
        let connection = http1::Builder::new().serve_connection(TokioIo::new(stream), service());
        // A connection that breaks is the load's to count.
        tokio::spawn(async move { connection.await.ok() });
    }
}

async fn answer(request: Request<Incoming>) -> Result<Response<Full<Bytes>>, hyper::Error> {
    request.into_body().collect().await?;
    Ok(answer_with(Bytes::from_static(BODY.as_bytes())))
}

/// An answer with the headers of the server under test.
pub fn answer_with(json: Bytes) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(json));
    let headers = response.headers_mut();
    headers.insert(
        CONTENT_TYPE,
        HeaderValue::from_static("application/json;charset=UTF-8"),
    );
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
