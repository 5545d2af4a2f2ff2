//! Receives the body of a request, within limits of size and time.

use std::future::poll_fn;
use std::pin::Pin;
use std::task::Poll;

use http_body_util::{BodyDataStream, Full};
use hyper::body::{Body, Bytes, Incoming};
use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::{Method, Request};

use crate::app::App;
use crate::config::Config;
use crate::http::connection::Connection;
use crate::http::error::ApiError;
use crate::http::media_type;
use crate::http::params::Params;

/// What is needed of a request whose body has not been received. It is small, since every request's future
/// holds one.
#[derive(Debug)]
pub struct PendingRequest {
    params: Params,
    content_type: Option<HeaderValue>,
    /// `None` if there is no body, or it is ignored.
    body: Option<Incoming>,
}

impl PendingRequest {
    /// Takes what is needed of `request`. The body is ignored unless the method is POST.
    ///
    /// # Errors
    ///
    /// As [`Params::new`].
    pub fn new(app: &App, request: Request<Incoming>) -> Result<Self, ApiError> {
        let (mut head, body) = request.into_parts();
        let has_params = head.method == Method::POST && !body.is_end_stream();
        let query = head.uri.query().unwrap_or_default();
        Ok(Self {
            params: Params::new(query, app.config.requests.parameter_count_max)?,
            content_type: head.headers.remove(CONTENT_TYPE),
            body: has_params.then_some(body),
        })
    }

    /// Whether there is a body to be received.
    pub fn has_body(&self) -> bool {
        self.body.is_some()
    }

    /// Receives the body, if there is one. A body that is no form has no parameters.
    ///
    /// # Errors
    ///
    /// [`ApiError::BodyTooLarge`], [`ApiError::BodyTooSlow`], [`ApiError::BodyMalformed`] and
    /// [`ApiError::TooManyParameters`].
    pub async fn receive(
        mut self,
        config: &Config,
        connection: &impl Connection,
    ) -> Result<Params, ApiError> {
        if let Some(body) = self.body {
            let bytes = collect(body, config, connection).await?;
            decode(&mut self.params, self.content_type.as_ref(), bytes).await?;
        }
        Ok(self.params)
    }
}

async fn collect(
    mut body: Incoming,
    config: &Config,
    connection: &impl Connection,
) -> Result<Bytes, ApiError> {
    let size_max = config.requests.body_size_max;
    // A body that announces its length need not be received to be refused.
    if body.size_hint().lower() > size_max as u64 {
        return Err(ApiError::BodyTooLarge);
    }
    // Most bodies arrive in one piece, which is not copied.
    let (mut first, mut others) = (Bytes::new(), Vec::new());
    while let Some(piece) = next_piece(&mut body, connection).await? {
        if piece.len() > size_max - first.len() - others.len() {
            return Err(ApiError::BodyTooLarge);
        }
        if first.is_empty() {
            first = piece;
        } else {
            others.extend_from_slice(&piece);
        }
    }
    if others.is_empty() {
        return Ok(first);
    }
    Ok([&first[..], &others].concat().into())
}

/// The next piece of a body; `None` at its end. A body with trailers is refused: hyper takes a trailer section that a
/// line feed ends for one that goes on, and the next request for a part of it.
async fn next_piece(
    body: &mut Incoming,
    connection: &impl Connection,
) -> Result<Option<Bytes>, ApiError> {
    poll_fn(|context| match Pin::new(&mut *body).poll_frame(context) {
        Poll::Ready(Some(frame)) => {
            let data = frame.ok().and_then(|frame| frame.into_data().ok());
            Poll::Ready(data.map(Some).ok_or(ApiError::BodyMalformed))
        }
        Poll::Ready(None) => Poll::Ready(Ok(None)),
        Poll::Pending if connection.is_overdue() => Poll::Ready(Err(ApiError::BodyTooSlow)),
        Poll::Pending => Poll::Pending,
    })
    .await
}

/// Adds the parameters in a body of this content type; none if it is no form.
async fn decode(
    params: &mut Params,
    content_type: Option<&HeaderValue>,
    body: Bytes,
) -> Result<(), ApiError> {
    let content_type = content_type.and_then(|value| value.to_str().ok());
    match content_type.map(media_type::essence) {
        Some(kind) if kind.eq_ignore_ascii_case("application/x-www-form-urlencoded") => {
            params.add_url_encoded(&body)
        }
        Some(kind) if kind.eq_ignore_ascii_case("multipart/form-data") => {
            // Boxed because it is rare, and so large that it would make every request's future large.
            Box::pin(multipart(params, content_type.unwrap_or_default(), body)).await
        }
        _ => Ok(()),
    }
}

/// Adds the parts of a multipart form that are fields, not files.
async fn multipart(params: &mut Params, content_type: &str, body: Bytes) -> Result<(), ApiError> {
    let malformed = |_| ApiError::BodyMalformed;
    let boundary = multer::parse_boundary(content_type).map_err(malformed)?;
    let body = BodyDataStream::new(Full::new(body));
    let mut multipart = multer::Multipart::new(body, boundary);
    while let Some(field) = multipart.next_field().await.map_err(malformed)? {
        let Some(name) = field.name().map(str::to_owned) else {
            continue;
        };
        if field.file_name().is_some() {
            continue;
        }
        let value = field.bytes().await.map_err(malformed)?;
        params.add(&name, &String::from_utf8_lossy(&value))?;
    }
    Ok(())
}

#[cfg(test)]
mod properties;
