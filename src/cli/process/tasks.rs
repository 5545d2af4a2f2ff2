//! Tasks that must run for as long as the process does: one that ends stops the process.

use std::future::Future;
use std::io;

use tokio::task::{JoinError, JoinHandle};

use crate::cli::error::CommandError;
use crate::error::describe;
use crate::http::panic::panic_message;

/// A task that runs until the process stops.
pub struct Task {
    /// What it does, for messages.
    name: &'static str,
    handle: JoinHandle<io::Result<()>>,
}

impl Task {
    /// Spawns `work`.
    pub fn spawn(
        name: &'static str,
        work: impl Future<Output = io::Result<()>> + Send + 'static,
    ) -> Self {
        let handle = tokio::spawn(work);
        Self { name, handle }
    }

    /// Awaits `work`.
    ///
    /// # Errors
    ///
    /// If the task ends first: an error, a panic, or an end that nothing asked for.
    pub async fn required_for<T>(
        &mut self,
        work: impl Future<Output = T>,
    ) -> Result<T, CommandError> {
        tokio::select! {
            ended = &mut self.handle => Err(match outcome(self.name, ended) {
                Ok(()) => CommandError::new(self.name, "it ended before the server was stopped"),
                Err(error) => error,
            }),
            output = work => Ok(output),
        }
    }

    /// Awaits the task, which was asked to end.
    ///
    /// # Errors
    ///
    /// The error or the panic that it ended with.
    pub async fn end(self) -> Result<(), CommandError> {
        outcome(self.name, self.handle.await)
    }

    /// Ends the task where it waits.
    pub fn abort(self) {
        self.handle.abort();
    }
}

fn outcome(
    name: &'static str,
    ended: Result<io::Result<()>, JoinError>,
) -> Result<(), CommandError> {
    match ended.map_err(JoinError::try_into_panic) {
        Ok(Ok(())) => Ok(()),
        Ok(Err(error)) => Err(CommandError::new(name, describe(&error))),
        Err(Ok(panic)) => {
            let message = panic_message(&*panic);
            Err(CommandError::new(name, format_args!("a panic: {message}")))
        }
        Err(Err(canceled)) => Err(CommandError::new(name, canceled)),
    }
}

#[cfg(test)]
mod tests {
    use std::future::{pending, ready};

    use super::*;

    /// The message of an error because `work` ended while it was required.
    async fn end_of(work: impl Future<Output = io::Result<()>> + Send + 'static) -> String {
        let mut task = Task::spawn("serving failed", work);
        let error = task.required_for(pending::<()>()).await;
        error.expect_err("the task has ended").to_string()
    }

    #[tokio::test]
    async fn a_task_that_ends_by_itself_ends_what_requires_it_with_its_reason() {
        let failed = end_of(async { Err(io::Error::other("no more sockets")) }).await;
        assert_eq!(failed, "serving failed: no more sockets");
        let panicked = end_of(async { panic!("out of bounds") }).await;
        assert_eq!(panicked, "serving failed: a panic: out of bounds");
        let ended = end_of(async { Ok(()) }).await;
        assert_eq!(
            ended,
            "serving failed: it ended before the server was stopped"
        );
    }

    #[tokio::test]
    async fn what_requires_a_task_that_runs_ends_as_usual() {
        let mut task = Task::spawn("serving failed", pending());
        assert_eq!(task.required_for(ready(7)).await, Ok(7));
        task.abort();
        let ended = Task::spawn("serving failed", ready(Ok(()))).end().await;
        assert_eq!(ended, Ok(()));
    }
}
