//! Why a use case did not return its value.

use crate::error::Failure;

/// A refusal of the resource's own kind, or a failure of the server. Inside a transaction the difference
/// counts: a refusal is a verdict like any other and lets the batch commit, a failure undoes it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Error<R> {
    /// The caller does not get what it asked for.
    Refused(R),
    /// The request was valid and could not be carried out.
    Failed(Failure),
}

impl<R> From<Failure> for Error<R> {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

impl<R> Error<R> {
    /// `outcome` as the storage takes it: a refusal is a verdict, and only a failure is an `Err`.
    ///
    /// # Errors
    ///
    /// The failure.
    pub fn into_verdict<T>(outcome: Result<T, Self>) -> Result<Result<T, R>, Failure> {
        match outcome {
            Ok(value) => Ok(Ok(value)),
            Err(Self::Refused(refusal)) => Ok(Err(refusal)),
            Err(Self::Failed(failure)) => Err(failure),
        }
    }

    /// The outcome whose verdict the storage returned.
    ///
    /// # Errors
    ///
    /// The refusal or the failure.
    pub fn from_verdict<T>(verdict: Result<Result<T, R>, Failure>) -> Result<T, Self> {
        verdict?.map_err(Self::Refused)
    }
}
