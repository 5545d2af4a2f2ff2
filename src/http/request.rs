//! What a request carries: parameters of query and body, merged, within limits.

use std::borrow::Cow;
use std::future::poll_fn;
use std::pin::Pin;
use std::task::Poll;

use http_body_util::{BodyDataStream, Full};
use hyper::body::{Body, Bytes, Incoming};
use hyper::header::{ACCEPT, CONTENT_TYPE, HeaderMap, HeaderValue};
use hyper::{Method, Request};

use crate::config::Config;
use crate::http::Client;
use crate::http::response::Fault;
use crate::service::caller::Caller;

/// The parameters of a request. In the query and in a form, on a clash the query wins, then the first
/// value; bytes that are not UTF-8 become U+FFFD.
#[derive(Debug)]
pub struct Input {
    query: String,
    form: Form,
}

#[derive(Debug)]
enum Form {
    UrlEncoded(Bytes),
    Parts(Vec<(String, String)>),
}

/// What is looked at of a request whose body has not come yet. It is kept small, since it waits with every
/// request.
#[derive(Debug)]
pub struct Unread {
    query: String,
    content_type: Option<HeaderValue>,
    /// `None` if there is no body, or nobody looks at it.
    body: Option<Incoming>,
}

impl Unread {
    /// Takes `request` apart. A body is looked at with a POST alone.
    pub fn new(request: Request<Incoming>) -> Self {
        let (mut head, body) = request.into_parts();
        let is_looked_at = head.method == Method::POST && !body.is_end_stream();
        Self {
            query: head.uri.query().unwrap_or_default().to_owned(),
            content_type: head.headers.remove(CONTENT_TYPE),
            body: is_looked_at.then_some(body),
        }
    }

    /// Receives the body, if there is one; one that is no form is not looked at any further.
    ///
    /// # Errors
    ///
    /// For a body that is too large, too slow, broken off, or multipart without being so.
    pub async fn receive(self, config: &Config, client: &impl Client) -> Result<Input, Fault> {
        let query = self.query;
        let form = match self.body {
            None => Form::UrlEncoded(Bytes::new()),
            Some(body) => {
                let bytes = collect(body, config, client).await?;
                form(self.content_type.as_ref(), bytes).await?
            }
        };
        Ok(Input { query, form })
    }
}

impl Input {
    /// The value of the parameter `name`, if it is there.
    pub fn parameter(&self, name: &str) -> Option<Cow<'_, str>> {
        first(self.query.as_bytes(), name).or_else(|| match &self.form {
            Form::UrlEncoded(bytes) => first(bytes, name),
            Form::Parts(parts) => parts
                .iter()
                .find(|(part, _)| part == name)
                .map(|(_, value)| Cow::Borrowed(value.as_str())),
        })
    }

    /// The value of the parameter `name`, which must be there.
    ///
    /// # Errors
    ///
    /// [`Fault::ParameterMissing`].
    pub fn required(&self, name: &'static str) -> Result<Cow<'_, str>, Fault> {
        self.parameter(name).ok_or(Fault::ParameterMissing(name))
    }

    /// The value of the parameter `name` as a whole number of at most `most`; an empty one counts as
    /// missing.
    ///
    /// # Errors
    ///
    /// [`Fault::ParameterInvalid`].
    pub fn number(&self, name: &'static str, most: usize) -> Result<Option<usize>, Fault> {
        let value = self.parameter(name);
        let Some(text) = value.as_deref().filter(|text| !text.is_empty()) else {
            return Ok(None);
        };
        let number = text.parse().ok().filter(|&number| number <= most);
        match number {
            Some(number) => Ok(Some(number)),
            None => Err(Fault::ParameterInvalid {
                name,
                what: format!("is not a whole number from 0 to {most}"),
            }),
        }
    }

    /// Who the request says that it comes from.
    pub fn caller(&self) -> Caller {
        Caller::new(self.parameter("accessTokenId").map(Cow::into_owned))
    }
}

/// Refuses a request whose headers accept no JSON.
///
/// # Errors
///
/// [`Fault::NotAcceptable`].
pub fn check_accept(headers: &HeaderMap) -> Result<(), Fault> {
    if accepts_json(headers) {
        return Ok(());
    }
    Err(Fault::NotAcceptable)
}

/// Whether a request with these headers accepts JSON.
fn accepts_json(headers: &HeaderMap) -> bool {
    let mut ranges = headers
        .get_all(ACCEPT)
        .iter()
        .flat_map(|value| value.as_bytes().split(|&byte| byte == b','))
        .map(|range| String::from_utf8_lossy(range))
        .filter(|range| !range.trim().is_empty())
        .peekable();
    if ranges.peek().is_none() {
        return true;
    }
    let most_specific = ranges
        .filter_map(|range| specificity(&range))
        .max_by_key(|&(specificity, _)| specificity);
    most_specific.is_some_and(|(_, is_wanted)| is_wanted)
}

/// How closely a media range names JSON, and whether it wants it; `None` if it does not name it.
fn specificity(range: &str) -> Option<(u8, bool)> {
    let specificity = match essence(range).to_ascii_lowercase().as_str() {
        "application/json" => 3,
        "application/*+json" => 2,
        "application/*" => 1,
        "*/*" => 0,
        _ => return None,
    };
    let unwanted = range.split(';').skip(1).any(|parameter| {
        let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
        name.trim().eq_ignore_ascii_case("q") && value.trim().parse().is_ok_and(|q: f32| q <= 0.0)
    });
    Some((specificity, !unwanted))
}

/// A media type without its parameters.
fn essence(media_type: &str) -> &str {
    media_type.split(';').next().unwrap_or_default().trim()
}

