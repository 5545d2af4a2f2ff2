//! Calls of a server: a request, and the JSON of its response.

use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::{Method, Request, Response, StatusCode};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;
use tokio::sync::mpsc;
use tokio::time::timeout;

use crate::cli::command::NO_CONNECTION;
use crate::cli::error::CommandError;
use crate::cli::local::LocalServer;
use crate::cli::local::request_body::RequestBody;

/// How many bytes the response of a command may have: more than the longest list.
const RESPONSE_BYTES_MAX: usize = 256 << 20;

/// How many bytes the response of a health check may have, of a server that may be any.
const SHORT_RESPONSE_BYTES_MAX: usize = 1 << 20;

/// The message of a response to a request that has no route.
const NO_ROUTE: &str = "Nothing is served at this path";

/// Why a call did not succeed.
#[derive(Debug)]
pub enum CallError {
    /// The server refused it.
    Refused {
        /// The status.
        status: StatusCode,
        /// The message.
        message: String,
    },
    /// It could not be carried out.
    Failed(CommandError),
}

impl CallError {
    /// Whether the server has no such thing.
    pub fn is_not_found(&self) -> bool {
        matches!(self, Self::Refused { status, .. } if *status == StatusCode::NOT_FOUND)
    }
}

impl From<CommandError> for CallError {
    fn from(error: CommandError) -> Self {
        Self::Failed(error)
    }
}

impl From<CallError> for CommandError {
    fn from(error: CallError) -> Self {
        match error {
            CallError::Refused { message, .. } if message == NO_ROUTE => {
                let text = "the running server does not know this command; restart it, so that it is of this version";
                text.to_owned().into()
            }
            CallError::Refused {
                status: StatusCode::SERVICE_UNAVAILABLE,
                message,
            } => Self::from(message).with_exit_code(NO_CONNECTION),
            // What a refusal comes to, each command says.
            CallError::Refused { message, .. } => message.into(),
            CallError::Failed(error) => error,
        }
    }
}

/// A path from its segments, of which each may be any text.
pub fn path(segments: &[&str]) -> String {
    let encoded = segments
        .iter()
        .map(|segment| format!("/{}", utf8_percent_encode(segment, NON_ALPHANUMERIC)));
    encoded.collect()
}

impl LocalServer {
    /// Reads what is at `path`.
    ///
    /// # Errors
    ///
    /// What the server refuses, and why it does not answer.
    pub async fn get(&self, path: &str, query: &[(&str, &str)]) -> Result<Value, CallError> {
        let target = if query.is_empty() {
            path.to_owned()
        } else {
            format!("{path}?{}", form(query))
        };
        self.call(Method::GET, &target, None).await
    }

    /// The list at `path`.
    ///
    /// # Errors
    ///
    /// As [`LocalServer::get`].
    pub async fn list(&self, path: &str, query: &[(&str, &str)]) -> Result<Vec<Value>, CallError> {
        Ok(match self.get(path, query).await? {
            Value::Array(items) => items,
            _ => Vec::new(),
        })
    }

    /// The whole list at `path`, of which at most `page` items are read at once.
    ///
    /// # Errors
    ///
    /// As [`LocalServer::get`].
    pub async fn pages(
        &self,
        path: &str,
        query: &[(&str, &str)],
        page: usize,
    ) -> Result<Vec<Value>, CallError> {
        let mut items = Vec::new();
        loop {
            let (start, count) = (items.len().to_string(), page.to_string());
            let part = [("start", start.as_str()), ("count", &count)];
            let read = self.list(path, &[query, &part].concat()).await?;
            let is_last = read.len() < page;
            items.extend(read);
            if is_last {
                return Ok(items);
            }
        }
    }

    /// Does what `path` is for, with these parameters.
    ///
    /// # Errors
    ///
    /// As [`LocalServer::get`].
    pub async fn post(&self, path: &str, parameters: &[(&str, &str)]) -> Result<Value, CallError> {
        let content_type = HeaderValue::from_static("application/x-www-form-urlencoded");
        let body = (content_type, form(parameters).into());
        self.call(Method::POST, path, Some(body)).await
    }

