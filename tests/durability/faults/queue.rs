//! The writer's queue when the storage fails.

use std::sync::{Arc, mpsc};

use rememberd::testing::{App, Failure, tables::persistent_login};
use tokio::task;

use crate::faults::client::{self, wait_until};
use crate::faults::faulty_disk::{EIO, FaultyDisk};
use crate::support;
use crate::support::login::Login;

#[test]
fn a_failed_read_is_handled_while_the_queue_is_full() {
    let seed = support::test_seed();
    client::runtime().block_on(async {
        let (base, _) = client::create_database(1, seed).await;
        let disk = FaultyDisk::new(base, seed);
        let flags = ["--queue-jobs-max=1"];
        let app = Arc::new(client::serve(&flags, client::opener(&disk), seed).await);
        let release = hold_writer(&app).await;
        let store = Arc::clone(&app);
        let queued = task::spawn(async move { store.store.write(|_| Ok(())).await });
        task::yield_now().await;

        let failure = Failure::Storage("a page is damaged".to_owned());
        let failed = app.store.read(|_| Err::<(), _>(failure));
        assert!(matches!(failed, Err(Failure::Storage(_))));
        assert!(!app.is_ready());
        drop(release);
        assert_eq!(queued.await.expect("it does not panic"), Ok(()));
        wait_until("it is open again", || app.is_ready());
    });
}

#[test]
fn a_close_queued_behind_a_failing_batch_returns() {
    let seed = support::test_seed();
    client::runtime().block_on(async {
        let (base, ledger) = client::create_database(1, seed).await;
        let disk = FaultyDisk::new(base, seed);
        let app = Arc::new(client::serve(&[], client::opener(&disk), seed).await);
        let release = hold_writer(&app).await;
        let login: Login = ledger.present()[0].clone();
        let (first, second) = (Arc::clone(&app), Arc::clone(&app));
        let write = task::spawn(async move {
            let delete = first
                .store
                .write(move |txn| persistent_login::delete(txn, &login.imported()));
            delete.await
        });
        let close = task::spawn(async move { second.store.close().await });
        task::yield_now().await;

        disk.fail_all(EIO);
        drop(release);
        let written = write.await.expect("it does not panic");
        assert!(matches!(written, Err(Failure::Storage(_))));
        let closed = close.await.expect("it does not panic");
        assert!(matches!(closed, Err(Failure::Storage(_))), "{closed:?}");
        assert!(!app.is_ready());
        assert_eq!(app.store.close().await, Err(Failure::Unavailable));
    });
}

/// Blocks the writer until the returned value is dropped.
async fn hold_writer(app: &Arc<App>) -> mpsc::Sender<()> {
    let (held, when_held) = mpsc::channel::<()>();
    let (release, released) = mpsc::channel();
    let app = Arc::clone(app);
    task::spawn(async move {
        let hold = app.store.write(move |_| {
            held.send(()).expect("the test receives it");
            let _ = released.recv();
            Ok(())
        });
        hold.await
    });
    task::yield_now().await;
    when_held.recv().expect("the writer runs");
    release
}
