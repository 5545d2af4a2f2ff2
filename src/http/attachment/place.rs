//! The places of the uploads that go on at the same time.

use std::time::Duration;

use tokio::sync::SemaphorePermit;
use tokio::time::timeout;

use crate::app::Uploads;
use crate::error::Failure;

/// How long an upload waits while there are as many as may be.
const WAIT_MAX: Duration = Duration::from_secs(1);

/// Whose upload it is, as far as it is known when the file begins.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Uploader {
    /// A caller that may upload it.
    Authorized,
    /// Anybody: an access token may follow the file.
    Unknown,
}

/// A place among the uploads that go on, as long as it is held.
#[derive(Debug)]
pub struct Place<'a> {
    _unknown: Option<SemaphorePermit<'a>>,
    _any: SemaphorePermit<'a>,
}

impl<'a> Place<'a> {
    /// Waits until another upload may go on. Those of unknown callers have a part of the places, so that slow ones
    /// leave some to applications.
    ///
    /// # Errors
    ///
    /// [`Failure::UploadsFull`].
    pub async fn take(uploads: &'a Uploads, uploader: Uploader) -> Result<Self, Failure> {
        let permits = async {
            let unknown = match uploader {
                Uploader::Authorized => None,
                Uploader::Unknown => Some(uploads.permits_unknown.acquire().await),
            };
            let any = uploads.permits.acquire().await;
            Self {
                _unknown: unknown.map(|permit| permit.expect("the semaphore is never closed")),
                _any: any.expect("the semaphore is never closed"),
            }
        };
        timeout(WAIT_MAX, permits)
            .await
            .map_err(|_elapsed| Failure::UploadsFull)
    }
}
