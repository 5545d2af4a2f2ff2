//! One filled data directory and the server on it: how large, how much memory, and how fast it is back after a stop and
//! after a crash.

use std::fs;
use std::net::SocketAddr;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use crate::dataset::Dataset;
use crate::load::{Load, Operation};
use crate::plan::Plan;
use crate::probe;
use crate::process::Memory;
use crate::records;
use crate::rememberd::{Server, Start};
use crate::sample::Spread;
use crate::workspace::Workspace;

/// After the start a server may still give memory back; this is when "idle" begins.
const SETTLE_MILLISECONDS: u64 = 1000;
/// How long the load runs before the server is killed under it.
const CRASH_AFTER_MILLISECONDS: u64 = 1000;
const CRASH_LOAD_SECS_MAX: u64 = 30;
const CRASH_CONNECTIONS: usize = 64;
/// Apart from the streams of the rounds.
const CRASH_STREAM: u64 = 1 << 32;
const USE_STREAM: u64 = 2 << 32;
/// How often every login is used before the rounds, on average.
const USES_PER_LOGIN: u64 = 2;
const USE_CONNECTIONS: usize = 256;
const USE_SECS: u64 = 1;

const BYTES_PER_MB: f64 = 1e6;
/// What blocks are counted in, whatever the file system has.
const BLOCK_BYTES: u64 = 512;

pub struct Deployment {
    pub dataset: Dataset,
    data_dir: PathBuf,
    log_path: PathBuf,
    server: Option<Server>,
    fill: Start,
    fresh_bytes: u64,
    clean_starts: Vec<Start>,
    crash_starts: Vec<Start>,
    idle: Vec<Memory>,
    footprints: Vec<Footprint>,
}

/// What a server takes after a round of load, in bytes.
#[derive(Clone, Copy)]
struct Footprint {
    memory: u64,
    file: u64,
}

/// What one size of the data set costs, apart from its rates.
pub struct Facts {
    pub logins: u64,
    pub fill_secs: f64,
    pub idle_mb: Option<Spread>,
    pub loaded_mb: f64,
    pub peak_mb: f64,
    pub fresh_bytes_per_login: f64,
    pub loaded_bytes_per_login: f64,
    /// Keys and values of all that is stored.
    pub record_bytes_per_login: f64,
    /// What the server takes after the last round of load, by what it took after the one before.
    pub file_growth: Option<Spread>,
    pub memory_growth: Option<Spread>,
    pub open_clean_ms: Option<Spread>,
    pub open_crash_ms: Option<Spread>,
    pub ready_clean_ms: Option<Spread>,
    pub ready_crash_ms: Option<Spread>,
}

impl Deployment {
    /// Fills a data directory through a seed file, restarts the server a few times, and leaves it running.
    pub fn prepare(plan: &Plan, workspace: &Workspace, logins: u64) -> Self {
        let dataset = Dataset {
            seed: plan.seed,
            logins,
        };
        let data_dir = workspace.create_dir(&format!("data-{logins}"));
        let log_path = workspace.path().join(format!("rememberd-{logins}.log"));
        let fill = fill(&dataset, &data_dir, &log_path, workspace);
        let mut deployment = Self {
            dataset,
            fresh_bytes: dir_bytes(&data_dir),
            data_dir,
            log_path,
            server: None,
            fill,
            clean_starts: Vec::new(),
            crash_starts: Vec::new(),
            idle: Vec::new(),
            footprints: Vec::new(),
        };
        for _ in 0..plan.opens {
            deployment.stop();
            deployment.start_after_clean_stop();
        }
        deployment
    }

    /// Uses logins until the server's caches hold what they do after a while, so that what is measured then
    /// does not depend on how long ago it was started.
    pub fn use_logins(&self) {
        let (mut uses, mut stream) = (0, USE_STREAM);
        while uses < USES_PER_LOGIN * self.dataset.logins {
            let load = Load {
                address: self.address(),
                operation: Operation::Refresh,
                connections: USE_CONNECTIONS,
                warm_up: Duration::ZERO,
                measure: Duration::from_secs(USE_SECS),
                dataset: self.dataset,
                stream,
            };
            let outcome = load.spawn().outcome();
            assert!(outcome.count > 0, "the server refreshes");
            assert_eq!(outcome.errors, 0, "the server refreshes");
            uses += outcome.count;
            stream += 1;
        }
    }

    /// Records the memory and the space that the server uses now.
    pub fn record_footprint(&mut self) {
        self.footprints.push(Footprint {
            memory: self.server().memory().now,
            file: dir_bytes(&self.data_dir),
        });
    }

    pub fn data_dir(&self) -> &Path {
        &self.data_dir
    }

    pub fn address(&self) -> SocketAddr {
        self.server().address
    }

