//! A client of the services that keeps a ledger, and retries failed requests until they succeed.

use std::path::Path;
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use hyper::{Method, StatusCode};
use rand::RngExt;
use rand::rngs::StdRng;
use rand::seq::{IndexedRandom, IteratorRandom};
use rememberd::testing::{
    ApiError, App, Caller, Config, DataDirectory, Device, Engine, EngineOptions, Failure,
    JOURNALED, Journal, LoginError, Opener, Opening, PersistentLoginId, Phase, WriterLimits,
    open_store, service::demo, service::persistent_login,
};
use tokio::runtime::Runtime;
use tokio::task;

use crate::faults::faulty_disk::FaultyDisk;
use crate::faults::ledger::{Ledger, State};
use crate::support;
use crate::support::audit;
use crate::support::login::Login;

/// The timeout of waits and requests. Only a failing test takes that long.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// The maximum number of requests in a commit.
const REQUESTS_MAX: usize = 5;

/// A cache so small that most reads reach the disk.
pub const OPTIONS: EngineOptions = EngineOptions {
    cache_bytes: 32 << 10,
    two_phase_commit: false,
};

/// A request of a client.
#[derive(Clone, Debug)]
pub enum Request {
    Create,
    /// Compare and rotate, with the token that the client received last.
    Refresh(Login),
    Delete(PersistentLoginId),
    Read(PersistentLoginId),
    List,
}

/// The response to a request.
#[derive(Debug)]
enum Response {
    Login(Login),
    Deleted,
    Listed(usize),
}

/// A client of an app.
pub struct Client {
    pub app: Arc<App>,
    pub ledger: Ledger,
    touched: Vec<PersistentLoginId>,
}

impl Client {
    pub fn new(app: App, ledger: Ledger) -> Self {
        Self {
            app: Arc::new(app),
            ledger,
            touched: Vec::new(),
        }
    }

    /// Sends some requests at the same time, and retries those that failed until they succeed. Calls
    /// `on_failure` for every failure.
    pub async fn round(&mut self, random: &mut StdRng, mut on_failure: impl FnMut(&App, &Failure)) {
        let mut requests = self.draw(random);
        let began = Instant::now();
        while !requests.is_empty() {
            assert!(began.elapsed() < PATIENCE, "still failing: {requests:?}");
            requests = self.attempt(requests, &mut on_failure).await;
            thread::yield_now();
        }
    }

    /// Reads all logins that were changed, and asserts that they match the ledger.
    pub async fn assert_reads_back(&mut self, mut on_failure: impl FnMut(&App, &Failure)) {
        let began = Instant::now();
        let mut requests: Vec<_> = self.touched.drain(..).map(Request::Read).collect();
        while !requests.is_empty() {
            assert!(began.elapsed() < PATIENCE, "still failing: {requests:?}");
            requests = self.attempt(requests, &mut on_failure).await;
            thread::yield_now();
        }
    }

    /// Sends the requests once. Returns those that failed.
    async fn attempt(
        &mut self,
        requests: Vec<Request>,
        on_failure: &mut impl FnMut(&App, &Failure),
    ) -> Vec<Request> {
        let responses = run_in_one_batch(&self.app, &requests).await;
        let mut failed = Vec::new();
        let mut failures = Vec::new();
        for (request, response) in requests.into_iter().zip(responses) {
            self.assert_and_record(&request, &response);
            if let Err(failure) = response {
                failed.push(request);
                failures.push(failure);
            }
        }
        for failure in &failures {
            assert_eq!(status(failure), StatusCode::SERVICE_UNAVAILABLE);
            on_failure(&self.app, failure);
        }
        failed
    }

