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

impl<R> Error<R> {
    /// The same with the refusal of another resource.
    pub fn map<Q>(self, refusal: impl FnOnce(R) -> Q) -> Error<Q> {
        match self {
            Self::Refused(refused) => Error::Refused(refusal(refused)),
            Self::Failed(failure) => Error::Failed(failure),
        }
    }
}

impl<R> From<Failure> for Error<R> {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

/// Why the use cases of a resource refuse. One that also refuses what another one does is made from its refusal, as all
/// are from [`AccessRefusal`](crate::service::caller::AccessRefusal).
pub trait Refusal {}

impl<R: From<P>, P: Refusal> From<P> for Error<R> {
    fn from(refusal: P) -> Self {
        Self::Refused(refusal.into())
    }
}
