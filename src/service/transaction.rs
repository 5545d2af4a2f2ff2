//! Transactions of use cases, in which a refusal is a verdict: it is returned to the caller, and what was
//! written is committed all the same. Only a failure undoes it.

use crate::app::App;
use crate::error::Failure;
use crate::service::error::Error;
use crate::storage::transaction::read_txn::ReadTxn;
use crate::storage::transaction::write_txn::WriteTxn;

/// Runs `look` on a snapshot.
///
/// # Errors
///
/// What `look` refuses or fails with, or why there is no snapshot.
pub fn read<T, R>(
    app: &App,
    look: impl FnOnce(&ReadTxn) -> Result<T, Error<R>>,
) -> Result<T, Error<R>> {
    app.store
        .read(|txn| verdict(look(txn)))?
        .map_err(Error::Refused)
}

/// Runs `work` in the next write transaction and returns once its effects are on disk.
///
/// # Errors
///
/// What `work` refuses or fails with, or why it was not run or not committed.
pub async fn write<T, R>(
    app: &App,
    work: impl Fn(&WriteTxn) -> Result<T, Error<R>> + Send + 'static,
) -> Result<T, Error<R>>
where
    T: Send + 'static,
    R: Send + 'static,
{
    app.store
        .write(move |txn| verdict(work(txn)))
        .await?
        .map_err(Error::Refused)
}

/// `outcome` as the storage takes it: only a failure is an `Err`.
fn verdict<T, R>(outcome: Result<T, Error<R>>) -> Result<Result<T, R>, Failure> {
    match outcome {
        Ok(value) => Ok(Ok(value)),
        Err(Error::Refused(refusal)) => Ok(Err(refusal)),
        Err(Error::Failed(failure)) => Err(failure),
    }
}
