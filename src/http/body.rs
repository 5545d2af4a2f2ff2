//! Receives the body of a request, within limits of size and time.

pub mod document;
pub mod field;
mod json;
pub mod kind;
pub mod upload;

use std::future::poll_fn;
use std::mem;
use std::pin::Pin;
use std::task::{Context, Poll};

use http_body_util::{BodyDataStream, Full};
use hyper::body::{Body, Bytes, Incoming};
use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::{Method, Request};
use memchr::memmem;

use crate::app::App;
use crate::config::Config;
use crate::http::body::document::Document;
use crate::http::body::kind::{BodyKind, UnsupportedBody};
use crate::http::caller;
use crate::http::client::Client;
use crate::http::connection::Connection;
use crate::http::error::ApiError;
use crate::http::params::Params;
use crate::http::quote::quote;

/// How large the body of a request over the local socket may be: such connections are few, and the documents of an
/// import, of which one may have 16 MiB in MongoDB, come over it.
pub const LOCAL_BODY_BYTES_MAX: usize = 18 << 20;

/// What is needed of a request whose body has not been received. It is small, since every request's future
/// holds one.
#[derive(Debug)]
pub struct PendingRequest {
    params: Params,
    /// `None` if there is no body, or it is ignored.
    body: Option<(BodyKind, Incoming)>,
}

impl PendingRequest {
    /// Takes what is needed of `request`. The body is ignored unless the method is POST. With `takes_document` it is
    /// kept if it is a JSON document, and is otherwise the parameters, if it can be.
    ///
    /// # Errors
    ///
    /// As [`Params::new`] and [`caller::bearer`].
    pub fn new(
        app: &App,
        request: Request<Incoming>,
        takes_document: bool,
        client: Client,
    ) -> Result<Self, ApiError> {
        let (head, body) = request.into_parts();
        let has_body = head.method == Method::POST && !body.is_end_stream();
        let query = head.uri.query().unwrap_or_default();
        let mut params = Params::new(query, app.config.requests.parameter_count_max)?
            .with_bearer(caller::bearer(&head.headers)?)
            .with_client(client);
        if takes_document {
            let document = match BodyKind::new(&head.headers) {
                BodyKind::Json => Document::Json(Bytes::new()),
                // It may be missing.
                _ if !head.headers.contains_key(CONTENT_TYPE) => Document::Json(Bytes::new()),
                BodyKind::Unsupported(why) => Document::Unsupported(why),
                BodyKind::UrlEncoded | BodyKind::Multipart(_) => {
                    Document::Unsupported(UnsupportedBody::of_type(&head.headers))
                }
            };
            params = params.with_document(document);
        }
        Ok(Self {
            params,
            body: has_body.then(|| (BodyKind::new(&head.headers), body)),
        })
    }

    /// Whether there is a body to be received.
    pub fn has_body(&self) -> bool {
        self.body.is_some()
    }

    /// The parameters of the query, and the body, which is a multipart form of this content type.
    ///
    /// # Errors
    ///
    /// The request as it is, if its body is another one, or it has none.
    pub fn into_multipart(self) -> Result<(Params, HeaderValue, Incoming), Box<Self>> {
        match self.body {
            Some((BodyKind::Multipart(content_type), body)) => {
                Ok((self.params, content_type, body))
            }
            body => Err(Box::new(Self { body, ..self })),
        }
    }

    /// Receives the body, if there is one.
    ///
    /// # Errors
    ///
    /// [`ApiError::BodyTooLarge`], [`ApiError::BodyTooSlow`], [`ApiError::BodyMalformed`],
    /// [`ApiError::BodyUnsupported`] unless it is empty, [`ApiError::TooManyParameters`], and
    /// [`ApiError::ParameterInvalid`].
    pub async fn receive(
        mut self,
        config: &Config,
        connection: &impl Connection,
    ) -> Result<Params, ApiError> {
        if let Some((kind, body)) = self.body {
            let size_max = if self.params.is_local() {
                LOCAL_BODY_BYTES_MAX
            } else {
                config.requests.body_size_max
            };
            let bytes = collect(body, size_max, connection).await?;
            if !bytes.is_empty() {
                decode(&mut self.params, kind, bytes).await?;
            }
        }
        Ok(self.params)
    }
}

