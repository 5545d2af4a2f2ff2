//! Concurrent calls of the services: each has its effect at one moment between its start and its response.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use rand::Rng;
use rememberd::testing::App;
use tokio::task::{JoinSet, yield_now};

use crate::accounts::operation::{Answer, Change, Created, Operation, Success, Update};
use crate::support::disk::Disk;
use crate::{accounts, support};

const TENANT: &str = "acme";
const ATTRIBUTES: [&str; 4] = ["age", "size", "floor", "score"];

/// The number of concurrent clients, and of calls of each.
const CLIENTS: usize = 6;
const CALLS: usize = 30;

/// The number of times that access ends.
const ROUNDS: usize = 20;

async fn served() -> Arc<App> {
    let seed = support::test_seed();
    let mut random = support::random(seed);
    let disk = Disk::without_syncs();
    let app = accounts::open(&disk, 1, support::START, random.next_u64()).await;
    accounts::put_root(&app).await;
    accepted(&app, Operation::CreateTenant(TENANT)).await;
    let definitions = ATTRIBUTES.map(|name| (name, None)).to_vec();
    let change = Change::AddDefinitions(definitions);
    accepted(&app, Operation::ChangeTenant(TENANT, change)).await;
    Arc::new(app)
}

async fn run(app: &App, operation: Operation) -> Answer {
    let context = format!("{operation:?}");
    let answer = operation.run(app).await;
    answer.unwrap_or_else(|failure| panic!("{context}: {failure}"))
}

async fn accepted(app: &App, operation: Operation) -> Success {
    let context = format!("{operation:?}");
    let answer = run(app, operation).await;
    answer.unwrap_or_else(|refusal| panic!("{context}: {refusal}"))
}

fn new_profile(username: &'static str) -> Created {
    Created {
        tenant: TENANT,
        username,
        email: 0,
        password: Some(0),
        is_enabled: true,
        roles: Vec::new(),
        attributes: Vec::new(),
    }
}

