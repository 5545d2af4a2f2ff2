//! The HTTP floor: bytes in, one service call, bytes out.
//!
//! [`handle`] answers every request, whatever it is and whatever happens: hyper never sees an error,
//! which would cost the client its connection. Routing is [`route::parse`], a pure function.

pub mod health;
pub mod persistent_login;
pub mod request;
pub mod response;
pub mod route;

use std::any::Any;
use std::convert::Infallible;
use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::Poll;
use std::time::Instant;

use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::header::{HeaderMap, HeaderName, HeaderValue};
use hyper::{Method, Request, Response};

use crate::app::{App, Phase};
use crate::error::Failure;
use crate::http::request::Unread;
use crate::http::response::Fault;
use crate::http::route::Route;

/// The answer to a request.
pub type Answer = Response<Full<Bytes>>;

/// Answers that report a fault of ours name the request by this, as the log does.
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Numbers the requests of this process, for the log.
static REQUESTS: AtomicU64 = AtomicU64::new(0);

/// The client that a request comes from, as far as this floor deals with it.
pub trait Client {
    /// Is called when the whole request is here and nothing more is expected of the client.
    fn has_sent_all(&self);

    /// Is called when the answer is ready.
    fn has_been_answered(&self);

    /// Whether what is awaited takes too long: the rest of the request, or once it is here, the answer.
    /// Whoever waits for it is polled when this becomes true.
    fn is_overdue(&self) -> bool;
}

/// Answers `request`, always, and writes one line to the log: never a token, a body or a query.
pub fn handle<C: Client>(
    app: &App,
    request: Request<Incoming>,
    client: &C,
) -> impl Future<Output = Result<Answer, Infallible>> {
    let began = Instant::now();
    let request_id = REQUESTS.fetch_add(1, Ordering::Relaxed);
    let method = request.method().clone();
    let context = app.config.context_path.as_str();
    let route = caught(|| {
        let path = route::without_context(request.uri().path(), context);
        Ok(route::parse(&method, path)?)
    });
    let route_name = route.as_ref().map_or("none", Route::name);
    let admitted = caught(|| admit(app, route?, request));
    async move {
        let outcome = match admitted {
            Ok((route, request)) => guarded(pin!(dispatch(app, route, request, client))).await,
            Err(fault) => Err(fault),
        };
        let (answer, fault) = match outcome {
            Ok(answer) => (answer, None),
            Err(fault) => (response::fault(&fault, &method), fault.internal_cause()),
        };
        let line = Line {
            request_id,
            method: log_name(&method),
            route: route_name,
            status: answer.status().as_u16(),
            duration_us: u64::try_from(began.elapsed().as_micros()).unwrap_or(u64::MAX),
        };
        let answer = match fault {
            None => {
                line.log();
                answer
            }
            Some(cause) => {
                line.log_failure(&cause);
                with_request_id(answer, request_id)
            }
        };
        client.has_been_answered();
        Ok(answer)
    }
}

/// Decides what needs no body, before anything waits. hyper announces that a connection will be closed
/// if the body of its request is still to come and was dropped by then; later it closes it without a word,
/// and the client finds out with its next request.
fn admit(app: &App, route: Route, request: Request<Incoming>) -> Result<(Route, Unread), Fault> {
    match route {
        Route::Live | Route::Ready => {}
        Route::PersistentLogin(_) => check(app, request.headers())?,
    }
    // A request is large, and would be moved once for every function that waits with it.
    Ok((route, Unread::new(request)))
}

/// What every endpoint of the wire contract asks of a request before its body, in this order.
fn check(app: &App, headers: &HeaderMap) -> Result<(), Fault> {
    request::check_accept(headers)?;
    if app.phase() == Phase::Starting {
        return Err(Failure::Unavailable.into());
    }
    Ok(())
}

async fn dispatch(
    app: &App,
    route: Route,
    request: Unread,
    client: &impl Client,
) -> Result<Answer, Fault> {
    match route {
        Route::Live => Ok(health::live()),
        Route::Ready => Ok(health::ready(app)),
        Route::PersistentLogin(route) => {
            let input = request.receive(&app.config, client).await?;
            client.has_sent_all();
            in_time(pin!(persistent_login::answer(app, route, &input)), client).await
        }
    }
}

/// Waits for `work` no longer than `client` does.
fn in_time(
    mut work: Pin<&mut impl Future<Output = Result<Answer, Fault>>>,
    client: &impl Client,
) -> impl Future<Output = Result<Answer, Fault>> {
    poll_fn(move |context| match work.as_mut().poll(context) {
        Poll::Pending if client.is_overdue() => {
            Poll::Ready(Err(Failure::Storage("no answer in time".to_owned()).into()))
        }
        polled => polled,
    })
}

/// Waits for `work`, and makes a fault of a panic in it.
fn guarded(
    mut work: Pin<&mut impl Future<Output = Result<Answer, Fault>>>,
) -> impl Future<Output = Result<Answer, Fault>> {
    poll_fn(move |context| {
        caught(|| Ok(work.as_mut().poll(context))).unwrap_or_else(|fault| Poll::Ready(Err(fault)))
    })
}

/// Runs `work`, and makes a fault of a panic in it.
fn caught<T>(work: impl FnOnce() -> Result<T, Fault>) -> Result<T, Fault> {
    catch_unwind(AssertUnwindSafe(work))
        .unwrap_or_else(|panic| Err(Failure::Internal(message(&*panic)).into()))
}

fn message(panic: &(dyn Any + Send)) -> String {
    let text = panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    format!("a handler panicked: {}", text.unwrap_or("without a text"))
}

/// What the log says of every request.
struct Line {
    request_id: u64,
    method: &'static str,
    route: &'static str,
    status: u16,
    duration_us: u64,
}

impl Line {
    fn log(&self) {
        tracing::info!(
            request_id = self.request_id,
            method = self.method,
            route = self.route,
            status = self.status,
            duration_us = self.duration_us,
            "request"
        );
    }

    fn log_failure(&self, cause: &str) {
        tracing::error!(
            request_id = self.request_id,
            method = self.method,
            route = self.route,
            status = self.status,
            duration_us = self.duration_us,
            cause,
            "request failed"
        );
    }
}

/// A method's name for the log, which shows no text of a client's choice.
fn log_name(method: &Method) -> &'static str {
    match method.as_str() {
        "GET" => "GET",
        "HEAD" => "HEAD",
        "POST" => "POST",
        "PUT" => "PUT",
        "DELETE" => "DELETE",
        "OPTIONS" => "OPTIONS",
        "PATCH" => "PATCH",
        _ => "other",
    }
}

fn with_request_id(mut answer: Answer, request_id: u64) -> Answer {
    answer
        .headers_mut()
        .insert(REQUEST_ID, HeaderValue::from(request_id));
    answer
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_panic_is_a_fault_of_ours() {
        let expected = |text: &str| {
            let message = format!("a handler panicked: {text}");
            Some(Fault::Failed(Failure::Internal(message)))
        };
        let fault = caught::<()>(|| panic!("at once")).err();
        assert_eq!(fault, expected("at once"));
        let waiting = async {
            tokio::task::yield_now().await;
            panic!("after a while")
        };
        let fault = guarded(pin!(waiting)).await.err();
        assert_eq!(fault, expected("after a while"));
    }
}
