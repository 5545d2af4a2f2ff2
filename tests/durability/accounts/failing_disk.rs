//! A disk whose operations fail under changes of accounts: what was acknowledged is there, and what failed was carried
//! out as a whole or not at all, once the server has reopened its database.

use std::time::{Duration, Instant};

use rand::{Rng, RngExt};
use rememberd::testing::App;
use tokio::task::yield_now;

use crate::accounts::draw::draw;
use crate::accounts::model::Model;
use crate::accounts::operation::Operation;
use crate::accounts::state::State;
use crate::faults::client::{PATIENCE, opener};
use crate::faults::faulty_disk::{Damage, EIO, ENOSPC, Fault, FaultyDisk, Lasts};
use crate::{accounts, support};

/// The number of operations before the first fault, and the number of faults.
const BEFORE: usize = 150;
const FAULTS: usize = 60;

/// The largest number of operations of the disk before the one that fails.
const AT_MAX: usize = 30;

/// The largest number of requests that are made until one of them fails.
const REQUESTS_MAX: usize = 40;

#[tokio::test]
async fn what_fails_with_the_disk_is_done_as_a_whole_or_not_at_all() {
    let mut random = support::random(support::test_seed());
    let disk = FaultyDisk::new(Vec::new(), random.next_u64());
    let app = accounts::serve(opener(&disk), 1, support::START, random.next_u64()).await;
    accounts::put_root(&app).await;
    let mut model = Model::new(support::START);
    for number in 0..BEFORE {
        let operation = draw(&mut random, &model);
        let context = format!("operation {number}: {operation:?}");
        let answer = operation.clone().run(&app).await.expect("the disk works");
        model.apply(&context, &operation, &answer);
    }
    let (mut failed, mut done) = (0, 0);
    for number in 0..support::size("REMEMBERD_TEST_FAULTS", FAULTS) {
        disk.begin(Some(Fault {
            at: random.random_range(0..AT_MAX),
            lasts: [Lasts::Once, Lasts::For(2), Lasts::UntilRepaired][random.random_range(0..3)],
            damage: [Damage::Nothing, Damage::Part, Damage::Everything][random.random_range(0..3)],
            errno: [EIO, ENOSPC][random.random_range(0..2)],
        }));
        for _ in 0..REQUESTS_MAX {
            let step = Duration::from_millis(random.random_range(1..2_000));
            app.clock.advance(step);
            model.now += i64::try_from(step.as_millis()).expect("it is short");
            let operation = draw(&mut random, &model);
            let context = format!("fault {number}: {operation:?}");
            // The token that it replaced would be unknown afterwards.
            if matches!(operation, Operation::Refresh(_)) {
                continue;
            }
            match operation.clone().run(&app).await {
                Ok(answer) => model.apply(&context, &operation, &answer),
                Err(_) => {
                    disk.repair();
                    failed += 1;
                    done += usize::from(was_done(&context, &app, &mut model, &operation).await);
                    break;
                }
            }
        }
        disk.repair();
        let found = observe(&app, &model).await;
        assert_eq!(found, model.state(), "after fault {number}");
    }
    app.store.close().await.expect("the disk works");
    eprintln!("{failed} operations failed, {done} of which were carried out");
    assert!(failed > FAULTS / 4);
}

/// Whether the operation that failed was carried out. The model follows.
async fn was_done(context: &str, app: &App, model: &mut Model, operation: &Operation) -> bool {
    let found = observe(app, model).await;
    if found == model.state() {
        return false;
    }
    model.apply_unanswered(operation, &found);
    let found = observe(app, model).await;
    assert_eq!(found, model.state(), "{context}");
    true
}

/// All that can be seen, once the database is open again.
async fn observe(app: &App, model: &Model) -> State {
    let began = Instant::now();
    loop {
        assert!(began.elapsed() < PATIENCE, "the database stays closed");
        if app.store.write(|_| Ok(())).await.is_ok()
            && let Ok(state) = State::try_observe(app, &model.known)
        {
            return state;
        }
        yield_now().await;
    }
}
