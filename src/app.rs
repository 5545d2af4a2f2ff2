//! What every use case stands on: settings, store, clock, randomness, and whether the server is ready.

use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use tokio::sync::{Mutex, Notify, Semaphore, SemaphorePermit};

use crate::audit::AuditLog;
use crate::clock::Timestamp;
use crate::clock::source::Clock;
use crate::config::Config;
use crate::config::throttle::ThrottleConfig;
use crate::domain::key_ring::KeyRing;
use crate::domain::management_token::ManagementToken;
use crate::entropy::Entropy;
use crate::error::Failure;
use crate::logging::repeated::Taken;
use crate::logging::warnings::Warnings;
use crate::metrics::Metrics;
use crate::password_pool::PasswordPool;
use crate::request_id::RequestIds;
use crate::storage::Store;
use crate::storage::data_dir::secret_file::UnusedSecrets;
use crate::tables::attachment::in_use::BlobsInUse;
use crate::tables::backup::status::Backups;
use crate::tables::ticket::requests::TicketRequests;
use crate::throttle::{Throttle, ThrottleRules};

/// One running server, apart from its sockets.
#[derive(Debug)]
pub struct App {
    /// The settings.
    pub config: Config,
    /// The database.
    pub store: Arc<Store>,
    /// The time.
    pub clock: Clock,
    /// Randomness.
    pub entropy: Entropy,
    /// The ids of requests.
    pub request_ids: RequestIds,
    /// The secret keys, once the database is open.
    pub keys: Keys,
    /// Held by whoever changes the secret keys.
    pub key_changes: Mutex<()>,
    /// The requests of tickets that are not saved yet; jobs of the writer hold them too.
    pub ticket_requests: Arc<TicketRequests>,
    /// The ids of access tokens that were generated and that nobody has used yet.
    pub unused_tokens: UnusedSecrets,
    /// What happened to logins; jobs of the writer hold it too.
    pub audit: Arc<AuditLog>,
    /// The threads that hash passwords.
    pub passwords: PasswordPool,
    /// The sign-ins that go on.
    pub sign_ins: SignIns,
    /// Notified when a mail was queued; jobs of the writer hold it too.
    pub mail_queued: Arc<Notify>,
    /// Requests that are refused or fail again and again.
    pub warnings: Warnings,
    /// What is counted for monitoring.
    pub metrics: Metrics,
    /// How often clients have guessed.
    pub throttles: Throttles,
    /// The uploads of attachments that go on.
    pub uploads: Uploads,
    /// The backup that is being made, and the last ones; its thread holds them too.
    pub backups: Arc<Backups>,
    /// The memory of lists that are being sent: one permit for each KiB.
    pub list_memory: Arc<Semaphore>,
    /// Held by the one walk over very many logins of a profile that goes on.
    pub long_walks: Semaphore,
    /// Held by the one list of profiles that pauses after a step of choosing them.
    pub long_lists: Semaphore,
    /// When the process began to serve.
    pub started: Started,
    /// Without it, monitoring is disabled.
    pub management_token: OnceLock<ManagementToken>,
    phase: AtomicU8,
    is_restricted_to_loopback: AtomicBool,
}

/// The secret keys, shared with the writer thread, which reads them when it opens the database.
#[derive(Clone, Default, Debug)]
pub struct Keys(Arc<KeyVersion>);

/// The keys from a moment on, and those that replaced them: every request reads them, without a lock. An operator
/// replaces them a few times in a year.
#[derive(Default, Debug)]
struct KeyVersion {
    keys: OnceLock<Arc<KeyRing>>,
    next: OnceLock<Box<Self>>,
}

impl Keys {
    /// The keys.
    ///
    /// # Errors
    ///
    /// [`Failure::Unavailable`] if the database is not open yet.
    pub fn get(&self) -> Result<&Arc<KeyRing>, Failure> {
        self.newest().keys.get().ok_or(Failure::Unavailable)
    }

    /// Sets the keys; the first ones stay.
    pub fn set(&self, keys: KeyRing) {
        self.0.keys.get_or_init(|| Arc::new(keys));
    }

    /// Replaces the keys. What began with the former ones goes on with them.
    pub fn replace(&self, keys: KeyRing) {
        let next = Box::new(KeyVersion {
            keys: OnceLock::from(Arc::new(keys)),
            next: OnceLock::new(),
        });
        // Whoever changes them holds `App::key_changes`, so that there is no other next one.
        let _ = self.newest().next.set(next);
    }

    /// Whether something that began with former keys goes on: whether anything else holds them.
    pub fn are_former_in_use(&self) -> bool {
        let mut version = &*self.0;
        while let Some(next) = version.next.get() {
            // One holder is the version itself.
            let is_held = |keys| Arc::strong_count(keys) > 1;
            if version.keys.get().is_some_and(is_held) {
                return true;
            }
            version = next;
        }
        false
    }

    fn newest(&self) -> &KeyVersion {
        let mut version = &*self.0;
        while let Some(next) = version.next.get() {
            version = next;
        }
        version
    }
}

/// The sign-ins that go on.
#[derive(Debug)]
pub struct SignIns {
    /// One for each that may go on, or have its response delayed.
    pub permits: Semaphore,
    /// How long the last failure took to be counted on disk, in microseconds.
    commit_micros: AtomicU64,
}

impl SignIns {
    /// The longest time that a sign-in waits for nothing.
    const COMMIT_TIME_MAX: Duration = Duration::from_millis(100);

