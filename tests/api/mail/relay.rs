//! The SMTP server of the tests, and a server of ours that sends through it.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use rememberd::testing::jobs::run_mail;
use rememberd::testing::service::mail::{LinkUrl, MailKind, Mailer, NewMail};
use rememberd::testing::tables::verification_token::{
    VerificationToken, VerificationTokenDigest, VerificationTokenId, create,
};
use rememberd::testing::tables::{mail_outbox, profile};
use rememberd::testing::{Failure, ObjectId};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::sync::oneshot;

use crate::support::process::Lines;
use crate::support::server::{Server, Setup, wait_until};
use crate::support::tools::{skip, tool};

/// The script that it is.
const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/api/mail/smtp_server.py");

/// The sender of all mails.
pub const FROM: &str = "--mail-from=Accounts <accounts@example.com>";

/// A page of an application.
pub const URL: &str = "https://app.example.com/verify?lang=de&x=<y>";

/// An SMTP server, which is killed when dropped.
pub struct Relay {
    /// Where it listens.
    pub port: u16,
    child: Child,
    lines: Lines,
    /// How many mails were waited for.
    mails: usize,
}

impl Relay {
    /// A server with these settings; `None` if there is nothing to run it with.
    pub fn start(settings: &Value) -> Option<Self> {
        let python = tool("python/bin/python")?;
        let mut child = Command::new(python)
            .args(["-W", "ignore", SCRIPT])
            .arg(settings.to_string())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .expect("python starts");
        let stdout = child.stdout.take().expect("it is piped");
        let mut relay = Self {
            port: 0,
            child,
            lines: Lines::of(stdout),
            mails: 0,
        };
        let listening = relay.wait_for("listening");
        relay.port = listening["port"]
            .as_u64()
            .and_then(|port| u16::try_from(port).ok())
            .expect("a port");
        Some(relay)
    }

    /// A server without TLS and users.
    pub fn plain() -> Option<Self> {
        Self::start(&json!({"security": "none"}))
    }

    /// Waits until this event has happened once more. Returns it.
    #[track_caller]
    pub fn wait_for(&mut self, event: &str) -> Value {
        let line = self.lines.wait_for(&format!("\"event\": \"{event}\""));
        self.mails += usize::from(event == "mail");
        serde_json::from_str(&line).expect("a line is JSON")
    }

    /// Waits for the next mail.
    #[track_caller]
    pub fn mail(&mut self) -> Value {
        self.wait_for("mail")
    }

    /// Waits for the next mail. Returns the id of the verification token in its link.
    #[track_caller]
    pub fn token_id(&mut self) -> String {
        let mail = self.mail();
        let link = mail["links"][0]["href"].as_str().expect("a link");
        link.rsplit_once('=').expect("it has an id").1.to_owned()
    }

    /// Ends it, and asserts that it has had no mail since the last that was waited for.
    #[track_caller]
    pub fn assert_no_mail(&mut self) {
        self.child.kill().expect("it runs");
        self.lines.wait_for_end();
        let mails = self.lines.read.matches("\"event\": \"mail\"").count();
        assert_eq!(mails, self.mails, "{}", self.lines.read);
    }

    /// The setting of its address, for one without TLS.
    pub fn flags(&self) -> Vec<String> {
        let mut flags = vec!["--smtp-security=none".to_owned()];
        flags.extend(self.address_flags("127.0.0.1"));
        flags
    }

