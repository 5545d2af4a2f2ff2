//! A client of the services that keeps a ledger, and asks again until it is served.

use std::sync::{Arc, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use hyper::{Method, StatusCode};
use rand::RngExt;
use rand::rngs::StdRng;
use rand::seq::{IndexedRandom, IteratorRandom};
use rememberd::testing::{
    ApiError, App, Caller, Config, Device, Engine, EngineOptions, Failure, JOURNALED, Journal,
    LoginError, Opener, Opening, PersistentLogin, PersistentLoginId, Phase, WriterLimits,
    open_store, service::demo, service::persistent_login,
};
use tokio::runtime::Runtime;
use tokio::task;

use crate::faults::faulty_disk::FaultyDisk;
use crate::faults::ledger::{Ledger, State};
use crate::support;
use crate::support::audit;

/// How long to wait for what must happen. Only a test that fails waits so long.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// How many operations share a commit at most.
const WISHES_MAX: usize = 5;

/// So little that most reads reach the disk.
pub const OPTIONS: EngineOptions = EngineOptions {
    cache_bytes: 32 << 10,
    two_phase_commit: false,
};

/// What a client may ask for.
#[derive(Clone, Debug)]
pub enum Wish {
    Create,
    /// Compare and rotate, with the token that the client was told last.
    Refresh(PersistentLogin),
    Delete(PersistentLoginId),
    Read(PersistentLoginId),
    List,
}

/// What it got.
#[derive(Debug)]
enum Answer {
    Login(PersistentLogin),
    Deleted,
    Listed(usize),
}

/// The client, with the app that it talks to.
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

    /// Asks for some things at a time, and again for what failed until it is served. `bear` is told of
    /// every failure.
    pub async fn round(&mut self, random: &mut StdRng, mut bear: impl FnMut(&App, &Failure)) {
        let mut wishes = self.draw(random);
        let began = Instant::now();
        while !wishes.is_empty() {
            assert!(began.elapsed() < PATIENCE, "in vain: {wishes:?}");
            wishes = self.attempt(wishes, &mut bear).await;
            thread::yield_now();
        }
    }

    /// Reads everything that was asked for, until all is served and is as it was told.
    pub async fn read_back(&mut self, mut bear: impl FnMut(&App, &Failure)) {
        let began = Instant::now();
        let mut wishes: Vec<_> = self.touched.drain(..).map(Wish::Read).collect();
        while !wishes.is_empty() {
            assert!(began.elapsed() < PATIENCE, "in vain: {wishes:?}");
            wishes = self.attempt(wishes, &mut bear).await;
            thread::yield_now();
        }
    }

    /// Asks once; returns what failed.
    async fn attempt(
        &mut self,
        wishes: Vec<Wish>,
        bear: &mut impl FnMut(&App, &Failure),
    ) -> Vec<Wish> {
        let answers = at_once(&self.app, &wishes).await;
        let mut failed = Vec::new();
        let mut failures = Vec::new();
        for (wish, answer) in wishes.into_iter().zip(answers) {
            self.note(&wish, &answer);
            if let Err(failure) = answer {
                failed.push(wish);
                failures.push(failure);
            }
        }
        for failure in &failures {
            assert_eq!(status(failure), StatusCode::SERVICE_UNAVAILABLE);
            bear(&self.app, failure);
        }
        failed
    }

    fn note(&mut self, wish: &Wish, answer: &Result<Answer, Failure>) {
        let ledger = &mut self.ledger;
        let outcome = match (wish, answer) {
            (Wish::Create, Ok(Answer::Login(created))) => {
                self.touched.push(created.id);
                ledger.ask_creation();
                ledger.answer_creation(created);
                Ok(())
            }
            (Wish::Create, Err(Failure::Storage(_))) => {
                ledger.ask_creation();
                Ok(())
            }
            (Wish::Refresh(presented), Ok(Answer::Login(found))) => {
                assert_ne!(presented.token, found.token, "it was presented");
                self.touched.push(found.id);
                ledger.ask(found.id, State::Rotated(presented.clone()));
                ledger.resolve(found.id, Some(found))
            }
            (Wish::Refresh(presented), Err(Failure::Storage(_))) => {
                ledger.ask(presented.id, State::Rotated(presented.clone()));
                Ok(())
            }
            (Wish::Delete(id), Ok(Answer::Deleted)) => {
                ledger.ask(*id, State::Absent);
                ledger.resolve(*id, None)
            }
            (Wish::Delete(id), Err(Failure::Storage(_))) => {
                ledger.ask(*id, State::Absent);
                Ok(())
            }
            (Wish::Read(id), Ok(Answer::Login(found))) => ledger.resolve(*id, Some(found)),
            (Wish::Read(id), Ok(Answer::Deleted)) => ledger.resolve(*id, None),
            (Wish::List, Ok(Answer::Listed(count))) => {
                assert!(*count >= ledger.present().len(), "{count} are listed");
                Ok(())
            }
            // Nothing was applied, or there was nothing to apply.
            (_, Err(Failure::Unavailable)) | (Wish::Read(_) | Wish::List, Err(_)) => Ok(()),
            other => panic!("not an answer to this: {other:?}"),
        };
        outcome.expect("it is as it was told");
    }

    fn draw(&self, random: &mut StdRng) -> Vec<Wish> {
        let mut present = self.ledger.present();
        match random.random_range(0..10) {
            0 => return vec![Wish::List],
            1 => {
                let login = present.choose(random).expect("some are left");
                return vec![Wish::Read(login.id)];
            }
            _ => {}
        }
        let count = random.random_range(1..=WISHES_MAX);
        let mut wishes = Vec::new();
        for _ in 0..count {
            let index = (0..present.len()).choose(random).expect("some are left");
            let login = present.swap_remove(index).clone();
            match random.random_range(0..10) {
                0..3 => wishes.push(Wish::Create),
                3..7 => wishes.push(Wish::Refresh(login)),
                // Two tabs of one browser.
                7..8 => wishes.extend([Wish::Refresh(login.clone()), Wish::Refresh(login)]),
                _ => wishes.push(Wish::Delete(login.id)),
            }
        }
        wishes
    }
}

