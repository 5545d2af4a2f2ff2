//! Panics of handlers become responses, so that one request's panic does not close its connection.

use std::any::Any;
use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::task::Poll;

use crate::error::Failure;
use crate::http::error::ApiError;

/// Runs `work`.
///
/// # Errors
///
/// The error of `work`, or [`Failure::Internal`] if it panicked.
pub fn catch_panic<T>(work: impl FnOnce() -> Result<T, ApiError>) -> Result<T, ApiError> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|payload| {
        let message = panic_message(&*payload);
        Err(Failure::Internal(format!("a handler panicked: {message}")).into())
    })
}

/// Awaits `work`; its errors are those of [`catch_panic`].
pub fn catch_panic_async<T>(
    mut work: Pin<&mut impl Future<Output = Result<T, ApiError>>>,
) -> impl Future<Output = Result<T, ApiError>> {
    poll_fn(move |context| {
        catch_panic(|| Ok(work.as_mut().poll(context)))
            .unwrap_or_else(|error| Poll::Ready(Err(error)))
    })
}

/// The message of a panic.
pub fn panic_message(payload: &(dyn Any + Send)) -> &str {
    payload
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| payload.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("without a message")
}

#[cfg(test)]
mod tests {
    use std::pin::pin;

    use super::*;

    #[tokio::test]
    async fn a_panic_is_an_internal_failure() {
        let expected = |message: &str| {
            let cause = format!("a handler panicked: {message}");
            Some(ApiError::Failed(Failure::Internal(cause)))
        };
        let error = catch_panic::<()>(|| panic!("at once")).err();
        assert_eq!(error, expected("at once"));
        let count = 3;
        let error = catch_panic::<()>(|| panic!("formatted {count}")).err();
        assert_eq!(error, expected("formatted 3"));
        let work = async {
            tokio::task::yield_now().await;
            panic!("after an await")
        };
        let error = catch_panic_async::<()>(pin!(work)).await.err();
        assert_eq!(error, expected("after an await"));
    }
}
