//! The HTTP layer: decodes a request, makes one service call and encodes the response.
//!
//! [`handle`] always returns a response, also after a panic: hyper closes the connection of a handler that
//! returns an error or panics.
//!
//! `router.rs` has the list of resources. A resource is a folder with its routes, its handlers and the
//! table from its refusals to responses; everything else here is shared by all of them.

pub mod body;
pub mod connection;
pub mod error;
pub mod panic;
pub mod protocol;

mod accept;
mod access_token;
mod admin;
mod allow;
mod attachment;
mod authentication;
mod caller;
mod client;
mod description;
mod health;
mod json_list;
mod known_params;
mod media_type;
mod method;
mod metrics;
mod monitoring;
mod options;
mod params;
mod path;
mod persistent_login;
mod profile;
mod quote;
mod request_log;
mod resource;
mod response;
mod response_body;
mod router;
mod tenant;
mod throttle;
mod ticket;
mod turn;
mod verification_token;

use std::convert::Infallible;
use std::future::Future;
use std::pin::pin;
use std::time::Instant;

use hyper::Request;
use hyper::body::Incoming;
use tokio::task::yield_now;

use crate::app::{App, Phase};
use crate::error::Failure;
use crate::http::attachment::route::AttachmentRoute;
use crate::http::attachment::upload;
use crate::http::body::PendingRequest;
use crate::http::client::Client;
use crate::http::connection::{Connection, in_time};
use crate::http::error::ApiError;
use crate::http::panic::{catch_panic, catch_panic_async};
use crate::http::request_log::RequestLog;
use crate::http::response::Response;
use crate::http::router::Route;
use crate::service::request_scope::RequestScope;

/// Returns the response to `request` and logs one line, which has no token, no body and no query.
pub fn handle<C: Connection>(
    app: &App,
    request: Request<Incoming>,
    connection: &C,
) -> impl Future<Output = Result<Response, Infallible>> {
    let received = Instant::now();
    connection.on_head_received(received);
    let request_id = app.request_ids.next();
    let method = request.method().clone();
    let context = app.config.http.context_path.as_str();
    let client = Client::of(&app.config.throttle, request.headers(), connection.peer());
    let route = catch_panic(|| {
        let path = path::without_context(request.uri().path(), context);
        if client.is_local {
            return Ok(Route::parse_local(&method, path)?);
        }
        Ok(Route::parse(&method, path)?)
    });
    let route_name = route.as_ref().map_or("none", Route::name);
    let mut drops_chunks = false;
    let admitted = catch_panic(|| {
        let is_chunked = protocol::check(app, &request)?;
        drops_chunks = is_chunked;
        let (route, request) = admit(app, route?, request, client)?;
        drops_chunks = is_chunked && !request.has_body();
        Ok((route, request))
    });
    let is_turn_over = connection.is_turn_over();
    async move {
        if is_turn_over {
            yield_now().await;
        }
        let (outcome, scope) = match admitted {
            Ok((route, request)) => {
                // Pinned before it is wrapped, so that it is not moved: it is large.
                let work = pin!(dispatch(app, route, request, received, connection));
                let mut scoped = pin!(RequestScope::enter(request_id, work));
                let outcome = catch_panic_async(scoped.as_mut()).await;
                (outcome, scoped.take_value())
            }
            Err(error) => (Err(error), None),
        };
        let (mut response, error) = match outcome {
            Ok(response) => (response, None),
            Err(error) => {
                let limited = throttle::limit(app, &error, &client, connection.peer());
                let answer = limited.as_ref().unwrap_or(&error);
                (answer.to_response(&method), Some(error))
            }
        };
        let now = Instant::now();
        let (status, duration) = (response.status(), now - received);
        let requests = &app.metrics.requests;
        requests.record(route_name, status.as_u16(), duration);
        let log = RequestLog {
            request_id,
            method: method::log_name(&method),
            route: route_name,
            status,
            application: scope.as_ref().and_then(RequestScope::application),
            duration,
        };
        match error {
            None => log.completed(),
            Some(error) => log.refused(&error, app, connection.peer(), now),
        }
        response::set_request_id(&mut response, request_id);
        // After a chunked body that is not read it is closed as after one that is refused: where it ends is not known
        // for certain.
        if drops_chunks || connection.is_closing() {
            response::set_close(&mut response);
        }
        connection.on_response_ready(now);
        Ok(response)
    }
}

/// Checks what can be checked without the body, before anything is awaited: hyper sends `Connection: close`
/// only if the body that has not been received is dropped by then. Later it closes the connection without
/// notice, and the client's next request on it fails.
fn admit(
    app: &App,
    route: Route,
    request: Request<Incoming>,
    client: Client,
) -> Result<(Route, PendingRequest), ApiError> {
    let headers = request.headers();
    options::refuse_preflight(request.method(), headers)?;
    if !route.ignores_accept()
        && !accept::accepts_json(headers)
        && route.is_answer_json()
        && !path::has_suffix(request.uri().path())
    {
        return Err(ApiError::NotAcceptable);
    }
    if !route.is_public() && app.phase() == Phase::Starting {
        return Err(Failure::Unavailable.into());
    }
    // A `Request` is large, and every future that holds it would be moved with it.
    let takes_document = route.takes_document();
    let request = PendingRequest::new(app, request, takes_document, client)?;
    Ok((route, request))
}

async fn dispatch(
    app: &App,
    route: Route,
    request: PendingRequest,
    received: Instant,
    connection: &impl Connection,
) -> Result<Response, ApiError> {
    let route = match route {
        // Boxed because it is rare, and would make every request's future large.
        Route::Attachment(AttachmentRoute::Upload(id)) => {
            return Box::pin(upload::receive(app, id, request, connection)).await;
        }
        route => route,
    };
    let has_body = request.has_body();
    let params = request.receive(&app.config, connection).await?;
    connection.on_request_received(if has_body { Instant::now() } else { received });
    let is_local = route.is_local();
    let work = pin!(route.handle(app, &params));
    if is_local {
        // It may look at everything, for minutes: how long that may take, its client decides.
        return work.await;
    }
    in_time(work, connection).await
}
