//! Methods: which ones a path allows, and their names in the log.

use hyper::Method;

use crate::http::allow::Allow;
use crate::http::error::RouteError;

/// The route of a path that is read.
///
/// # Errors
///
/// [`RouteError::NoSuchMethod`] unless the method is GET or HEAD.
pub fn get<R>(method: &Method, route: impl FnOnce() -> R) -> Result<R, RouteError> {
    match *method {
        Method::GET | Method::HEAD => Ok(route()),
        _ => Err(RouteError::NoSuchMethod { allow: Allow::Get }),
    }
}

/// The route of a path that is written.
///
/// # Errors
///
/// [`RouteError::NoSuchMethod`] unless the method is POST.
pub fn post<R>(method: &Method, route: impl FnOnce() -> R) -> Result<R, RouteError> {
    match *method {
        Method::POST => Ok(route()),
        _ => Err(RouteError::NoSuchMethod { allow: Allow::Post }),
    }
}

/// The route of a path that is read and written.
///
/// # Errors
///
/// [`RouteError::NoSuchMethod`] unless the method is GET, HEAD or POST.
pub fn get_or_post<R>(
    method: &Method,
    read: impl FnOnce() -> R,
    write: impl FnOnce() -> R,
) -> Result<R, RouteError> {
    match *method {
        Method::GET | Method::HEAD => Ok(read()),
        Method::POST => Ok(write()),
        _ => Err(RouteError::NoSuchMethod {
            allow: Allow::GetAndPost,
        }),
    }
}

/// The method's name in the log, which has no text that a client chose.
pub fn log_name(method: &Method) -> &'static str {
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
