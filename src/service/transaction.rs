//! Transactions of use cases, in which a refusal is a verdict: it is returned to the caller, and what was
//! written is committed all the same. Only a failure undoes it.

use crate::app::App;
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
    Error::from_verdict(app.store.read(|txn| Error::into_verdict(look(txn))))
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
    let verdict = app.store.write(move |txn| Error::into_verdict(work(txn)));
    Error::from_verdict(verdict.await)
}
