//! Redis behind HTTP: a bare hyper server that takes the same request as the server under test, rotates by one script
//! call, and answers the same bytes. It is what an application would have to put before Redis.
//!
//! Every call goes through one connection, in the order in which it comes and many in one write, as the usual clients
//! of Redis do it. The server is a process of its own and ends when its standard input does.

use std::cell::RefCell;
use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hasher};
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::sync::{mpsc, oneshot};

use crate::baseline;
use crate::dataset::{Random, Uuid};
use crate::process::Process;
use crate::redis::{ROW_FIELDS, Redis, rotate_request};

pub const SUBCOMMAND: &str = "redis-proxy";

const CALLS_PER_WRITE_MAX: usize = 256;

/// The rotated login as the script returns it: tenant, profile, token, creation time, id.
type Row = Vec<String>;

pub struct RedisProxy {
    pub address: SocketAddr,
    _process: Process,
}

impl RedisProxy {
    pub fn start(redis: &Redis) -> Self {
        let redis_address = redis.address.to_string();
        let args = [SUBCOMMAND, &redis_address, redis.script()];
        let (address, process) = baseline::start_server(&args);
        Self {
            address,
            _process: process,
        }
    }
}

/// The process of the proxy; the arguments are where Redis is and the script's SHA-1.
pub fn main(args: &[String]) {
    let [redis, script] = args else {
        panic!("the proxy takes 2 arguments, not {}", args.len());
    };
    let redis: SocketAddr = redis.parse().expect("the first argument is an address");
    baseline::run_server(serve(redis, script.clone()));
}

async fn serve(redis: SocketAddr, script: String) {
    let calls = Calls::start(redis, script).await;
    let listener = baseline::listen().await;
    baseline::accept_all(listener, move || {
        let calls = Arc::clone(&calls);
        service_fn(move |request| answer(Arc::clone(&calls), request))
    })
    .await;
}

async fn answer(
    calls: Arc<Calls>,
    request: Request<Incoming>,
) -> Result<Response<Full<Bytes>>, hyper::Error> {
    let id = request
        .uri()
        .path()
        .strip_suffix("/refresh_token")
        .and_then(|path| path.rsplit('/').next())
        .map(str::to_owned);
    let body = request.into_body().collect().await?.to_bytes();
    let row = match id {
        Some(id) if body.starts_with(b"accessTokenId=") => calls.rotate(&id).await,
        _ => None,
    };
    let Some(row) = row else {
        let mut refused = Response::new(Full::new(Bytes::new()));
        *refused.status_mut() = StatusCode::NOT_FOUND;
        return Ok(refused);
    };
    let [tenant, profile_id, token, timestamp, id] = &row[..] else {
        unreachable!("a row has {ROW_FIELDS} fields");
    };
    let json = format!(
        r#"{{"tenant":"{tenant}","profileId":"{profile_id}","token":"{token}","timestamp":{timestamp},"id":"{id}"}}"#
    );
    Ok(baseline::answer_with(json.into()))
}

/// The one connection to Redis, shared by all requests.
struct Calls {
    script: String,
    queue: mpsc::UnboundedSender<(String, oneshot::Sender<Option<Row>>)>,
}

impl Calls {
    async fn start(redis: SocketAddr, script: String) -> Arc<Self> {
        let stream = TcpStream::connect(redis).await.expect("Redis runs");
        stream.set_nodelay(true).expect("the connection is open");
        let (reading, writing) = stream.into_split();
        let (queue, calls) = mpsc::unbounded_channel();
        let (sent, waiting) = mpsc::unbounded_channel();
        tokio::spawn(write_calls(writing, calls, sent));
        tokio::spawn(read_rows(BufReader::new(reading), waiting));
        Arc::new(Self { script, queue })
    }

    /// The login after its rotation; `None` if there is none.
    async fn rotate(&self, id: &str) -> Option<Row> {
        let token = fresh_token();
        let (caller, row) = oneshot::channel();
        let command = rotate_request(&self.script, id, token.as_str());
        self.queue.send((command, caller)).ok()?;
        row.await.ok()?
    }
}

async fn write_calls(
    mut redis: OwnedWriteHalf,
    mut calls: mpsc::UnboundedReceiver<(String, oneshot::Sender<Option<Row>>)>,
    sent: mpsc::UnboundedSender<oneshot::Sender<Option<Row>>>,
) {
    let mut batch = Vec::new();
    while calls.recv_many(&mut batch, CALLS_PER_WRITE_MAX).await > 0 {
        let mut commands = String::new();
        for (command, caller) in batch.drain(..) {
            commands.push_str(&command);
            if sent.send(caller).is_err() {
                return;
            }
        }
        if redis.write_all(commands.as_bytes()).await.is_err() {
            return;
        }
    }
}

async fn read_rows(
    mut redis: BufReader<OwnedReadHalf>,
    mut waiting: mpsc::UnboundedReceiver<oneshot::Sender<Option<Row>>>,
) {
    while let Some(caller) = waiting.recv().await {
        match read_row(&mut redis).await {
            // The caller may have been dropped.
            Ok(row) => drop(caller.send(row)),
            Err(_) => return,
        }
    }
}

async fn read_row(redis: &mut BufReader<OwnedReadHalf>) -> io::Result<Option<Row>> {
    let mut line = String::new();
    redis.read_line(&mut line).await?;
    if line != format!("*{ROW_FIELDS}\r\n") {
        return Ok(None);
    }
    let mut row = Row::with_capacity(ROW_FIELDS);
    for _ in 0..ROW_FIELDS {
        line.clear();
        redis.read_line(&mut line).await?;
        let length = line
            .strip_prefix('$')
            .and_then(|text| text.trim_end().parse::<usize>().ok());
        let length = length.ok_or(io::ErrorKind::InvalidData)?;
        let mut text = vec![0; length + b"\r\n".len()];
        redis.read_exact(&mut text).await?;
        text.truncate(length);
        row.push(String::from_utf8(text).map_err(|_| io::ErrorKind::InvalidData)?);
    }
    Ok(Some(row))
}

fn fresh_token() -> Uuid {
    thread_local! {
        static RANDOM: RefCell<Random> =
            RefCell::new(Random::new(RandomState::new().build_hasher().finish(), 0));
    }
    RANDOM.with_borrow_mut(Random::uuid)
}