    fn new(count_max: usize) -> Self {
        Self {
            permits: Semaphore::new(count_max),
            commit_micros: AtomicU64::new(0),
        }
    }

    /// Notes how long a failure took to be counted on disk.
    pub fn note_commit_time(&self, time: Duration) {
        let time = time.min(Self::COMMIT_TIME_MAX);
        let micros = u64::try_from(time.as_micros()).unwrap_or(0);
        self.commit_micros.store(micros, Ordering::Relaxed);
    }

    /// How long the last failure took to be counted on disk. The response to an unknown user, of whom nothing is
    /// written, waits for it, so that it comes no sooner.
    pub fn commit_time(&self) -> Duration {
        Duration::from_micros(self.commit_micros.load(Ordering::Relaxed))
    }
}

/// Which part of all uploads those of unknown callers may be.
const UNKNOWN_UPLOADS_PART: usize = 4;

/// The uploads of attachments that go on.
#[derive(Debug)]
pub struct Uploads {
    /// One for each that may go on.
    pub permits: Semaphore,
    /// One for each of these whose caller may be unknown while its file is received.
    pub permits_unknown: Semaphore,
    /// One, for the one that writes a chunk.
    writing: Semaphore,
    /// The blobs that are being uploaded or downloaded; jobs of the writer hold them too.
    pub blobs: Arc<BlobsInUse>,
}

impl Uploads {
    fn new(count_max: usize) -> Self {
        Self {
            permits: Semaphore::new(count_max),
            permits_unknown: Semaphore::new((count_max / UNKNOWN_UPLOADS_PART).max(1)),
            writing: Semaphore::new(1),
            blobs: Arc::default(),
        }
    }

    /// Waits until no other upload writes a chunk: a commit with more than one would take others longer. Until the
    /// permit is dropped, no other one does.
    pub async fn begin_write(&self) -> SemaphorePermit<'_> {
        let permit = self.writing.acquire().await;
        permit.expect("the semaphore is never closed")
    }
}

/// How often clients have guessed, for each of what they can guess.
#[derive(Debug)]
pub struct Throttles {
    /// Access tokens.
    pub access_tokens: Throttle,
    /// Ids and tokens of what applications keep for their users.
    pub logins: Throttle,
    /// Usernames and passwords.
    pub sign_ins: Throttle,
}

impl Throttles {
    fn new(config: &ThrottleConfig) -> Self {
        let new = || {
            Throttle::new(ThrottleRules {
                failures_max: u32::try_from(config.client_failures_max.get()).unwrap_or(u32::MAX),
                within: config.client_failures_time,
            })
        };
        Self {
            access_tokens: new(),
            logins: new(),
            sign_ins: new(),
        }
    }
}

/// When a process began to serve.
#[derive(Debug)]
pub struct Started {
    /// What the clock showed then.
    pub at: Timestamp,
    /// From which on the time since then is measured.
    pub instant: Instant,
}

/// Where a server is in its life.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum Phase {
    /// The database is being opened; requests are refused.
    Starting,
    /// Requests are served.
    Serving,
    /// Requests under way are finished; the server is about to stop.
    Draining,
}

impl App {
    /// An app that is starting.
    pub fn new(config: Config, store: Store, clock: Clock, entropy: Entropy, keys: Keys) -> Self {
        Self {
            list_memory: Arc::new(Semaphore::new(config.requests.list_memory_max >> 10)),
            passwords: PasswordPool::new(&config.passwords),
            throttles: Throttles::new(&config.throttle),
            sign_ins: SignIns::new(config.passwords.sign_ins_max.get()),
            uploads: Uploads::new(config.attachments.uploads_max.get()),
            started: Started {
                at: clock.now().time(),
                instant: Instant::now(),
            },
            management_token: OnceLock::new(),
            config,
            store: Arc::new(store),
            clock,
            request_ids: RequestIds::new(&entropy),
            entropy,
            keys,
            key_changes: Mutex::default(),
            ticket_requests: Arc::default(),
            unused_tokens: UnusedSecrets::default(),
            audit: Arc::default(),
            mail_queued: Arc::default(),
            warnings: Warnings::default(),
            metrics: Metrics::default(),
            backups: Arc::default(),
            long_walks: Semaphore::new(1),
            long_lists: Semaphore::new(1),
            phase: AtomicU8::new(Phase::Starting as u8),
            is_restricted_to_loopback: AtomicBool::new(false),
        }
    }

    /// Where the server is in its life.
    pub fn phase(&self) -> Phase {
        match self.phase.load(Ordering::Acquire) {
            0 => Phase::Starting,
            1 => Phase::Serving,
            _ => Phase::Draining,
        }
    }

    /// Enters the next phase.
    pub fn enter(&self, phase: Phase) {
        self.phase.store(phase as u8, Ordering::Release);
    }

    /// Whether only requests whose `Host` is this computer are served.
    pub fn is_restricted_to_loopback(&self) -> bool {
        self.is_restricted_to_loopback.load(Ordering::Relaxed)
    }

    /// Serves only requests whose `Host` is this computer from now on.
    pub fn restrict_to_loopback(&self) {
        self.is_restricted_to_loopback
            .store(true, Ordering::Relaxed);
    }

    /// Logs what has happened again and again.
    pub fn log_summaries(&self, taken: Taken, now: Instant) {
        self.warnings.log_summaries(taken, now);
        self.audit.log_summaries(taken, now);
    }

    /// Whether a balancer should send requests here.
    pub fn is_ready(&self) -> bool {
        self.phase() == Phase::Serving && self.store.is_open()
    }
}
