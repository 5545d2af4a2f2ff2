//! People who sign in with a password, come back by their cookie and sign out, as the two clients of the wire contract
//! make the calls ("What real applications do with it"). Each connection is one person at a time.

use std::io;
use std::time::Instant;

use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::dataset::Uuid;
use crate::exchange::http_body;
use crate::generator::Tally;
use crate::load::Load;

const API: &str = "/crafter-profile/api/1";
const PASSWORD: &str = "correct-horse";

/// How often a person comes back before they sign out, in a whole flow.
const VISITS: usize = 10;

/// Who makes the calls.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Application {
    SecurityLibrary,
    SiteEngine,
}

/// What a person does again and again.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Flow {
    pub application: Application,
    /// Whether they sign in, come back ten times and sign out; else they only come back.
    pub is_whole: bool,
}

impl Flow {
    pub const ALL: [Self; 4] = [
        Self::new(Application::SecurityLibrary, false),
        Self::new(Application::SiteEngine, false),
        Self::new(Application::SecurityLibrary, true),
        Self::new(Application::SiteEngine, true),
    ];

    const fn new(application: Application, is_whole: bool) -> Self {
        Self {
            application,
            is_whole,
        }
    }

    pub fn name(self) -> &'static str {
        match (self.application, self.is_whole) {
            (Application::SecurityLibrary, false) => "security library, auto-login",
            (Application::SiteEngine, false) => "site engine, auto-login",
            (Application::SecurityLibrary, true) => "security library, sign-in to sign-out",
            (Application::SiteEngine, true) => "site engine, sign-in to sign-out",
        }
    }

    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|flow| flow.name() == name)
    }
}

/// Makes the calls of one person until the time is up or one of them fails.
pub async fn visit(stream: TcpStream, number: u64, flow: Flow, load: &Load, tally: &Tally) {
    let mut person = Person {
        stream,
        answer: Vec::new(),
        access_token: load.dataset.access_token(),
        username: format!("person-{}-{number}", load.stream),
        tally,
    };
    let visited = async {
        person.register().await?;
        while Instant::now() < tally.until {
            person.stay(flow).await?;
        }
        io::Result::Ok(())
    };
    if let Err(error) = visited.await {
        eprintln!("rotation: {}: {error}", flow.name());
        tally.error();
    }
}

struct Person<'a> {
    stream: TcpStream,
    answer: Vec<u8>,
    access_token: Uuid,
    username: String,
    tally: &'a Tally,
}

impl Person<'_> {
    async fn register(&mut self) -> io::Result<()> {
        let username = self.username.clone();
        let form = format!(
            "tenantName=default&username={username}&password={PASSWORD}&email={username}@example.com&enabled=true"
        );
        self.post("/profile/create", &form).await.map(drop)
    }

    /// Signs in, comes back, and signs out unless they only come back.
    async fn stay(&mut self, flow: Flow) -> io::Result<()> {
        let form = format!(
            "tenantName=default&username={}&password={PASSWORD}",
            self.username
        );
        let mut ticket = self.post("/authentication/authenticate", &form).await?;
        let profile_id = text(&ticket, "profileId")?;
        self.get(&format!("/profile/{profile_id}")).await?;
        let of_profile = format!("profileId={profile_id}");
        let login = self
            .post("/authentication/persistent_login/create", &of_profile)
            .await?;
        let path = format!("/authentication/persistent_login/{}", text(&login, "id")?);
        let mut token = text(&login, "token")?;
        let mut visits = 0;
        while !flow.is_whole || visits < VISITS {
            if Instant::now() >= self.tally.until {
                return Ok(());
            }
            visits += 1;
            let found = self.get(&path).await?;
            if text(&found, "token")? != token {
                return Err(io::Error::other("the token is not the one of the cookie"));
            }
            if flow.application == Application::SecurityLibrary {
                self.get(&format!("/profile/{profile_id}")).await?;
                ticket = self
                    .post("/authentication/ticket/create", &of_profile)
                    .await?;
            }
            let refreshed = self.post(&format!("{path}/refresh_token"), "").await?;
            token = text(&refreshed, "token")?;
            if flow.application == Application::SiteEngine {
                self.get(&format!("/profile/{profile_id}")).await?;
            }
        }
        let ticket = format!("/authentication/ticket/{}", text(&ticket, "id")?);
        self.post(&format!("{ticket}/invalidate"), "").await?;
        self.post(&format!("{path}/delete"), "").await.map(drop)
    }

    async fn get(&mut self, path: &str) -> io::Result<Value> {
        let caller = self.access_token.as_str();
        let request = format!(
            "GET {API}{path}.json?accessTokenId={caller} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
        );
        self.call(request).await
    }

    async fn post(&mut self, path: &str, form: &str) -> io::Result<Value> {
        let body = format!("accessTokenId={}&{form}", self.access_token.as_str());
        let request = format!(
            "POST {API}{path}.json HTTP/1.1\r\nHost: 127.0.0.1\r\n\
             Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        );
        self.call(request).await
    }

    /// The JSON of the answer, or null for an empty one.
    async fn call(&mut self, request: String) -> io::Result<Value> {
        let sent = Instant::now();
        self.stream.write_all(request.as_bytes()).await?;
        self.answer.clear();
        let body = loop {
            if self.stream.read_buf(&mut self.answer).await? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            if let Some(body) = http_body(&self.answer) {
                break body;
            }
        };
        if !self.answer.starts_with(b"HTTP/1.1 200 ") {
            let line = request.lines().next().unwrap_or_default();
            let body = String::from_utf8_lossy(body);
            return Err(io::Error::other(format!("{line}: {body}")));
        }
        self.tally.success(sent, Instant::now());
        if body.is_empty() {
            return Ok(Value::Null);
        }
        Ok(serde_json::from_slice(body)?)
    }
}

fn text(value: &Value, name: &str) -> io::Result<String> {
    let text = value[name].as_str();
    text.map(str::to_owned)
        .ok_or_else(|| io::Error::other(format!("{name} is missing")))
}
