//! The method OPTIONS, which each path has.

use hyper::Method;
use hyper::header::{ACCESS_CONTROL_REQUEST_METHOD, ALLOW, HeaderMap, ORIGIN};

use crate::app::App;
use crate::http::allow::Allow;
use crate::http::caller::caller;
use crate::http::error::ApiError;
use crate::http::params::Params;
use crate::http::response::{self, Response};
use crate::service::caller::admit;

/// A request for the methods of a path.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct OptionsRoute {
    /// The methods of the path.
    pub allow: Allow,
    /// Whether the other methods need no access token either.
    pub is_public: bool,
}

impl OptionsRoute {
    /// The methods of a path of which another resource has the methods in `other`. It is public if both are.
    pub fn merged(self, other: Option<Self>) -> Self {
        other.map_or(self, |other| Self {
            allow: self.allow.merged(other.allow),
            is_public: self.is_public && other.is_public,
        })
    }

    /// Returns the methods of the path.
    ///
    /// # Errors
    ///
    /// What an invalid caller is refused with, unless the path is public.
    pub fn handle(self, app: &App, params: &Params) -> Result<Response, ApiError> {
        if !self.is_public {
            admit(app, &caller(&app.config.requests, params)?)?;
        }
        let mut response = response::empty();
        response.headers_mut().insert(ALLOW, self.allow.header());
        Ok(response)
    }
}

/// Refuses the question of a browser whether a page of another origin may send a request.
///
/// # Errors
///
/// [`ApiError::CrossOrigin`].
pub fn refuse_preflight(method: &Method, headers: &HeaderMap) -> Result<(), ApiError> {
    let is_preflight = method == Method::OPTIONS
        && headers.contains_key(ORIGIN)
        && headers.contains_key(ACCESS_CONTROL_REQUEST_METHOD);
    if is_preflight {
        return Err(ApiError::CrossOrigin);
    }
    Ok(())
}