async fn collect(
    mut body: Incoming,
    config: &Config,
    client: &impl Client,
) -> Result<Bytes, Fault> {
    let size_max = config.body_size_max.as_u64();
    // A body that announces its length need not be received to be refused.
    if body.size_hint().lower() > size_max {
        return Err(Fault::BodyTooLarge);
    }
    let size_max = usize::try_from(size_max).unwrap_or(usize::MAX);
    // Most bodies come in one piece, which need not be copied.
    let (mut first, mut others) = (Bytes::new(), Vec::new());
    while let Some(piece) = next_piece(&mut body, client).await? {
        if piece.len() > size_max - first.len() - others.len() {
            return Err(Fault::BodyTooLarge);
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

/// The next piece of a body, without what may trail it; `None` at its end.
async fn next_piece(body: &mut Incoming, client: &impl Client) -> Result<Option<Bytes>, Fault> {
    poll_fn(|context| match Pin::new(&mut *body).poll_frame(context) {
        Poll::Ready(Some(Ok(frame))) => {
            Poll::Ready(Ok(Some(frame.into_data().unwrap_or_default())))
        }
        Poll::Ready(Some(Err(_broken))) => Poll::Ready(Err(Fault::BodyBroken)),
        Poll::Ready(None) => Poll::Ready(Ok(None)),
        Poll::Pending if client.is_overdue() => Poll::Ready(Err(Fault::BodyTooSlow)),
        Poll::Pending => Poll::Pending,
    })
    .await
}

/// The form that a body of this type is, empty if it is none.
async fn form(content_type: Option<&HeaderValue>, body: Bytes) -> Result<Form, Fault> {
    let content_type = content_type.and_then(|value| value.to_str().ok());
    match content_type.map(essence) {
        Some(kind) if kind.eq_ignore_ascii_case("application/x-www-form-urlencoded") => {
            Ok(Form::UrlEncoded(body))
        }
        Some(kind) if kind.eq_ignore_ascii_case("multipart/form-data") => {
            // Rare, and so large that it would make every request's state large.
            let parts = Box::pin(parts(content_type.unwrap_or_default(), body));
            Ok(Form::Parts(parts.await?))
        }
        _ => Ok(Form::UrlEncoded(Bytes::new())),
    }
}

/// The value of the first pair with this name. Only that pair is decoded, and those before it whose names
/// are encoded.
fn first<'b>(pairs: &'b [u8], name: &str) -> Option<Cow<'b, str>> {
    pairs
        .split(|&byte| byte == b'&')
        .filter(|pair| {
            let key = pair.split(|&byte| byte == b'=').next().unwrap_or_default();
            key == name.as_bytes() || key.iter().any(|byte| matches!(byte, b'%' | b'+'))
        })
        .flat_map(form_urlencoded::parse)
        .find(|(key, _)| key == name)
        .map(|(_, value)| value)
}

/// The parts of a multipart form that are fields, not files.
async fn parts(content_type: &str, body: Bytes) -> Result<Vec<(String, String)>, Fault> {
    let boundary = multer::parse_boundary(content_type).map_err(|_| Fault::BodyBroken)?;
    let body = BodyDataStream::new(Full::new(body));
    let mut multipart = multer::Multipart::new(body, boundary);
    let mut parts = Vec::new();
    while let Some(field) = multipart
        .next_field()
        .await
        .map_err(|_| Fault::BodyBroken)?
    {
        let Some(name) = field.name().map(str::to_owned) else {
            continue;
        };
        if field.file_name().is_some() {
            continue;
        }
        let value = field.bytes().await.map_err(|_| Fault::BodyBroken)?;
        parts.push((name, String::from_utf8_lossy(&value).into_owned()));
    }
    Ok(parts)
}

#[cfg(test)]
mod properties;

#[cfg(test)]
mod tests {
    use super::*;

    fn input(query: &str, form: &str) -> Input {
        Input {
            query: query.to_owned(),
            form: Form::UrlEncoded(Bytes::copy_from_slice(form.as_bytes())),
        }
    }

    #[test]
    fn the_query_wins_then_the_first_value() {
        let both = input("a=1&a=2", "a=3&b=4&b=5");
        assert_eq!(both.parameter("a").as_deref(), Some("1"));
        assert_eq!(both.parameter("b").as_deref(), Some("4"));
        assert_eq!(both.parameter("c"), None);
        assert_eq!(input("a=", "a=3").parameter("a").as_deref(), Some(""));
    }

    #[test]
    fn parameters_are_decoded_as_utf_8() {
        let decoded = input("n%61me=z%C3%B6lf+x&bad=%FF%zz", "");
        assert_eq!(decoded.parameter("name").as_deref(), Some("zölf x"));
        assert_eq!(decoded.parameter("bad").as_deref(), Some("\u{FFFD}%zz"));
    }

    #[test]
    fn accept_headers() {
        let table: [(&[&str], bool); 16] = [
            (&[], true),
            (&[""], true),
            (&["*/*"], true),
            (&["application/json"], true),
            (&["Application/JSON;charset=UTF-8"], true),
            (&["application/*+json"], true),
            (&["application/*"], true),
            (&["text/html, */*;q=0.1"], true),
            (&["text/html", "application/json"], true),
            (&["text/html"], false),
            (&["application/xml"], false),
            (&["application/json;q=0"], false),
            (&["application/json; Q=0.0, */*"], false),
            (&["*/*;q=0, application/json"], true),
            (&["json"], false),
            (&[","], true),
        ];
        for (values, accepted) in table {
            let mut headers = HeaderMap::new();
            for value in values {
                headers.append(
                    ACCEPT,
                    HeaderValue::from_str(value).expect("a header value"),
                );
            }
            assert_eq!(accepts_json(&headers), accepted, "{values:?}");
        }
    }
}
