//! Concurrent clients.

use std::collections::HashSet;
use std::sync::Barrier;
use std::thread;

use crate::support::client::Client;
use crate::support::server::Server;

/// Runs `work` on `count` threads that start together, each with its own connection.
pub fn together<T: Send>(
    server: &Server,
    count: usize,
    work: impl Fn(Client) -> T + Sync,
) -> Vec<T> {
    let begin = Barrier::new(count);
    thread::scope(|scope| {
        let threads: Vec<_> = (0..count)
            .map(|_| {
                let client = Client::new(server.address);
                let (begin, work) = (&begin, &work);
                scope.spawn(move || {
                    begin.wait();
                    work(client)
                })
            })
            .collect();
        let join = |thread: thread::ScopedJoinHandle<'_, T>| thread.join().expect("no panic");
        threads.into_iter().map(join).collect()
    })
}

/// Returns the number of distinct texts.
pub fn distinct<'a>(texts: impl IntoIterator<Item = &'a String>) -> usize {
    texts.into_iter().collect::<HashSet<_>>().len()
}