/// The status that the failure is answered with.
pub fn status(failure: &Failure) -> StatusCode {
    ApiError::from(failure.clone())
        .to_response(&Method::POST)
        .status()
}

/// Has all wishes reach the writer while it is held up, so that they share a commit.
async fn at_once(app: &Arc<App>, wishes: &[Wish]) -> Vec<Result<Answer, Failure>> {
    let (held, when_held) = mpsc::channel::<()>();
    let (release, released) = mpsc::channel::<()>();
    let holder = Arc::clone(app);
    let hold = task::spawn(async move {
        let held_up = holder.store.write(move |_| {
            let _ = held.send(());
            let _ = released.recv();
            Ok(())
        });
        held_up.await
    });
    task::yield_now().await;
    // If the storage fails, it is not held up.
    let _ = when_held.recv();
    let tasks: Vec<_> = wishes
        .iter()
        .map(|wish| task::spawn(perform(Arc::clone(app), wish.clone())))
        .collect();
    task::yield_now().await;
    let _ = release.send(());
    let _ = hold.await.expect("it does not panic");
    let mut answers = Vec::new();
    for task in tasks {
        answers.push(task.await.expect("it does not panic"));
    }
    answers
}

/// Asks for it once. Nothing that this client asks for may be refused, but the read of a deleted login.
async fn perform(app: Arc<App>, wish: Wish) -> Result<Answer, Failure> {
    let caller = Caller::new(Some(demo::ACCESS_TOKEN_ID.to_owned()));
    let profile = support::DEMO_PROFILE.to_owned();
    let is_read = matches!(wish, Wish::Read(_));
    let answer = match wish.clone() {
        Wish::Create => persistent_login::create(&app, caller, profile, Device::default())
            .await
            .map(Answer::Login),
        Wish::Refresh(login) => {
            persistent_login::refresh(&app, caller, login.id.to_string(), Some(login.token))
                .await
                .map(Answer::Login)
        }
        Wish::Delete(id) => persistent_login::delete(&app, caller, id.to_string())
            .await
            .map(|()| Answer::Deleted),
        Wish::Read(id) => persistent_login::read(&app, caller, id.to_string()).map(Answer::Login),
        Wish::List => persistent_login::list_by_profile(&app, caller, profile, 0, usize::MAX)
            .map(|listed| Answer::Listed(listed.len())),
    };
    match answer {
        Ok(answer) => Ok(answer),
        Err(LoginError::Failed(failure)) => Err(failure),
        Err(LoginError::Refused(_)) if is_read => Ok(Answer::Deleted),
        Err(LoginError::Refused(refusal)) => panic!("{wish:?} is refused: {refusal:?}"),
    }
}

/// A runtime on the thread of the test.
pub fn runtime() -> Runtime {
    tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .expect("a runtime")
}

/// An app that serves from what `opener` opens, and draws from `seed`.
pub async fn serve(flags: &[&str], opener: Opener, seed: u64) -> App {
    let config = Config::from_flags(flags).expect("the flags are good");
    let limits = WriterLimits {
        journal: support::tiny_journal(),
        ..WriterLimits::new(&config)
    };
    let store = open_store(opener, &limits).await.expect("it opens");
    let app = support::app(flags, store, support::START, seed);
    app.enter(Phase::Serving);
    app
}

/// Opens the database on the disk, as the server opens one in a file.
pub fn opener(disk: &FaultyDisk) -> Opener {
    let disk = disk.clone();
    Box::new(move |opening| {
        if opening == Opening::AfterFailure {
            disk.forget_cached();
        }
        Engine::open_backend(disk.clone(), &OPTIONS)
    })
}

/// A database with so many logins, and what a client knows of it.
pub async fn furnish(logins: usize, seed: u64) -> (Vec<u8>, Ledger) {
    let disk = FaultyDisk::new(Vec::new(), seed);
    let app = serve(&[], opener(&disk), seed).await;
    support::load_demo(&app).await;
    let app = Arc::new(app);
    for created in at_once(&app, &vec![Wish::Create; logins]).await {
        created.expect("the disk works");
    }
    app.store.close().await.expect("it closes");
    let mut ledger = Ledger::default();
    for login in logins_in(disk.stored()).expect("it is whole") {
        ledger.begin(&login);
    }
    (disk.stored(), ledger)
}

/// Every login in this image of a disk.
pub fn logins_in(image: Vec<u8>) -> Result<Vec<PersistentLogin>, String> {
    let described = |failure: Failure| failure.to_string();
    let engine = Engine::open_backend(FaultyDisk::new(image, 0), &OPTIONS).map_err(described)?;
    let journal =
        Journal::open(engine, JOURNALED, &support::tiny_journal(), 0).map_err(described)?;
    audit::logins(&*journal.newest())
}

/// Waits until `condition` holds.
#[track_caller]
pub fn wait_until(what: &str, mut condition: impl FnMut() -> bool) {
    let began = Instant::now();
    while !condition() {
        assert!(began.elapsed() < PATIENCE, "waited in vain until {what}");
        thread::yield_now();
    }
}