/// Creates something. Returns its id.
async fn created(app: &App, operation: Operation) -> String {
    match accepted(app, operation).await {
        Success::Id(id) | Success::Login(id, _) => id,
        Success::Profile(profile) => profile.id,
        other => panic!("it has no id: {other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_last_request_of_a_ticket_is_later_than_that_of_each_response_before() {
    let app = served().await;
    let profile = created(&app, Operation::CreateProfile(new_profile("ann"))).await;
    let ticket = created(&app, Operation::CreateTicket(profile)).await;
    // The latest time of a response so far.
    let latest = Arc::new(AtomicU64::new(0));
    let mut clients = JoinSet::new();
    for number in 0..=CLIENTS {
        let (app, ticket, latest) = (Arc::clone(&app), ticket.clone(), Arc::clone(&latest));
        clients.spawn(async move {
            let mut times = Vec::new();
            for _ in 0..CALLS * 10 {
                if number == CLIENTS {
                    accepted(&app, Operation::SaveRequests).await;
                    continue;
                }
                let before = latest.load(Ordering::SeqCst);
                let read = accepted(&app, Operation::ReadTicket(ticket.clone())).await;
                let Success::Time(time) = read else {
                    panic!("{read:?}");
                };
                let time = u64::try_from(time).expect("it is after 1970");
                assert!(time > before, "{time} after {before}");
                latest.fetch_max(time, Ordering::SeqCst);
                times.push(time);
                yield_now().await;
            }
            times
        });
    }
    let times = clients.join_all().await.concat();
    let distinct: BTreeSet<_> = times.iter().collect();
    assert_eq!(distinct.len(), CLIENTS * CALLS * 10);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn nothing_is_accepted_after_the_response_that_ended_it() {
    let app = served().await;
    let mut refused = 0;
    for round in 0..ROUNDS {
        let profile = created(&app, Operation::CreateProfile(new_profile("ann"))).await;
        let ticket = created(&app, Operation::CreateTicket(profile.clone())).await;
        let login = created(&app, Operation::CreateLogin(profile.clone())).await;
        accepted(&app, Operation::CreateToken("shop")).await;
        let password = Update {
            password: Some(1),
            ..Update::default()
        };
        let end = [
            Operation::SetEnabled(profile.clone(), false),
            Operation::DeleteProfile(profile.clone()),
            Operation::UpdateProfile(profile.clone(), password),
            Operation::DeleteTenant(TENANT),
            Operation::DeleteToken("shop"),
        ][round % 5]
            .clone();
        let ends_token = matches!(end, Operation::DeleteToken(_));
        let used = if ends_token {
            vec![Operation::UseToken("shop", profile.clone())]
        } else {
            vec![
                Operation::ReadTicket(ticket.clone()),
                Operation::Refresh(login.clone()),
            ]
        };
        let has_ended = Arc::new(AtomicBool::new(false));
        let mut clients = JoinSet::new();
        for number in 0..CLIENTS {
            let (app, has_ended) = (Arc::clone(&app), Arc::clone(&has_ended));
            let operation = used[number % used.len()].clone();
            clients.spawn(async move {
                let mut refused_before = false;
                loop {
                    let is_late = has_ended.load(Ordering::SeqCst);
                    let answer = run(&app, operation.clone()).await;
                    assert!(!is_late || answer.is_err(), "after the end: {answer:?}");
                    // What has ended does not work again.
                    assert!(!refused_before || answer.is_err(), "{answer:?}");
                    refused_before = answer.is_err();
                    if is_late {
                        return 1;
                    }
                    yield_now().await;
                }
            });
        }
        for _ in 0..round {
            yield_now().await;
        }
        accepted(&app, end.clone()).await;
        has_ended.store(true, Ordering::SeqCst);
        if matches!(end, Operation::SetEnabled(..)) {
            accepted(&app, Operation::SetEnabled(profile.clone(), true)).await;
        }
        refused += clients.join_all().await.into_iter().sum::<usize>();
        for operation in used {
            let answer = run(&app, operation).await;
            assert!(answer.is_err(), "{end:?}: {answer:?}");
        }
        accepted(&app, Operation::DeleteTenant(TENANT)).await;
        accepted(&app, Operation::CreateTenant(TENANT)).await;
        accepted(&app, Operation::DeleteToken("shop")).await;
    }
    assert_eq!(refused, ROUNDS * CLIENTS);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_many_profiles_one_gets_a_username() {
    let app = served().await;
    for round in 0..ROUNDS {
        // Half of the clients create a profile, the others rename theirs.
        let names = ["ann", "bob", "cleo"];
        let mut renamed = Vec::new();
        for username in names {
            let created = Operation::CreateProfile(new_profile(username));
            renamed.push(created_id(&run(&app, created).await));
        }
        let mut clients = JoinSet::new();
        for number in 0..CLIENTS {
            let app = Arc::clone(&app);
            let operation = match &renamed[number % names.len()] {
                Some(id) if number >= names.len() => {
                    let update = Update {
                        username: Some("eve"),
                        ..Update::default()
                    };
                    Operation::UpdateProfile(id.clone(), update)
                }
                _ => Operation::CreateProfile(new_profile("eve")),
            };
            clients.spawn(async move { run(&app, operation).await });
        }
        let answers = clients.join_all().await;
        let winners: Vec<_> = answers.iter().filter_map(created_id).collect();
        assert_eq!(winners.len(), 1, "round {round}: {answers:?}");
        let taken = Err("UsernameTaken".to_owned());
        let losers = answers.iter().filter(|&answer| *answer == taken);
        assert_eq!(losers.count(), CLIENTS - 1, "{answers:?}");
        let again = Operation::CreateProfile(new_profile("eve"));
        assert_eq!(run(&app, again).await, taken);
        accepted(&app, Operation::DeleteTenant(TENANT)).await;
        accepted(&app, Operation::CreateTenant(TENANT)).await;
    }
}

fn created_id(answer: &Answer) -> Option<String> {
    match answer {
        Ok(Success::Profile(profile)) => Some(profile.id.clone()),
        _ => None,
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn no_change_of_a_profile_undoes_another() {
    let app = served().await;
    let profile = created(&app, Operation::CreateProfile(new_profile("ann"))).await;
    accepted(&app, Operation::CreateToken("shop")).await;
    let acknowledged = Arc::new(ATTRIBUTES.map(|_| AtomicU64::new(0)));
    let mut clients = JoinSet::new();
    for (number, name) in ATTRIBUTES.into_iter().enumerate() {
        let (app, profile) = (Arc::clone(&app), profile.clone());
        let acknowledged = Arc::clone(&acknowledged);
        clients.spawn(async move {
            for value in 1..=CALLS as u32 {
                let set = Operation::SetAttributes(profile.clone(), vec![(name, value)]);
                accepted(&app, set).await;
                acknowledged[number].store(value.into(), Ordering::SeqCst);
            }
        });
    }
    for _ in 0..2 {
        let (app, profile) = (Arc::clone(&app), profile.clone());
        let acknowledged = Arc::clone(&acknowledged);
        clients.spawn(async move {
            let mut seen = ATTRIBUTES.map(|_| 0);
            while seen.iter().any(|&value| value < CALLS as u64) {
                let before = acknowledged
                    .each_ref()
                    .map(|value| value.load(Ordering::SeqCst));
                let read = Operation::UseToken("shop", profile.clone());
                let Success::Profile(found) = accepted(&app, read).await else {
                    panic!("a profile is read");
                };
                for (number, name) in ATTRIBUTES.into_iter().enumerate() {
                    let value = found.attributes.get(name);
                    let value = value.map_or(0, |value| value.parse().expect("a number"));
                    let least = before[number].max(seen[number]);
                    assert!(value >= least, "{name}: {value} after {least}");
                    seen[number] = value;
                }
                yield_now().await;
            }
        });
    }
    clients.join_all().await;
}
