//! A server inside the test's process, with a manual clock.

use std::future::Future;
use std::io::{self, Cursor};
use std::net::SocketAddr;
use std::path::Path;
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, mpsc};
use std::task::{Context, Poll, Waker};
use std::thread;
use std::time::{Duration, Instant};

use rememberd::testing::{
    App, Clock, Config, DataDirectory, EngineOptions, Entropy, Failure, KeySource, Keys, ObjectId,
    Opening, Phase, Profile, SeedFile, SeedRules, Store, Timestamp, WriteTxn, WriterLimits,
    open_database, open_store, server,
    service::seed::{self, LoadError, Loaded},
    tables::profile,
};
use serde_json::Value;
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::support::client::Client;
use crate::support::fixture;
use crate::support::random;
use crate::support::wire::Wire;

/// The timeout of waits and requests. Only a failing test takes that long.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// The configuration of a server.
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
            // So that requests run concurrently on a host with a single processor too.
            flags: vec!["--worker-threads=2".to_owned()],
            seed: fixture::seed(),
            now: fixture::NOW,
            phase: Phase::Serving,
            home: TempDir::new().expect("a temporary directory"),
            disk_fails: Arc::default(),
        }
    }

    /// With a setting, for example `--idle-timeout=200ms`.
    pub fn flag(mut self, flag: &str) -> Self {
        self.flags.push(flag.to_owned());
        self
    }

    /// With another seed file.
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

    /// On the data directory of a stopped server.
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
        let served = runtime.spawn(server::run(
            server::Listeners::new(vec![listener]),
            Arc::clone(&app),
            async {
                let _ = stopping.await;
            },
        ));
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

    /// Loads the seed by itself. Returns the numbers of entries and the warnings, or why the file is refused.
    pub fn load(&self, is_strict: bool) -> Result<(String, Vec<String>), String> {
        let runtime = Builder::new_current_thread().enable_all().build();
        runtime.expect("a runtime").block_on(async {
            let app = self.unloaded_app().await;
            let loaded = self.load_into(&app, SeedRules { is_strict }).await;
            app.store.close().await.expect("the store is open");
            let loaded = loaded?;
            Ok((loaded.counts().to_string(), loaded.warnings().collect()))
        })
    }

    async fn load_into(&self, app: &App, rules: SeedRules) -> Result<Loaded, String> {
        let json = Cursor::new(self.seed.to_string().into_bytes());
        let file = SeedFile::check(json, |_| {}).map_err(|error| error.to_string())?;
        match seed::load(app, file, rules, |_, _| Ok(())).await {
            Ok(loaded) => Ok(loaded.unwrap_or_default()),
            Err(LoadError::Refused(error)) => Err(error.to_string()),
            Err(LoadError::Failed(failure)) => panic!("{failure}"),
        }
    }

    async fn app(&self) -> Arc<App> {
        let app = self.unloaded_app().await;
        let loaded = self.load_into(&app, SeedRules::default()).await;
        loaded.expect("a valid seed file");
        app.enter(self.phase);
        Arc::new(app)
    }

    async fn unloaded_app(&self) -> App {
        let flags: Vec<&str> = self.flags.iter().map(String::as_str).collect();
        let mut config = Config::from_flags(&flags).expect("valid settings");
        if !self
            .flags
            .iter()
            .any(|flag| flag.starts_with("--expired-kept-for"))
        {
            // So that a test sees at once what the cleaner does.
            config.clock.expired_kept_for = Duration::ZERO;
        }
        if !self
            .flags
            .iter()
            .any(|flag| flag.starts_with("--client-failures"))
        {
            // Tests fail more often than clients do.
            config.throttle.client_failures_time = Duration::ZERO;
        }
        let keys = Keys::default();
        let store = self.store(&config, keys.clone()).await;
        let entropy = Entropy::seeded(random::seed());
        App::new(config, store, Clock::manual(self.now), entropy, keys)
    }

    async fn store(&self, config: &Config, keys: Keys) -> Store {
        // The writer thread of a stopped server may hold the lock for a moment.
        let mut directory = None;
        wait_until("the data directory is free", || {
            directory = DataDirectory::lock(self.home.path()).ok();
            directory.is_some()
        });
        let directory = directory.expect("the loop ended with it");
        let options = EngineOptions {
            cache_bytes: 1 << 20,
            two_phase_commit: config.writer.two_phase_commit,
        };
        let limits = WriterLimits::new(config);
        let disk_fails = Arc::clone(&self.disk_fails);
        let source = KeySource {
            path: self.home.path().join("rememberd.keys"),
            replaces_missing: config.data.new_key,
            entropy: Entropy::seeded(random::seed()),
        };
        let opener = move |opening| {
            if opening == Opening::AfterFailure && disk_fails.load(Ordering::SeqCst) {
                return Err(Failure::Storage("the disk still fails".to_owned()));
            }
            let (engine, ring) = open_database(&directory, &options, opening, &source)?;
            keys.set(ring);
            Ok(engine)
        };
        open_store(Box::new(opener), &limits)
            .await
            .expect("a database")
    }
}

