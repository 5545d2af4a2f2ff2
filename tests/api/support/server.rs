//! A server inside the test's process, with a clock that the test moves.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, mpsc};
use std::task::{Context, Poll, Waker};
use std::thread;
use std::time::{Duration, Instant};

use rememberd::testing::{
    App, Clock, Config, DataDirectory, EngineOptions, Entropy, Failure, ObjectId, Opening, Phase,
    Profile, Seed, SeedFile, Store, Timestamp, WriteTxn, WriterLimits, open_database, open_store,
    server, service::seed, tables::profile,
};
use serde_json::Value;
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::support::client::Client;
use crate::support::fixture;
use crate::support::random;
use crate::support::wire::Wire;

/// How long to wait for what must happen. Only a test that fails waits so long.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// What a server is started with.
pub struct Setup {
    flags: Vec<String>,
    seed: Value,
    now: Timestamp,
    phase: Phase,
    home: TempDir,
    disk_fails: Arc<AtomicBool>,
}

impl Setup {
    /// The defaults, with the fixture's data and time.
    pub fn new() -> Self {
        Self {
            // So that requests race with each other also where there are few processors.
            flags: vec!["--worker-threads=2".to_owned()],
            seed: fixture::seed(),
            now: fixture::NOW,
            phase: Phase::Serving,
            home: TempDir::new().expect("a temporary directory"),
            disk_fails: Arc::default(),
        }
    }

    /// With a setting, like `--idle-timeout=200ms`.
    pub fn flag(mut self, flag: &str) -> Self {
        self.flags.push(flag.to_owned());
        self
    }

    /// With other data to begin with.
    pub fn seed(mut self, seed: Value) -> Self {
        self.seed = seed;
        self
    }

    /// With the clock at `now`.
    pub fn at(mut self, now: Timestamp) -> Self {
        self.now = now;
        self
    }

    /// In another phase than serving.
    pub fn phase(mut self, phase: Phase) -> Self {
        self.phase = phase;
        self
    }

    /// On the data that a stopped server left.
    pub fn home(mut self, home: TempDir) -> Self {
        self.home = home;
        self
    }

    /// Starts the server.
    pub fn start(self) -> Server {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .expect("a runtime");
        let listener = runtime
            .block_on(TcpListener::bind("127.0.0.1:0"))
            .expect("a free port");
        let address = listener.local_addr().expect("an address");
        let app = runtime.block_on(self.app());
        let (stop, stopping) = oneshot::channel::<()>();
        let served = runtime.spawn(server::run(listener, Arc::clone(&app), async {
            let _ = stopping.await;
        }));
        Server {
            app,
            address,
            stop,
            served,
            runtime,
            home: self.home,
            disk_fails: self.disk_fails,
        }
    }

    async fn app(&self) -> Arc<App> {
        let flags: Vec<&str> = self.flags.iter().map(String::as_str).collect();
        let config = Config::from_flags(&flags).expect("sensible settings");
        let store = self.store(&config).await;
        let entropy = Entropy::seeded(random::seed());
        let app = App::new(config, store, Clock::manual(self.now), entropy);
        let file = SeedFile::parse(self.seed.to_string().as_bytes()).expect("a good seed");
        let seed = Seed::check(file, app.clock.now(), &app.entropy).expect("a good seed");
        seed::load(&app, seed).await.expect("the seed is loaded");
        app.enter(self.phase);
        Arc::new(app)
    }

    async fn store(&self, config: &Config) -> Store {
        // The thread of the server that was here before may still be about to end.
        let mut directory = None;
        wait_until("the data directory is free", || {
            directory = DataDirectory::lock(self.home.path()).ok();
            directory.is_some()
        });
        let directory = directory.expect("it was waited for");
        let options = EngineOptions {
            cache_bytes: 1 << 20,
            two_phase_commit: config.storage.two_phase_commit,
        };
        let limits = WriterLimits::new(config);
        let disk_fails = Arc::clone(&self.disk_fails);
        let opener = move |opening| {
            if opening == Opening::AfterFailure && disk_fails.load(Ordering::SeqCst) {
                return Err(Failure::Storage("the disk is still gone".to_owned()));
            }
            open_database(&directory, &options, opening)
        };
        open_store(Box::new(opener), &limits)
            .await
            .expect("a database")
    }
}

/// A running server, which ends when dropped.
pub struct Server {
    /// What it stands on.
    pub app: Arc<App>,
    /// Where it listens.
    pub address: SocketAddr,
    stop: oneshot::Sender<()>,
    served: JoinHandle<io::Result<()>>,
    runtime: Runtime,
    home: TempDir,
    disk_fails: Arc<AtomicBool>,
}

