//! The request that a task serves: its id, for the audit log, and the caller that it admitted, for the request's own
//! line in the log.
//!
//! It accompanies the task instead of every call between the handler and the check of the caller. Only the log depends
//! on it: outside a request, in background work and on the writer thread, there is none.

use std::cell::OnceCell;
use std::future::Future;
use std::sync::Arc;

use tokio::task::futures::TaskLocalFuture;

use crate::domain::access_token::AccessToken;
use crate::request_id::RequestId;

tokio::task_local! {
    static CURRENT: RequestScope;
}

/// See the module.
pub struct RequestScope {
    id: RequestId,
    caller: OnceCell<Arc<AccessToken>>,
}

impl RequestScope {
    /// Runs `work` for the request `id`. What is returned can be asked for the scope once it has ended.
    pub fn enter<F: Future>(id: RequestId, work: F) -> TaskLocalFuture<Self, F> {
        let caller = OnceCell::new();
        CURRENT.scope(Self { id, caller }, work)
    }

    /// The application whose access token was valid, whether it was allowed what it asked for or not.
    pub fn application(&self) -> Option<&str> {
        Some(&self.caller.get()?.application)
    }
}

/// The id of the current request, if there is one.
pub(super) fn request_id() -> Option<RequestId> {
    CURRENT.try_with(|scope| scope.id).ok()
}

/// Notes that the current request, if there is one, is of this caller.
pub(super) fn note_caller(caller: &Arc<AccessToken>) {
    // An error is that there is none.
    let _ = CURRENT.try_with(|scope| {
        scope.caller.get_or_init(|| Arc::clone(caller));
    });
}
