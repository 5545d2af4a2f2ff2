//! The description as a page, which has no other source than itself and `openapi.json` of the same server.

use std::sync::LazyLock;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hyper::Method;
use hyper::header::{CONTENT_SECURITY_POLICY, HeaderValue};
use sha2::{Digest as _, Sha256};

use crate::app::App;
use crate::http::description::CACHED;
use crate::http::error::{ApiError, RouteError};
use crate::http::method::get;
use crate::http::params::Params;
use crate::http::resource::ResourceRoute;
use crate::http::response::{self, Response};

/// The page.
const PAGE: &str = include_str!("docs.html");

const HTML: HeaderValue = HeaderValue::from_static("text/html;charset=UTF-8");

/// What the page may load and do: its own style and script, by their hashes, and requests to this server.
static POLICY: LazyLock<HeaderValue> = LazyLock::new(|| {
    let policy = format!(
        "default-src 'none'; script-src '{}'; style-src '{}'; img-src data:; connect-src 'self'; base-uri 'none'; \
         form-action 'none'; frame-ancestors 'none'",
        hash("script"),
        hash("style")
    );
    HeaderValue::from_str(&policy).expect("it has no control characters")
});

/// The routes under `/docs`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum DocsRoute {
    /// GET
    Read,
}

impl ResourceRoute for DocsRoute {
    const IS_PUBLIC: bool = true;

    fn parse(method: &Method, segments: &[&str]) -> Result<Self, RouteError> {
        match segments {
            [] => get(method, || Self::Read),
            _ => Err(RouteError::NoSuchPath),
        }
    }

    fn name(&self) -> &'static str {
        "docs"
    }

    async fn handle(self, _app: &App, _params: &Params) -> Result<Response, ApiError> {
        let mut response = response::public(HTML, CACHED, PAGE);
        let headers = response.headers_mut();
        headers.insert(CONTENT_SECURITY_POLICY, POLICY.clone());
        Ok(response)
    }
}

/// The hash of what is between the tags of this name in the page, as a policy names it.
fn hash(tag: &str) -> String {
    let (start, end) = (format!("<{tag}>"), format!("</{tag}>"));
    let (_, rest) = PAGE.split_once(&start).expect("the page has the tag");
    let (inner, _) = rest.split_once(&end).expect("the tag is closed");
    format!("sha256-{}", STANDARD.encode(Sha256::digest(inner)))
}