    /// The settings of its address, by this name of the host.
    pub fn address_flags(&self, host: &str) -> Vec<String> {
        vec![
            format!("--smtp-host={host}"),
            format!("--smtp-port={}", self.port),
            FROM.to_owned(),
        ]
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        // It may have ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The certificates of an authority of our own, and of `localhost` and 127.0.0.1.
pub struct Certificates {
    directory: TempDir,
}

impl Certificates {
    /// New ones; `None` if there is no command to make them.
    pub fn new() -> Option<Self> {
        let directory = TempDir::new().expect("a temporary directory");
        let extensions = "subjectAltName=DNS:localhost,IP:127.0.0.1";
        std::fs::write(directory.path().join("extensions"), extensions).expect("it is writable");
        let key = "-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes";
        for command in [
            &format!("req -x509 {key} -keyout ca.key -out ca.pem -days 2 -subj /CN=authority"),
            &format!("req {key} -keyout key.pem -out request.pem -subj /CN=localhost"),
            "x509 -req -in request.pem -CA ca.pem -CAkey ca.key -out chain.pem -days 2 -extfile extensions",
        ] {
            let made = Command::new("openssl")
                .args(command.split(' '))
                .current_dir(directory.path())
                .stderr(Stdio::null())
                .status();
            match made {
                Ok(status) => assert!(status.success(), "openssl {command}"),
                Err(_) => {
                    skip("Debian's package `openssl`");
                    return None;
                }
            }
        }
        Some(Self { directory })
    }

    /// One of their files.
    pub fn file(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// The settings of an SMTP server that has them.
    pub fn settings(&self, security: &str) -> Value {
        json!({
            "security": security,
            "certificate": self.file("chain.pem"),
            "key": self.file("key.pem"),
        })
    }
}

/// A server of ours that sends mails.
pub struct Sending {
    /// The server.
    pub server: Server,
    stop: oneshot::Sender<()>,
    stopped: oneshot::Receiver<()>,
}

/// Starts `setup` with these settings and has it send mails.
pub fn start(setup: Setup, flags: &[String]) -> Sending {
    let setup = flags.iter().fold(setup, |setup, flag| setup.flag(flag));
    let server = setup.start();
    let mailer = Mailer::load(&server.app.config.mail).expect("valid settings");
    let (stop, stopping) = oneshot::channel();
    let (ended, stopped) = oneshot::channel();
    let app = Arc::clone(&server.app);
    server.spawn(async move {
        let stop = async {
            let _ = stopping.await;
        };
        run_mail(app, mailer, stop).await;
        let _ = ended.send(());
    });
    Sending {
        server,
        stop,
        stopped,
    }
}

impl Sending {
    /// Queues a mail to this address, which becomes that of the profile. Returns the id of its verification token.
    pub fn queue(&self, kind: MailKind, profile_id: &str, email: &str) -> Result<String, Failure> {
        queue(&self.server, kind, profile_id, email)
    }

    /// Waits until the outbox has this number of mails.
    pub fn wait_for_outbox(&self, count: u64) {
        wait_until("the outbox has this number of mails", || {
            self.outbox() == count
        });
    }

    /// Waits until the mail that is due next was tried so many times in vain.
    pub fn wait_for_attempt(&self, attempts: u32) {
        wait_until("a mail was tried", || {
            let next = self.server.app.store.read(mail_outbox::next);
            let next = next.expect("the database is open");
            next.is_some_and(|mail| mail.attempts >= attempts)
        });
    }

    /// Moves the clock, and has the outbox looked at.
    pub fn advance(&self, step: Duration) {
        self.server.app.clock.advance(step);
        self.server.app.mail_queued.notify_one();
    }

    /// How many mails the outbox has.
    pub fn outbox(&self) -> u64 {
        let count = self.server.app.store.read(mail_outbox::count);
        count.expect("the database is open")
    }

    /// Stops sending, as a signal does.
    pub fn stop(self) -> Server {
        drop(self.stop);
        let stopped = self.server.block_on(self.stopped);
        stopped.expect("sending has ended without a panic");
        self.server
    }
}

/// See [`Sending::queue`].
pub fn queue(
    server: &Server,
    kind: MailKind,
    profile_id: &str,
    email: &str,
) -> Result<String, Failure> {
    let app = &server.app;
    let uuid = app.entropy.uuid();
    let id = VerificationTokenId::new(uuid);
    let url = LinkUrl::parse(URL).expect("a URL");
    let mail = NewMail::new(app, kind, url, id)?;
    let key = app.keys.get()?.newest().1.clone();
    let digest = VerificationTokenDigest::new(id, &key);
    let created = app.clock.now().moment;
    let profile_id = ObjectId::parse(profile_id).expect("a profile's id");
    let email = email.to_owned();
    let queued = app.store.write(move |txn| {
        let mut owner = profile::get(txn, profile_id)?.expect("the profile exists");
        owner.email = email.clone();
        mail.enqueue(txn, &owner)?;
        profile::put(txn, &owner)?;
        let token = VerificationToken {
            digest,
            tenant: owner.tenant.clone(),
            profile_id,
            created,
        };
        create(txn, &token)
    });
    server.block_on(queued)?;
    Ok(uuid.to_string())
}

/// A port at which nothing listens.
pub fn unused_port() -> u16 {
    let socket = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    socket.local_addr().expect("an address").port()
}

/// The settings for short waits between attempts.
pub fn soon() -> Vec<String> {
    vec!["--mail-retry-min=1ms".to_owned()]
}

/// The flag of a file.
pub fn file_flag(flag: &str, path: &Path) -> String {
    format!("--{flag}={}", path.display())
}