/// A running server, which stops when dropped.
pub struct Server {
    /// The application that it serves.
    pub app: Arc<App>,
    /// The address that it listens on.
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

    /// Its data directory.
    pub fn data_dir(&self) -> &Path {
        self.home.path()
    }

    /// Runs `work` to completion.
    pub fn block_on<T>(&self, work: impl Future<Output = T>) -> T {
        self.runtime.block_on(work)
    }

    /// Runs `work` in the background until the server stops.
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

    /// Deletes a profile, but not its logins.
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

    /// Blocks the writer until the returned value is dropped.
    pub fn hold_writer(&self) -> HeldWriter {
        let (begun, has_begun) = mpsc::channel();
        let (release, released) = mpsc::channel::<()>();
        let app = Arc::clone(&self.app);
        self.runtime.spawn(async move {
            let held = app.store.write(move |_| {
                begun.send(()).expect("the test receives it");
                let _ = released.recv();
                Ok(())
            });
            held.await.expect("nothing was written");
        });
        has_begun.recv().expect("the writer has begun");
        HeldWriter { _release: release }
    }

    /// Waits until the writer has run all jobs that are queued now.
    pub fn wait_for_writer(&self) {
        wait_until("the writer has caught up", || {
            self.block_on(self.app.store.write(|_| Ok(()))).is_ok()
        });
    }

    /// Queues a job that writes nothing. Returns whether the queue had room for it.
    pub fn queue_job(&self) -> bool {
        self.begin(pin!(self.app.store.write(|_| Ok(()))))
            .is_pending()
    }

    /// Makes a write fail, and every attempt to reopen the database until the returned value is dropped.
    pub fn fail_disk(&self) -> FailingDisk {
        self.disk_fails.store(true, Ordering::SeqCst);
        let failed = self.block_on(self.app.store.write(|_| -> Result<(), Failure> {
            Err(Failure::Storage("the disk fails".to_owned()))
        }));
        assert!(failed.is_err());
        FailingDisk(Arc::clone(&self.disk_fails))
    }

    /// Polls `work` once.
    pub fn begin<T>(&self, work: Pin<&mut impl Future<Output = T>>) -> Poll<T> {
        let _runtime = self.runtime.enter();
        work.poll(&mut Context::from_waker(Waker::noop()))
    }

    /// Stops the server as a signal does. Returns its data directory.
    pub fn stop(self) -> TempDir {
        self.stop.send(()).expect("the server runs");
        self.runtime
            .block_on(self.served)
            .expect("serving does not panic")
            .expect("serving ends without an error");
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
        assert!(began.elapsed() < PATIENCE, "timed out waiting until {what}");
        thread::yield_now();
    }
}
