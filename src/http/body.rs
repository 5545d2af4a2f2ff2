//! Receives the body of a request, within limits of size and time.

use std::future::poll_fn;
use std::pin::Pin;
use std::task::Poll;

use http_body_util::{BodyDataStream, Full};
use hyper::body::{Body, Bytes, Incoming};
use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::{Method, Request};

use crate::config::Config;
use crate::http::connection::Connection;
use crate::http::error::ApiError;
use crate::http::media_type;
use crate::http::params::{Form, Params};

/// What is needed of a request whose body has not been received. It is small, since every request's future
/// holds one.
#[derive(Debug)]
pub struct PendingRequest {
    query: String,
    content_type: Option<HeaderValue>,
    /// `None` if there is no body, or it is ignored.
    body: Option<Incoming>,
}

impl PendingRequest {
    /// Takes what is needed of `request`. The body is ignored unless the method is POST.
    pub fn new(request: Request<Incoming>) -> Self {
        let (mut head, body) = request.into_parts();
        let has_params = head.method == Method::POST && !body.is_end_stream();
        Self {
            query: head.uri.query().unwrap_or_default().to_owned(),
            content_type: head.headers.remove(CONTENT_TYPE),
            body: has_params.then_some(body),
        }
    }

    /// Whether there is a body to be received.
    pub fn has_body(&self) -> bool {
        self.body.is_some()
    }

    /// Receives the body, if there is one. A body that is no form has no parameters.
    ///
    /// # Errors
    ///
    /// [`ApiError::BodyTooLarge`], [`ApiError::BodyTooSlow`] and [`ApiError::BodyMalformed`].
    pub async fn receive(
        self,
        config: &Config,
        connection: &impl Connection,
    ) -> Result<Params, ApiError> {
        let form = match self.body {
            None => Form::UrlEncoded(Bytes::new()),
            Some(body) => {
                let bytes = collect(body, config, connection).await?;
                decode(self.content_type.as_ref(), bytes).await?
            }
        };
        Ok(Params::new(self.query, form))
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

/// The form in a body of this content type, empty if it is no form.
async fn decode(content_type: Option<&HeaderValue>, body: Bytes) -> Result<Form, ApiError> {
    let content_type = content_type.and_then(|value| value.to_str().ok());
    match content_type.map(media_type::essence) {
        Some(kind) if kind.eq_ignore_ascii_case("application/x-www-form-urlencoded") => {
            Ok(Form::UrlEncoded(body))
        }
        Some(kind) if kind.eq_ignore_ascii_case("multipart/form-data") => {
            // Boxed because it is rare, and so large that it would make every request's future large.
            let parts = Box::pin(multipart(content_type.unwrap_or_default(), body));
            Ok(Form::Multipart(parts.await?))
        }
        _ => Ok(Form::UrlEncoded(Bytes::new())),
    }
}

/// The parts of a multipart form that are fields, not files.
async fn multipart(content_type: &str, body: Bytes) -> Result<Vec<(String, String)>, ApiError> {
    let malformed = |_| ApiError::BodyMalformed;
    let boundary = multer::parse_boundary(content_type).map_err(malformed)?;
    let body = BodyDataStream::new(Full::new(body));
    let mut multipart = multer::Multipart::new(body, boundary);
    let mut parts = Vec::new();
    while let Some(field) = multipart.next_field().await.map_err(malformed)? {
        let Some(name) = field.name().map(str::to_owned) else {
            continue;
        };
        if field.file_name().is_some() {
            continue;
        }
        let value = field.bytes().await.map_err(malformed)?;
        parts.push((name, String::from_utf8_lossy(&value).into_owned()));
    }
    Ok(parts)
}

#[cfg(test)]
mod properties;