    /// Measures what the load left behind, then kills and restarts the server a few times, and stops it.
    pub fn finish(mut self, plan: &Plan) -> Facts {
        let loaded = self.server().memory();
        self.stop();
        let loaded_bytes = dir_bytes(&self.data_dir);
        self.start_after_clean_stop();
        for number in 0..plan.opens {
            self.crash_under_load(number as u64);
        }
        probe::check_rotation(self.address(), &self.dataset);
        self.stop();
        let record_bytes = records::bytes(&self.data_dir);
        self.facts(loaded, loaded_bytes, record_bytes)
    }

    fn start_after_clean_stop(&mut self) {
        let start = self.start();
        self.clean_starts.push(start);
        thread::sleep(Duration::from_millis(SETTLE_MILLISECONDS));
        self.idle.push(self.server().memory());
    }

    fn crash_under_load(&mut self, number: u64) {
        let load = Load {
            address: self.address(),
            operation: Operation::Refresh,
            connections: CRASH_CONNECTIONS,
            warm_up: Duration::ZERO,
            measure: Duration::from_secs(CRASH_LOAD_SECS_MAX),
            dataset: self.dataset,
            stream: CRASH_STREAM + number,
        };
        let running = load.spawn();
        thread::sleep(Duration::from_millis(CRASH_AFTER_MILLISECONDS));
        let server = self.server.take().expect("the server runs until the crash");
        server.kill();
        let outcome = running.outcome();
        assert!(
            outcome.count > 0,
            "the load was refreshing before the crash"
        );
        assert!(outcome.errors > 0, "the load was still there at the crash");
        let start = self.start();
        self.crash_starts.push(start);
    }

    fn start(&mut self) -> Start {
        let server = Server::start(&self.data_dir, None, &self.log_path);
        let start = server.start;
        self.server = Some(server);
        start
    }

    fn stop(&mut self) {
        if let Some(server) = self.server.take() {
            server.stop();
        }
    }

    fn server(&self) -> &Server {
        self.server
            .as_ref()
            .expect("the server runs between start and stop")
    }

    fn facts(&self, loaded: Memory, loaded_bytes: u64, record_bytes: u64) -> Facts {
        // Of the last two rounds, so that what fills up once does not count as growth.
        let growth = |of: fn(&Footprint) -> u64| match self.footprints.as_slice() {
            [.., before, last] => Spread::of([of(last) as f64 / of(before) as f64]),
            _ => None,
        };
        let per_login = |bytes: u64| bytes as f64 / self.dataset.logins as f64;
        Facts {
            logins: self.dataset.logins,
            fill_secs: self.fill.ready_ms / 1e3,
            idle_mb: Spread::of(self.idle.iter().map(|memory| megabytes(memory.now))),
            loaded_mb: megabytes(loaded.now),
            peak_mb: megabytes(loaded.peak),
            fresh_bytes_per_login: per_login(self.fresh_bytes),
            loaded_bytes_per_login: per_login(loaded_bytes),
            record_bytes_per_login: per_login(record_bytes),
            file_growth: growth(|footprint| footprint.file),
            memory_growth: growth(|footprint| footprint.memory),
            open_clean_ms: Spread::of(self.clean_starts.iter().filter_map(|start| start.open_ms)),
            open_crash_ms: Spread::of(self.crash_starts.iter().filter_map(|start| start.open_ms)),
            ready_clean_ms: Spread::of(self.clean_starts.iter().map(|start| start.ready_ms)),
            ready_crash_ms: Spread::of(self.crash_starts.iter().map(|start| start.ready_ms)),
        }
    }
}

/// The first start, with the seed file; afterwards the server is stopped and the file is gone.
fn fill(dataset: &Dataset, data_dir: &Path, log_path: &Path, workspace: &Workspace) -> Start {
    let seed_path = workspace.path().join("seed.json");
    dataset
        .write_seed_file(&seed_path)
        .expect("the workspace has room for the seed file");
    let server = Server::start(data_dir, Some(&seed_path), log_path);
    let start = server.start;
    probe::check_rotation(server.address, dataset);
    server.stop();
    fs::remove_file(&seed_path).expect("the seed file is the benchmark's own");
    start
}

/// The space that everything takes which the server keeps there, its database. A file may be longer: a
/// part that was never written takes no space.
fn dir_bytes(dir: &Path) -> u64 {
    fs::read_dir(dir)
        .expect("the data directory is there")
        .map(|entry| {
            let entry = entry.expect("the data directory can be read");
            let metadata = entry.metadata().expect("nobody else deletes there");
            if metadata.is_dir() {
                dir_bytes(&entry.path())
            } else {
                metadata.blocks() * BLOCK_BYTES
            }
        })
        .sum()
}

fn megabytes(bytes: u64) -> f64 {
    bytes as f64 / BYTES_PER_MB
}
