//! A database file that is damaged after a storage failure, while the server keeps running.

use std::fs::{self, File};
use std::future;
use std::io;
use std::net::SocketAddr;
use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};

use redb::StorageBackend;
use redb::backends::FileBackend;
use rememberd::testing::{
    App, Caller, DataDirectory, Engine, EngineOptions, Failure, LoginError, Opener, open_database,
    server, service::demo, service::persistent_login,
};
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use ureq::Agent;

use crate::faults::client::{self, PATIENCE, wait_until};
use crate::faults::faulty_disk::EIO;
use crate::support::login::Login;
use crate::support::{self, process};

const OPTIONS: EngineOptions = EngineOptions {
    // So small that reads reach the disk.
    cache_bytes: 4 << 10,
    two_phase_commit: false,
};

/// The size of a page in bytes.
const PAGE: u64 = 4_096;

/// How many pages the file has, at least.
const PAGES_MAX: u64 = 40;

/// The number of attempts to open a damaged database before it counts as refused.
const ATTEMPTS: usize = 3;

#[test]
fn a_damaged_database_is_neither_served_nor_replaced() {
    let server = TestServer::new(support::test_seed());
    for damage in Damage::ALL {
        let token = server.rotate();
        server.fail_the_disk();
        let good = fs::read(&server.database).expect("it is there");
        let damaged = damage.apply_to(&good);
        match &damaged {
            None => fs::remove_file(&server.database).expect("it was there"),
            Some(bytes) => fs::write(&server.database, bytes).expect("it is written"),
        }
        server.restore_the_disk();
        wait_until("attempts to reopen it were made", || {
            server.disk.attempts.load(Ordering::SeqCst) >= ATTEMPTS
        });
        assert!(!server.app.is_ready(), "{damage:?}");
        assert_eq!(server.get("/health/live").0, 200, "{damage:?}");
        assert_eq!(server.get("/health/ready").0, 503, "{damage:?}");
        assert_eq!(server.get(&login_path()).0, 503, "{damage:?}");

        server.cut_off_the_disk();
        let current = fs::read(&server.database).ok();
        assert!(current == damaged, "{damage:?} was replaced");
        fs::write(&server.database, &good).expect("it is restored");
        server.restore_the_disk();
        wait_until("it serves again", || server.get("/health/ready").0 == 200);
        let (status, body) = server.get(&login_path());
        assert_eq!(status, 200, "{damage:?}");
        assert!(body.contains(&token), "{damage:?}");
    }
}