async fn collect(
    mut body: Incoming,
    size_max: usize,
    connection: &impl Connection,
) -> Result<Bytes, ApiError> {
    // A body that announces its length need not be received to be refused.
    if body.size_hint().lower() > size_max as u64 {
        return Err(ApiError::BodyTooLarge);
    }
    // Most bodies arrive in one piece, which is not copied.
    let (mut first, mut whole) = (Bytes::new(), Vec::new());
    let most = size_max as u64;
    while let Some(piece) =
        poll_fn(|context| poll_piece(&mut body, context, connection, most)).await?
    {
        if piece.len() > size_max - first.len() - whole.len() {
            return Err(ApiError::BodyTooLarge);
        }
        if first.is_empty() && whole.is_empty() {
            first = piece;
        } else {
            whole.extend_from_slice(&mem::take(&mut first));
            whole.extend_from_slice(&piece);
        }
    }
    if whole.is_empty() {
        return Ok(first);
    }
    Ok(whole.into())
}

/// The next piece of a body of at most `size_max` bytes; `None` at its end. A body with trailers is refused: hyper
/// takes a trailer section that a line feed ends for one that goes on, and the next request for a part of it.
fn poll_piece(
    body: &mut Incoming,
    context: &mut Context<'_>,
    connection: &impl Connection,
    size_max: u64,
) -> Poll<Result<Option<Bytes>, ApiError>> {
    match Pin::new(&mut *body).poll_frame(context) {
        Poll::Ready(Some(frame)) => {
            let data = frame.ok().and_then(|frame| frame.into_data().ok());
            Poll::Ready(data.map(Some).ok_or(ApiError::BodyMalformed))
        }
        Poll::Ready(None) => Poll::Ready(Ok(None)),
        Poll::Pending
            if body.size_hint().exact().is_none() && connection.announced_bytes() > size_max =>
        {
            Poll::Ready(Err(ApiError::BodyTooLarge))
        }
        Poll::Pending if connection.is_overdue() => Poll::Ready(Err(ApiError::BodyTooSlow)),
        Poll::Pending => Poll::Pending,
    }
}

/// Adds the parameters in a body of this kind.
async fn decode(params: &mut Params, kind: BodyKind, body: Bytes) -> Result<(), ApiError> {
    match kind {
        BodyKind::UrlEncoded => params.add_url_encoded(&body),
        BodyKind::Json if params.takes_document() => {
            params.set_document(Document::Json(body));
            Ok(())
        }
        BodyKind::Json => json::add(params, &body),
        // Boxed because it is rare, and so large that it would make every request's future large.
        BodyKind::Multipart(content_type) => Box::pin(multipart(params, content_type, body)).await,
        // It is refused when the document is asked for.
        BodyKind::Unsupported(why) if params.takes_document() => {
            params.set_document(Document::Unsupported(why));
            Ok(())
        }
        BodyKind::Unsupported(why) => Err(ApiError::BodyUnsupported(why)),
    }
}

/// Adds the parts of a multipart form.
async fn multipart(
    params: &mut Params,
    content_type: HeaderValue,
    body: Bytes,
) -> Result<(), ApiError> {
    let malformed = |_| ApiError::BodyMalformed;
    let content_type = content_type.to_str().unwrap_or_default();
    let boundary = multer::parse_boundary(content_type).map_err(malformed)?;
    if !has_only_parts(&body, &boundary) {
        return Err(ApiError::BodyMalformed);
    }
    let body = BodyDataStream::new(Full::new(body));
    let mut multipart = multer::Multipart::new(body, boundary);
    while let Some(field) = multipart.next_field().await.map_err(malformed)? {
        let name = field.name().ok_or(ApiError::BodyMalformed)?.to_owned();
        if field.file_name().is_some() {
            let file_type = field.content_type().map_or("", |kind| kind.as_ref());
            let file_type = quote(file_type).into_owned();
            return Err(ApiError::BodyUnsupported(UnsupportedBody::File(file_type)));
        }
        let value = field.bytes().await.map_err(malformed)?;
        params.add(&name, &String::from_utf8_lossy(&value))?;
    }
    Ok(())
}

/// Whether a multipart body has nothing but white space before its parts and behind them, where it would be ignored: a
/// `token` there would not be compared.
fn has_only_parts(body: &[u8], boundary: &str) -> bool {
    let body = body.trim_ascii();
    let (begin, end) = (format!("--{boundary}"), format!("--{boundary}--"));
    let is_line = |&at: &usize| at == 0 || body[at - 1] == b'\n';
    let ends = memmem::find_iter(body, &end).find(is_line);
    body.starts_with(begin.as_bytes()) && ends == body.len().checked_sub(end.len())
}

#[cfg(test)]
mod properties;