    /// Records the response in the ledger, and asserts that it matches.
    fn assert_and_record(&mut self, request: &Request, response: &Result<Response, Failure>) {
        let ledger = &mut self.ledger;
        let outcome = match (request, response) {
            (Request::Create, Ok(Response::Login(created))) => {
                self.touched.push(created.id);
                ledger.request_creation();
                ledger.acknowledge_creation(created);
                Ok(())
            }
            (Request::Create, Err(Failure::Storage(_))) => {
                ledger.request_creation();
                Ok(())
            }
            (Request::Refresh(presented), Ok(Response::Login(found))) => {
                assert_ne!(
                    presented.token, found.token,
                    "the presented token is replaced"
                );
                self.touched.push(found.id);
                ledger.request(found.id, State::Rotated(presented.clone()));
                ledger.reconcile(found.id, Some(found))
            }
            (Request::Refresh(presented), Err(Failure::Storage(_))) => {
                ledger.request(presented.id, State::Rotated(presented.clone()));
                Ok(())
            }
            (Request::Delete(id), Ok(Response::Deleted)) => {
                ledger.request(*id, State::Absent);
                ledger.reconcile(*id, None)
            }
            (Request::Delete(id), Err(Failure::Storage(_))) => {
                ledger.request(*id, State::Absent);
                Ok(())
            }
            (Request::Read(id), Ok(Response::Login(found))) => ledger.reconcile(*id, Some(found)),
            (Request::Read(id), Ok(Response::Deleted)) => ledger.reconcile(*id, None),
            (Request::List, Ok(Response::Listed(count))) => {
                assert!(*count >= ledger.present().len(), "{count} are listed");
                Ok(())
            }
            // Nothing was applied, or the request changes nothing.
            (_, Err(Failure::Unavailable | Failure::Unreadable(_)))
            | (Request::Read(_) | Request::List, Err(_)) => Ok(()),
            other => panic!("not a response to this request: {other:?}"),
        };
        outcome.expect("it matches the ledger");
    }

    fn draw(&self, random: &mut StdRng) -> Vec<Request> {
        let mut present = self.ledger.present();
        match random.random_range(0..10) {
            0 => return vec![Request::List],
            1 => {
                let login = present.choose(random).expect("there are logins");
                return vec![Request::Read(login.id)];
            }
            _ => {}
        }
        let count = random.random_range(1..=REQUESTS_MAX);
        let mut requests = Vec::new();
        for _ in 0..count {
            let index = (0..present.len()).choose(random).expect("there are logins");
            let login = present.swap_remove(index).clone();
            match random.random_range(0..10) {
                0..3 => requests.push(Request::Create),
                3..7 => requests.push(Request::Refresh(login)),
                // As two tabs of a browser do.
                7..8 => requests.extend([Request::Refresh(login.clone()), Request::Refresh(login)]),
                _ => requests.push(Request::Delete(login.id)),
            }
        }
        requests
    }
}

/// The status of the response to a failure.
pub fn status(failure: &Failure) -> StatusCode {
    ApiError::from(failure.clone())
        .to_response(&Method::POST)
        .status()
}

/// Runs all requests in one commit: they are queued while the writer is blocked.
async fn run_in_one_batch(app: &Arc<App>, requests: &[Request]) -> Vec<Result<Response, Failure>> {
    let (held, when_held) = mpsc::channel::<()>();
    let (release, released) = mpsc::channel::<()>();
    let holder = Arc::clone(app);
    let hold = task::spawn(async move {
        let held = holder.store.write(move |_| {
            let _ = held.send(());
            let _ = released.recv();
            Ok(())
        });
        held.await
    });
    task::yield_now().await;
    // If the storage fails, the writer is not blocked.
    let _ = when_held.recv();
    let tasks: Vec<_> = requests
        .iter()
        .map(|request| task::spawn(send(Arc::clone(app), request.clone())))
        .collect();
    task::yield_now().await;
    let _ = release.send(());
    let _ = hold.await.expect("it does not panic");
    let mut responses = Vec::new();
    for task in tasks {
        responses.push(task.await.expect("it does not panic"));
    }
    responses
}