#[test]
fn readiness_says_which_part_cannot_be_read() {
    let seed = support::test_seed();
    let is_named = (1..PAGES_MAX).any(|page| {
        // A new one has not read the login yet.
        let server = TestServer::new(seed);
        let offset = page * PAGE;
        server.disk.broken.store(offset, Ordering::SeqCst);
        let (status, _) = server.get(&login_path());
        let (ready, details) = server.get("/health/ready");
        let place = format!(r#"{{"bytes":{PAGE},"offset":{offset},"table":"persistent_login"#);
        (status, ready) == (503, 200) && details.contains(&place)
    });
    assert!(is_named);
}

/// The damage to the database file.
#[derive(Clone, Copy, Debug)]
enum Damage {
    Removed,
    Emptied,
    Foreign,
    HeadWiped,
    FirstBitFlipped,
    Halved,
    PagesFlipped,
}

impl Damage {
    const ALL: [Self; 7] = [
        Self::Removed,
        Self::Emptied,
        Self::Foreign,
        Self::HeadWiped,
        Self::FirstBitFlipped,
        Self::Halved,
        Self::PagesFlipped,
    ];

    fn apply_to(self, good: &[u8]) -> Option<Vec<u8>> {
        Some(match self {
            Self::Removed => return None,
            Self::Emptied => Vec::new(),
            Self::Foreign => b"something else".to_vec(),
            Self::HeadWiped => changed(good, 0..512, |_| 0),
            Self::FirstBitFlipped => changed(good, 0..1, |byte| byte ^ 1),
            Self::Halved => good[..good.len() / 2].to_vec(),
            Self::PagesFlipped => changed(good, 4_096..good.len(), |byte| byte ^ 0x10),
        })
    }
}

fn changed(good: &[u8], range: Range<usize>, change: impl Fn(u8) -> u8) -> Vec<u8> {
    let mut bytes = good.to_vec();
    for byte in &mut bytes[range] {
        *byte = change(*byte);
    }
    bytes
}

fn login_path() -> String {
    format!(
        "/api/1/authentication/persistent_login/{}?accessTokenId={}",
        support::DEMO_LOGIN,
        demo::ACCESS_TOKEN_ID
    )
}

/// A server in this process, on a directory whose disk can be cut off and restored.
struct TestServer {
    app: Arc<App>,
    database: PathBuf,
    disk: Arc<Access>,
    runtime: Runtime,
    address: SocketAddr,
    agent: Agent,
    _home: TempDir,
}

/// Whether the disk is accessible.
#[derive(Default, Debug)]
struct Access {
    /// Where a page begins that cannot be read, if not 0.
    broken: AtomicU64,
    is_cut_off: AtomicBool,
    /// The number of refused attempts to open it since the disk was cut off.
    refused: AtomicUsize,
    /// The number of attempts to open it since the disk was restored.
    attempts: AtomicUsize,
}

impl TestServer {
    fn new(seed: u64) -> Self {
        let home = TempDir::new().expect("a temporary directory");
        support::write_keys(home.path());
        let directory = DataDirectory::lock(home.path()).expect("it is ours");
        let database = directory.database_path();
        let disk = Arc::new(Access::default());
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .expect("a runtime");
        let opener = opener(directory, Arc::clone(&disk));
        let app = runtime.block_on(async {
            let app = client::serve(&[], opener, seed).await;
            support::load_demo(&app).await;
            Arc::new(app)
        });
        let listener = runtime
            .block_on(TcpListener::bind("127.0.0.1:0"))
            .expect("a free port");
        let address = listener.local_addr().expect("an address");
        runtime.spawn(server::run(
            server::Listeners::new(vec![listener]),
            Arc::clone(&app),
            future::pending(),
        ));
        Self {
            app,
            database,
            disk,
            runtime,
            address,
            agent: process::agent(Some(PATIENCE)),
            _home: home,
        }
    }

    /// Rotates the login's token; returns the new one.
    fn rotate(&self) -> String {
        let rotated = self.runtime.block_on(self.refresh());
        rotated.expect("the disk works").token.reveal().to_string()
    }

    async fn refresh(&self) -> Result<Login, LoginError> {
        let caller = Caller::new(Some(demo::ACCESS_TOKEN_ID.to_owned()));
        let id = support::DEMO_LOGIN.to_owned();
        let refreshed = persistent_login::refresh(&self.app, caller, id, None).await;
        refreshed.map(|refreshed| refreshed.login.into())
    }

    /// Makes the disk fail, and waits until the server has noticed it.
    fn fail_the_disk(&self) {
        self.cut_off_the_disk();
        let failed = self.runtime.block_on(self.refresh());
        assert!(matches!(
            failed,
            Err(LoginError::Failed(Failure::Storage(_)))
        ));
        self.wait_for_refusal();
    }

    /// Cuts off the disk. The server does not access the file any more when this returns.
    fn cut_off_the_disk(&self) {
        self.disk.is_cut_off.store(true, Ordering::SeqCst);
        self.disk.refused.store(0, Ordering::SeqCst);
        if !self.app.store.is_open() {
            self.wait_for_refusal();
        }
    }

    fn wait_for_refusal(&self) {
        wait_until("it cannot be opened", || {
            self.disk.refused.load(Ordering::SeqCst) > 0
        });
    }

    fn restore_the_disk(&self) {
        self.disk.attempts.store(0, Ordering::SeqCst);
        self.disk.is_cut_off.store(false, Ordering::SeqCst);
    }

    /// GET: status and body.
    fn get(&self, target: &str) -> (u16, String) {
        let response = self.agent.get(format!("http://{}{target}", self.address));
        let mut response = response.call().expect("the server responds");
        let body = response.body_mut().read_to_string().expect("a whole body");
        (response.status().as_u16(), body)
    }
}

/// Opens the database in the directory, and then again on a disk that can be cut off.
fn opener(directory: DataDirectory, disk: Arc<Access>) -> Opener {
    Box::new(move |opening| {
        if disk.is_cut_off.load(Ordering::SeqCst) {
            disk.refused.fetch_add(1, Ordering::SeqCst);
            return Err(Failure::Storage("there is no disk".to_owned()));
        }
        let source = support::key_source(directory.database_path());
        let opened = open_database(&directory, &OPTIONS, opening, &source);
        disk.attempts.fetch_add(1, Ordering::SeqCst);
        let (engine, _) = opened?;
        engine.close()?;
        let path = directory.database_path();
        let file = File::options().read(true).write(true).open(path);
        let file = FileBackend::new(file.expect("it was opened")).expect("it is ours");
        let disk = Arc::clone(&disk);
        Engine::open_backend(DetachableFile { file, disk }, &OPTIONS)
    })
}

/// A file on a disk that can be cut off.
#[derive(Debug)]
struct DetachableFile {
    file: FileBackend,
    disk: Arc<Access>,
}

impl DetachableFile {
    fn file(&self) -> io::Result<&FileBackend> {
        if self.disk.is_cut_off.load(Ordering::SeqCst) {
            return Err(io::Error::from_raw_os_error(EIO));
        }
        Ok(&self.file)
    }
}

impl StorageBackend for DetachableFile {
    fn len(&self) -> io::Result<u64> {
        self.file()?.len()
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let broken = self.disk.broken.load(Ordering::SeqCst);
        let read = offset..offset + out.len() as u64;
        if broken > 0 && read.contains(&broken) {
            return Err(io::Error::from_raw_os_error(EIO));
        }
        self.file()?.read(offset, out)
    }

    fn set_len(&self, length: u64) -> io::Result<()> {
        self.file()?.set_len(length)
    }

    fn sync_data(&self) -> io::Result<()> {
        self.file()?.sync_data()
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.file()?.write(offset, data)
    }

    fn close(&self) -> io::Result<()> {
        self.file.close()
    }
}