    /// Does what `path` is for, with this document.
    ///
    /// # Errors
    ///
    /// As [`LocalServer::get`].
    pub async fn post_json(&self, path: &str, document: &Value) -> Result<Value, CallError> {
        let body = document.to_string().into();
        self.post_body(path, body).await
    }

    /// Does what `path` is for, with the document that these are the pieces of.
    ///
    /// # Errors
    ///
    /// As [`LocalServer::get`].
    pub async fn post_pieces(
        &self,
        path: &str,
        pieces: mpsc::Receiver<Vec<u8>>,
    ) -> Result<Value, CallError> {
        self.post_body(path, pieces.into()).await
    }

    async fn post_body(&self, path: &str, json: RequestBody) -> Result<Value, CallError> {
        let content_type = HeaderValue::from_static("application/json");
        self.call(Method::POST, path, Some((content_type, json)))
            .await
    }

    /// The short document at `path`, whatever the status of its response is. All of it has to come in time, and not
    /// only each part: a server that sends a byte now and then is not waited for.
    ///
    /// # Errors
    ///
    /// If the server does not answer, or with something else.
    pub async fn document(&self, path: &str) -> Result<Value, CommandError> {
        let exchange = self.exchange(Method::GET, path, None, SHORT_RESPONSE_BYTES_MAX);
        let exchanged = timeout(self.settings.timeout, exchange).await;
        let (_, document) = exchanged.map_err(|_| self.timed_out(&Method::GET))??;
        Ok(document)
    }

    async fn call(
        &self,
        method: Method,
        target: &str,
        body: Option<(HeaderValue, RequestBody)>,
    ) -> Result<Value, CallError> {
        let exchange = self.exchange(method, target, body, RESPONSE_BYTES_MAX);
        let (status, document) = exchange.await?;
        if status.is_success() {
            return Ok(document);
        }
        let message = document["message"].as_str().unwrap_or_default().to_owned();
        Err(CallError::Refused { status, message })
    }

    async fn exchange(
        &self,
        method: Method,
        target: &str,
        body: Option<(HeaderValue, RequestBody)>,
        bytes_max: usize,
    ) -> Result<(StatusCode, Value), CommandError> {
        let (content_type, body) = body.unzip();
        let body = body.unwrap_or_else(|| RequestBody::from(String::new()));
        let mut request = Request::new(body);
        *request.method_mut() = method.clone();
        *request.uri_mut() = target
            .parse()
            .map_err(|_| self.failed(&method, "the path is too long"))?;
        if let Some(content_type) = content_type {
            request.headers_mut().insert(CONTENT_TYPE, content_type);
        }
        let response = self.send(request).await?;
        let status = response.status();
        let body = self.receive(response, &method, bytes_max).await?;
        let document = if body.is_empty() {
            Value::Null
        } else {
            serde_json::from_slice(&body).map_err(|error| self.failed(&method, error))?
        };
        Ok((status, document))
    }

    /// The body of a response to a request by `method`. A long one may take long, but each part of it has to come in
    /// time.
    async fn receive(
        &self,
        response: Response<Incoming>,
        method: &Method,
        bytes_max: usize,
    ) -> Result<Vec<u8>, CommandError> {
        let mut body = response.into_body();
        let mut received = Vec::new();
        loop {
            let frame = tokio::select! {
                frame = body.frame() => frame,
                () = self.time_limit() => return Err(self.timed_out(method)),
            };
            match frame {
                None => return Ok(received),
                Some(Ok(frame)) => {
                    if let Ok(piece) = frame.into_data() {
                        if piece.len() > bytes_max - received.len() {
                            return Err(self.too_long(bytes_max));
                        }
                        received.extend_from_slice(&piece);
                    }
                }
                Some(Err(error)) => return Err(self.failed(method, error)),
            }
        }
    }
}

fn form(parameters: &[(&str, &str)]) -> String {
    let mut form = form_urlencoded::Serializer::new(String::new());
    form.extend_pairs(parameters).finish()
}