/// Sends the request once. It must not be refused, except for the read of a deleted login.
async fn send(app: Arc<App>, request: Request) -> Result<Response, Failure> {
    let caller = Caller::new(Some(demo::ACCESS_TOKEN_ID.to_owned()));
    let profile = support::DEMO_PROFILE.to_owned();
    let is_read = matches!(request, Request::Read(_));
    let response = match request.clone() {
        Request::Create => persistent_login::create(&app, caller, profile, Device::default())
            .await
            .map(|login| Response::Login(login.into())),
        Request::Refresh(login) => {
            persistent_login::refresh(&app, caller, login.id.to_string(), Some(login.token))
                .await
                .map(|refreshed| Response::Login(refreshed.login.into()))
        }
        Request::Delete(id) => persistent_login::delete(&app, caller, id.to_string())
            .await
            .map(|()| Response::Deleted),
        Request::Read(id) => persistent_login::read(&app, caller, id.to_string())
            .map(|login| Response::Login(login.into())),
        Request::List => persistent_login::list_by_profile(&app, caller, profile, 0, usize::MAX)
            .await
            .map(|listed| Response::Listed(listed.len())),
    };
    match response {
        Ok(response) => Ok(response),
        Err(LoginError::Failed(failure)) => Err(failure),
        Err(LoginError::Refused(_)) if is_read => Ok(Response::Deleted),
        Err(LoginError::Refused(refusal)) => panic!("{request:?} is refused: {refusal:?}"),
    }
}

/// A runtime on the thread of the test.
pub fn runtime() -> Runtime {
    tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .expect("a runtime")
}

/// An app on the database that `opener` opens, whose ids and tokens depend on `seed` only.
pub async fn serve(flags: &[&str], opener: Opener, seed: u64) -> App {
    let app = try_to_serve(flags, opener, seed).await;
    app.expect("it opens")
}

/// As [`serve`].
///
/// # Errors
///
/// If the database cannot be opened.
pub async fn try_to_serve(flags: &[&str], opener: Opener, seed: u64) -> Result<App, Failure> {
    let config = Config::from_flags(flags).expect("the flags are valid");
    let limits = WriterLimits {
        journal: support::tiny_journal(),
        ..WriterLimits::new(&config)
    };
    let store = open_store(opener, &limits).await?;
    let app = support::app(flags, store, support::START, seed);
    app.enter(Phase::Serving);
    Ok(app)
}

/// An opener of the database on the disk, which drops the host's cache after a failure as the server does.
pub fn opener(disk: &FaultyDisk) -> Opener {
    let disk = disk.clone();
    Box::new(move |opening| {
        if opening == Opening::AfterFailure {
            disk.forget_cached();
        }
        Engine::open_backend(disk.clone(), &OPTIONS)
    })
}

/// Creates a database with `logins` logins. Returns its content and the ledger of it.
pub async fn create_database(logins: usize, seed: u64) -> (Vec<u8>, Ledger) {
    let disk = FaultyDisk::new(Vec::new(), seed);
    let app = serve(&[], opener(&disk), seed).await;
    support::load_demo(&app).await;
    let app = Arc::new(app);
    for created in run_in_one_batch(&app, &vec![Request::Create; logins]).await {
        created.expect("the disk works");
    }
    app.store.close().await.expect("it closes");
    let mut ledger = Ledger::default();
    for login in logins_in(disk.stored()).expect("it is consistent") {
        ledger.add_existing(&login);
    }
    (disk.stored(), ledger)
}

/// All logins in this image of a disk.
pub fn logins_in(image: Vec<u8>) -> Result<Vec<Login>, String> {
    let described = |failure: Failure| failure.to_string();
    let engine = Engine::open_backend(FaultyDisk::new(image, 0), &OPTIONS).map_err(described)?;
    let journal =
        Journal::open(engine, JOURNALED, &support::tiny_journal(), 0).map_err(described)?;
    audit::logins(&*journal.newest(), &support::keys())
}

/// Locks a data directory. Another test may have started a process just now, which holds every file of this one until
/// it runs its own program.
pub fn lock(path: &Path) -> DataDirectory {
    let mut locked = None;
    wait_until("the directory is free", || {
        locked = DataDirectory::lock(path).ok();
        locked.is_some()
    });
    locked.expect("it was just locked")
}

/// Waits until `condition` holds.
#[track_caller]
pub fn wait_until(what: &str, mut condition: impl FnMut() -> bool) {
    let began = Instant::now();
    while !condition() {
        assert!(began.elapsed() < PATIENCE, "timed out waiting until {what}");
        thread::yield_now();
    }
}