impl Server {
    /// Starts a server with the defaults.
    pub fn start() -> Self {
        Setup::new().start()
    }

    /// A client that presents the access token that allows everything.
    pub fn client(&self) -> Client {
        Client::new(self.address)
    }

    /// A raw connection.
    pub fn wire(&self) -> Wire {
        Wire::connect(self.address)
    }

    /// Runs `work` to its end.
    pub fn block_on<T>(&self, work: impl Future<Output = T>) -> T {
        self.runtime.block_on(work)
    }

    /// Runs `work` in the background for as long as the server lives.
    pub fn spawn(&self, work: impl Future<Output = ()> + Send + 'static) {
        self.runtime.spawn(work);
    }

    /// Changes a profile.
    pub fn update_profile(&self, id: &str, change: fn(&mut Profile)) {
        self.change_profile(id, move |txn, mut profile| {
            change(&mut profile);
            profile::put(txn, &profile)
        });
    }

    /// Deletes a profile, and nothing else.
    pub fn delete_profile(&self, id: &str) {
        self.change_profile(id, |txn, profile| profile::delete(txn, &profile));
    }

    fn change_profile(
        &self,
        id: &str,
        change: impl Fn(&WriteTxn, Profile) -> Result<(), Failure> + Send + 'static,
    ) {
        let id = ObjectId::parse(id).expect("a profile's id");
        self.block_on(self.app.store.write(move |txn| {
            let profile = profile::get(txn, id)?.expect("the profile exists");
            change(txn, profile)
        }))
        .expect("the profile is changed");
    }

    /// Keeps the writer from writing until the returned value is dropped.
    pub fn hold_writer(&self) -> HeldWriter {
        let (begun, has_begun) = mpsc::channel();
        let (release, released) = mpsc::channel::<()>();
        let app = Arc::clone(&self.app);
        self.runtime.spawn(async move {
            let held = app.store.write(move |_| {
                begun.send(()).expect("the test waits");
                let _ = released.recv();
                Ok(())
            });
            held.await.expect("nothing was written");
        });
        has_begun.recv().expect("the writer has begun");
        HeldWriter { _release: release }
    }

    /// Waits until everything is done that the writer was asked to do.
    pub fn wait_for_writer(&self) {
        wait_until("the writer has caught up", || {
            self.block_on(self.app.store.write(|_| Ok(()))).is_ok()
        });
    }

    /// Puts a job that does nothing into the writer's queue; tells if there was room for it.
    pub fn queue_job(&self) -> bool {
        self.begin(pin!(self.app.store.write(|_| Ok(()))))
            .is_pending()
    }

    /// Makes a write fail, and every attempt to reopen the database until the returned value is dropped.
    pub fn fail_disk(&self) -> FailingDisk {
        self.disk_fails.store(true, Ordering::SeqCst);
        let failed = self.block_on(self.app.store.write(|_| -> Result<(), Failure> {
            Err(Failure::Storage("the disk is gone".to_owned()))
        }));
        assert!(failed.is_err());
        FailingDisk(Arc::clone(&self.disk_fails))
    }

    /// Runs `work` up to where it first waits for something.
    pub fn begin<T>(&self, work: Pin<&mut impl Future<Output = T>>) -> Poll<T> {
        let _runtime = self.runtime.enter();
        work.poll(&mut Context::from_waker(Waker::noop()))
    }

    /// Stops it as a signal would, and leaves its data.
    pub fn stop(self) -> TempDir {
        self.stop.send(()).expect("the server runs");
        self.runtime
            .block_on(self.served)
            .expect("serving does not panic")
            .expect("serving ends well");
        self.runtime
            .block_on(self.app.store.close())
            .expect("the database is closed");
        self.home
    }
}

/// See [`Server::hold_writer`].
pub struct HeldWriter {
    _release: mpsc::Sender<()>,
}

/// See [`Server::fail_disk`].
pub struct FailingDisk(Arc<AtomicBool>);

impl Drop for FailingDisk {
    fn drop(&mut self) {
        self.0.store(false, Ordering::SeqCst);
    }
}

/// Waits until `condition` holds.
pub fn wait_until(what: &str, mut condition: impl FnMut() -> bool) {
    let began = Instant::now();
    while !condition() {
        assert!(began.elapsed() < PATIENCE, "waited in vain until {what}");
        thread::yield_now();
    }
}
